"""From plain files and manifests to a recipe, models and variables."""

from pathlib import Path

import pytest

from fairlead.api.reasons import Reason
from fairlead.local.asked import Asked
from fairlead.local.errors import LocalError
from fairlead.local.places import Places
from fairlead.local.plain_files import model_of, service_name
from fairlead.local.preparation import Prepared, check_source, prepare, read_asked
from fairlead.local.update import changed
from fairlead.settings import Settings
from tests.unit.local.test_manifests import CONFIG_MAPS, IMAGE, MODEL, SCRIPT, SERVICE

SETTINGS = Settings()


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "state", tmp_path / "cache")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    here = tmp_path / "credit"
    here.mkdir()
    (here / "score.py").write_text(SCRIPT)
    (here / "myenv.yml").write_bytes(
        b"dependencies:\r\n- python=3.11\r\n- pip:\r\n  - numpy==2.3.5\r\n"
    )
    (here / "credit.pkl").write_bytes(b"weights")
    return here


def asked(folder: Path, **more: object) -> Asked:
    plain = {"entry_script": f"{folder}/score.py", "conda_file": f"{folder}/myenv.yml"}
    return Asked.model_validate({**plain, "models": (f"{folder}/credit.pkl",), **more})


def prepared(wish: Asked, places: Places) -> Prepared:
    return prepare(read_asked(wish), places, SETTINGS)


def refused(wish: Asked, places: Places) -> LocalError:
    with pytest.raises(LocalError) as caught:
        prepared(wish, places)
    return caught.value


def test_plain_files_are_enough(folder: Path, places: Places) -> None:
    found = prepared(asked(folder, variables={"LEVEL": "3"}, memory="1Gi"), places)
    assert found.wanted.name == "credit"
    assert set(found.wanted.files) == {"score.py", "myenv.yml"}
    assert [one.text for one in found.recipe.requirements] == ["numpy==2.3.5"]
    assert found.recipe.python == "3.11"
    assert [(one.name, one.version, one.content.entry) for one in found.models] == [
        ("credit.pkl", 1, "credit.pkl")
    ]
    assert found.variables["AZUREML_MODEL_DIR"].endswith("/azureml-models/credit.pkl/1")
    assert found.variables["LEVEL"] == "3"
    resources = found.wanted.service.resources
    assert resources is not None
    assert resources.limits is not None
    assert resources.limits.memory == "1Gi"


def test_a_folder_is_the_source_but_for_what_no_script_needs(folder: Path, places: Places) -> None:
    for name in ("lib/a.py", "__pycache__/a.pyc", ".git/config", ".venv/bin/python"):
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_text("")
    found = prepared(asked(folder, source_directory=str(folder)), places)
    assert set(found.wanted.files) == {"score.py", "myenv.yml", "credit.pkl", "lib/a.py"}


def test_a_model_that_is_a_folder_stays_one(folder: Path, places: Places) -> None:
    (folder / "weights/deep").mkdir(parents=True)
    (folder / "weights/a.bin").write_bytes(b"a")
    (folder / "weights/deep/b.bin").write_bytes(b"b")
    [model] = prepared(asked(folder, models=(f"m={folder}/weights",)), places).models
    assert (model.name, model.content.entry) == ("m", "weights")
    assert {file.name for file in model.content.files} == {"weights/a.bin", "weights/deep/b.bin"}


def test_manifests_come_to_the_same(tmp_path: Path, places: Places) -> None:
    path = tmp_path / "whole.yaml"
    path.write_text("---\n".join((IMAGE, MODEL, SERVICE, CONFIG_MAPS)))
    wish = Asked(manifests=(str(path),), variables={"LEVEL": "3"}, memory="2Gi")
    found = prepared(wish, places)
    [model] = found.models
    assert (model.name, model.content.size) == ("credit.pkl", 7)
    assert found.wanted.service.environment_variables == {"LEVEL": "3"}
    assert found.wanted.service.to_wire()["resources"]["limits"] == {"memory": "2Gi"}
    assert prepared(wish, places).models[0].content.files[0].source.is_relative_to(places.models)


def test_a_file_of_this_machine_takes_the_place_of_a_model(
    tmp_path: Path, folder: Path, places: Places
) -> None:
    path = tmp_path / "whole.yaml"
    path.write_text("---\n".join((IMAGE, MODEL, SERVICE, CONFIG_MAPS)))
    wish = Asked(manifests=(str(path),), models=(f"credit={folder}/credit.pkl",))
    [model] = prepared(wish, places).models
    assert model.content.files[0].source == folder / "credit.pkl"
    other = wish.model_copy(update={"models": (f"debit={folder}/credit.pkl",)})
    assert "debit; the models of the manifests: credit" in refused(other, places).finding.message


def test_all_that_is_wrong_is_said_at_once_with_its_lines(folder: Path, places: Places) -> None:
    (folder / "score.py").write_text("def init():\n    return (\n")
    (folder / "myenv.yml").write_text("dependencies:\n- pip:\n  - numpy ===== 1\n")
    finding = refused(asked(folder), places).finding
    assert finding.reason == Reason.ENTRY_SCRIPT_INVALID
    assert "score.py:2" in finding.message
    assert "myenv.yml:3" in finding.message
    with pytest.raises(LocalError):
        check_source(read_asked(asked(folder)), SETTINGS)


def test_what_the_script_looks_up_and_has_not_is_a_warning(folder: Path, places: Places) -> None:
    (folder / "score.py").write_text(
        "import pandas\nfrom azureml.core.model import Model\n\n\ndef init():\n"
        "    Model.get_model_path('credit.pk')\n\n\ndef run(data):\n    return data\n"
    )
    [warning] = prepared(asked(folder), places).warnings
    assert "'credit.pk'" in warning
    assert "pandas" in warning


@pytest.mark.parametrize(
    ("wish", "reason", "words"),
    [
        ({"entry_script": "/nowhere/score.py"}, Reason.FILE_NOT_FOUND, "/nowhere/score.py"),
        ({"models": ("/nowhere/m.pkl",)}, Reason.FILE_NOT_FOUND, "/nowhere/m.pkl"),
        ({"models": ("a b=/tmp",)}, Reason.INVALID_SPEC, "'a b'"),
        ({"source_directory": "/nowhere"}, Reason.FILE_NOT_FOUND, "/nowhere is not there"),
        ({"service": "Not A Name"}, Reason.INVALID_SPEC, "lowercase"),
        ({"memory": "much"}, Reason.INVALID_SPEC, "quantity"),
        ({"variables": {"AML_APP_ROOT": "/x"}}, Reason.INVALID_SPEC, "AML_APP_ROOT"),
    ],
)
def test_what_cannot_be_is_told(
    wish: dict[str, object], reason: Reason, words: str, folder: Path, places: Places
) -> None:
    finding = refused(asked(folder, **wish), places).finding
    assert finding.reason == reason
    assert words in finding.message
    assert finding.remedy


def test_a_folder_in_the_place_of_a_file_is_told(folder: Path, places: Places) -> None:
    finding = refused(asked(folder, conda_file=str(folder)), places).finding
    assert finding.message == f"{folder} is a folder."


def test_a_model_in_a_volume_needs_a_file_in_its_place(tmp_path: Path, places: Places) -> None:
    path = tmp_path / "whole.yaml"
    volume = MODEL.replace("configMap: {name: weights}", "persistentVolumeClaim: {claimName: a}")
    path.write_text("---\n".join((IMAGE, volume, SERVICE, CONFIG_MAPS)))
    finding = refused(Asked(manifests=(str(path),)), places).finding
    assert finding.reason == Reason.NOT_WITHOUT_CONTAINER
    assert "--model credit=PATH" in str(finding.remedy)


@pytest.mark.parametrize(
    ("name", "script", "is_called"),
    [
        ("mine", "/a/score.py", "mine"),
        (None, "/home/My Project_2/score.py", "my-project-2"),
        (None, "/score.py", "service"),
        (None, f"/{'a' * 60}/score.py", "a" * 50),
    ],
)
def test_a_service_without_a_name_is_called_as_the_folder(
    name: str | None, script: str, is_called: str
) -> None:
    assert service_name(name, script) == is_called


def test_a_path_with_an_equals_sign_needs_a_name(tmp_path: Path) -> None:
    (tmp_path / "a=b.pkl").write_text("")
    assert model_of(f"m={tmp_path}/a=b.pkl").name == "m"


def test_a_model_may_say_its_version(tmp_path: Path) -> None:
    (tmp_path / "m.pkl").write_text("")
    made = model_of(f"m:12={tmp_path}/m.pkl")
    assert (made.name, made.version) == ("m", 12)
    assert model_of(f"{tmp_path}/m.pkl").version == 1
    for wrong in ("0", "x", "-1"):
        with pytest.raises(LocalError, match="cannot be the version"):
            model_of(f"m:{wrong}={tmp_path}/m.pkl")


def test_an_update_replaces_a_model_whatever_its_version() -> None:
    before = Asked(models=("m:1=/a", "n=/b"), variables={"A": "1"})
    now = changed(before, ("m:2=/c",), {"B": "2"}, "1Gi")
    assert now.models == ("m:2=/c", "n=/b")
    assert (now.variables, now.memory) == ({"A": "1", "B": "2"}, "1Gi")
    assert changed(before, (), {}, None) == before
