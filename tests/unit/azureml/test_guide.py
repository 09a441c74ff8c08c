"""Every Python block of the guide runs: with the import lines changed, and with compat as it is."""

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from fairlead.azureml import waiting
from fairlead.azureml.core import Experiment, Workspace
from tests.unit.azureml.fake_objects import FakeObjects
from tests.unit.azureml.standing_in import SCRIPT
from tests.unit.local.services import Standin

GUIDE = Path(__file__).parent / "guide"
BLOCKS = 16
STEPS = "RUN apt-get update && apt-get -y install vim\n"


def blocks(language: str) -> list[str]:
    """The Python blocks, in the order in which the guide has them."""
    text = (GUIDE / f"{language}.md").read_text()
    return re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def typed(block: str) -> str:
    """What a person types of a block: one of them goes on with what Python then printed."""
    return block.partition("\nCreating image\nTraceback")[0]


def with_our_imports(block: str, ours: str = "fairlead.azureml.core") -> str:
    return re.sub(r"^from azureml\.core\b", f"from {ours}", block, flags=re.MULTILINE)


@pytest.fixture
def compat() -> Iterator[None]:
    """As a program has it whose first line imports it; gone afterwards."""
    before = sys.meta_path[:]
    assert "azureml" not in sys.modules
    import fairlead.azureml.compat

    fairlead.azureml.compat.install()
    yield
    sys.meta_path[:] = before
    for name in [name for name in sys.modules if name.partition(".")[0] == "azureml"]:
        del sys.modules[name]


@pytest.fixture
def objects(monkeypatch: pytest.MonkeyPatch) -> FakeObjects:
    monkeypatch.setattr(waiting, "POLL_S", 0.001)
    return FakeObjects()


@dataclass
class Reader:
    """Who follows the guide: a folder, a cluster, what runs local services, names in Python."""

    here: Path
    objects: FakeObjects
    runs: Standin
    names: dict[str, Any]

    def finds(self, printed: list[str]) -> None:
        """What the guide promises of its blocks."""
        said = dict(enumerate(printed, 1))
        assert self.names["replicas"] == 286
        assert said[4].splitlines() == [*["/logs/myimg/1-1"] * 2, "myimg 1 /logs/myimg/1-1"]
        assert said[6].splitlines()[-1] == "8890"
        assert said[7] == "{'data': [1]}\n"
        assert self.runs.calls.count("make mymodel") == 2  # it was deployed, and updated
        assert said[10].endswith("mysvc 5000 False\n")
        assert said[11] == "azureml-models/my-best-model/1/model.pkl\n"
        assert "- ptvsd\n" in (self.here / "myenv.yml").read_text()
        assert said[15] == "Debugger attached...\n"
        assert said[16].endswith("registry.example.com/team/myimage:2\n")
        images = {one["metadata"]["name"]: one for one in self.objects.of("InferenceImage")}
        assert images["myimage"]["spec"]["dockerFile"] == "Dockerfile.steps"


@pytest.fixture
def reader(here: Path, runs: Standin, objects: FakeObjects) -> Reader:
    """With what the guide takes for granted: a workspace, a run, a second model, and files."""
    (here / "myenv.yml").write_text("dependencies: [{pip: [numpy==2.3.5]}]\n")
    (here / "outputs").mkdir()
    (here / "outputs/my_model.pkl").write_bytes(b"of the run")
    (here / "other.pkl").write_bytes(b"other")
    (here / "score.py").write_text(SCRIPT)
    (here / "Dockerfile.steps").write_text(STEPS)
    folder = here / "azureml-models/my-best-model/1"
    folder.mkdir(parents=True)
    (folder / "model.pkl").write_bytes(b"weights")
    ws = Workspace("s", "g", "team", objects=objects)
    run = Experiment(ws, "train").start_logging()
    from fairlead.azureml.core import Model

    different = Model.register(ws, "other.pkl", "different")
    names = {"ws": ws, "best_run": run, "different_model": different, "Model": Model}
    return Reader(here, objects, runs, {**names, **imported_before()})


def imported_before() -> dict[str, Any]:
    """What the first blocks use without importing it."""
    from fairlead.azureml.core.image import ContainerImage, Image
    from fairlead.azureml.core.webservice import AciWebservice, Webservice

    return {
        "ContainerImage": ContainerImage,
        "Image": Image,
        "AciWebservice": AciWebservice,
        "Webservice": Webservice,
    }


@pytest.fixture
def ptvsd(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The debugger that scripts import: what is called of it."""
    called = list[str]()
    module: Any = ModuleType("ptvsd")
    module.enable_attach = lambda **given: called.append(f"enable {given['address'][1]}")
    module.wait_for_attach = lambda **given: called.append(f"wait {given['timeout']}")
    monkeypatch.setitem(sys.modules, "ptvsd", module)
    return called


def everything(
    code: list[str], names: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> list[str]:
    """Run each block; return what each printed."""
    printed = []
    for at, block in enumerate(code):
        names.setdefault("model", None)
        if "np.array(data)" in block:
            names |= {"json": json, "np": SimpleNamespace(array=list), "model": Predicts()}
        exec(compile(block, f"block {at + 1}", "exec"), names)
        printed.append(capsys.readouterr().out)
        if "np.array(data)" in block:
            assert json.loads(names["run"]('{"data": [[1, 2]]}')) == {"result": [3]}
            assert "error" in json.loads(names["run"]("{}"))
            names["model"] = names["different_model"]
    return printed


class Predicts:
    """A trained model."""

    def predict(self, rows: list[list[int]]) -> Any:
        return SimpleNamespace(tolist=lambda: [sum(row) for row in rows])


@pytest.mark.parametrize("ours", ["fairlead.azureml.core", "fairlead.azureml"])
@pytest.mark.parametrize("language", ["pt", "es"])
def test_with_the_import_lines_changed(
    language: str, ours: str, reader: Reader, ptvsd: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    code = [with_our_imports(typed(block), ours) for block in blocks(language)]
    assert len(code) == BLOCKS
    reader.finds(everything(code, reader.names, capsys))
    assert ptvsd == ["enable 5678", "wait 30"]


@pytest.mark.usefixtures("compat")
@pytest.mark.parametrize("language", ["pt", "es"])
def test_with_compat_in_front_and_nothing_changed(
    language: str, reader: Reader, ptvsd: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    code = [typed(block) for block in blocks(language)]
    assert len(code) == BLOCKS
    assert any("from azureml.core" in block for block in code)
    reader.finds(everything(code, reader.names, capsys))
    assert ptvsd == ["enable 5678", "wait 30"]
