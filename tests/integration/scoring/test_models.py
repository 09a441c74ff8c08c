"""``Model.get_model_path()`` inside the image, with and without parts of the SDK (contract §11)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fairlead_scoring.slot.shims.azureml.exceptions import ModelNotFoundException
from tests.integration.scoring.conftest import Serve
from tests.integration.scoring.service import Service

SCRIPT = """
import json
from azureml.core.model import Model


def init():
    pass


def run(data):
    try:
        return Model.get_model_path(**json.loads(data))
    except Exception as error:
        words = getattr(error, "message", error)
        return f"{type(error).__module__}.{type(error).__name__}: {words}"
"""
FILES = {
    "azureml-models/one/1/a.pkl": "",
    "azureml-models/one/9/b.pkl": "",
    "azureml-models/one/10/c.pkl": "",
    "azureml-models/folder/1/inside/x": "",
    "azureml-models/two-entries/1/a.pkl": "",
    "azureml-models/two-entries/1/.DS_Store": "",
    "azureml-models/odd/1/a.pkl": "",
    "azureml-models/odd/.DS_Store": "",
    "beside.pkl": "",
}
NOT_FOUND = (
    "Model {name} not found in cache at {root}/azureml-models or in current working directory "
    "{root}. For more info, set logging level to DEBUG.{asked} The image has: folder (version 1), "
    "odd (version 1), one (versions 1, 9, 10), two-entries (version 1)."
)
WEBSERVICE = "azureml.exceptions.WebserviceException"


@pytest.fixture(scope="module")
def models(runtime: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    files = {**FILES, "score.py": SCRIPT}
    service = Service(tmp_path_factory.mktemp("models"), runtime, files, {})
    yield service.until_ready()
    service.end()


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        pytest.param('{"model_name": "one"}', "{root}/azureml-models/one/10/c.pkl", id="latest"),
        pytest.param('{"model_name": "one", "version": 9}', "{root}/azureml-models/one/9/b.pkl",
                     id="a version"),
        pytest.param('{"model_name": "folder"}', "{root}/azureml-models/folder/1/inside",
                     id="a folder"),
        pytest.param('{"model_name": "beside.pkl"}', "beside.pkl", id="in the working directory"),
        pytest.param('{"model_name": "beside.pkl", "version": 3}', "beside.pkl",
                     id="in the working directory, whatever version"),
        pytest.param('{"model_name": "none"}', "azureml.exceptions.ModelNotFoundException: "
                     + NOT_FOUND.replace("{name}", "none").replace("{asked}", ""), id="no model"),
        pytest.param('{"model_name": "one", "version": 2}', f"{WEBSERVICE}: "
                     + NOT_FOUND.replace("{name}", "one")
                     .replace("{asked}", " Version 2 was asked for."), id="no such version"),
        pytest.param('{"model_name": "one", "version": "2"}',
                     f"{WEBSERVICE}: version should be an int", id="a version that is a text"),
        pytest.param('{"model_name": null}', f"{WEBSERVICE}: model_name is None", id="no name"),
        pytest.param('{"model_name": "odd"}', "builtins.ValueError: {root}/azureml-models/odd can "
                     "contain only folders named by a version number. Found", id="an odd entry"),
        pytest.param('{"model_name": "two-entries"}', f"{WEBSERVICE}: Dir {{root}}/azureml-models/"
                     "two-entries/1 can contain only 1 file or folder. Found", id="two entries"),
    ],
)  # fmt: skip
def test_a_model_is_found_as_in_azure(models: Service, asked: str, answer: str) -> None:
    found = models.score(asked).json()
    assert found.startswith(answer.replace("{root}", str(models.root)))


MONITORING = "azureml/monitoring.py"
PKGUTIL = "__path__ = __import__('pkgutil').extend_path(__path__, __name__)\n"


@pytest.mark.parametrize(
    "installed",
    [
        pytest.param({}, id="nothing"),
        pytest.param({MONITORING: "HERE = 1\n"}, id="a part without __init__"),
        pytest.param(
            {MONITORING: "HERE = 1\n", "azureml/__init__.py": PKGUTIL}, id="a pkgutil part"
        ),
        pytest.param({MONITORING: "HERE = 1\n", "azureml/__init__.py": ""}, id="a closed part"),
    ],
)
def test_the_stand_in_is_found_beside_other_parts(
    serve: Serve, tmp_path: Path, installed: dict[str, str]
) -> None:
    write(tmp_path / "site", installed)
    script = (SCRIPT + "\nimport azureml.monitoring\n") if installed else SCRIPT
    service = serve(script, files=FILES, PYTHONPATH=str(tmp_path / "site")).until_ready()
    assert service.score('{"model_name": "one"}').json().endswith("c.pkl")


def test_the_real_package_wins(serve: Serve, tmp_path: Path) -> None:
    real = "class Model:\n    def get_model_path(model_name):\n        return 'real'\n"
    write(
        tmp_path / "site",
        {
            "azureml/__init__.py": PKGUTIL,
            "azureml/core/__init__.py": "",
            "azureml/core/model.py": real,
        },
    )
    service = serve(SCRIPT, files=FILES, PYTHONPATH=str(tmp_path / "site")).until_ready()
    assert service.score('{"model_name": "one"}').json() == "real"


def test_its_errors_are_printed_as_the_sdks_are() -> None:
    error = ModelNotFoundException('no "model"')
    document = '{\n    "error": {\n        "message": "no \\"model\\""\n    }\n}'
    message = 'ModelNotFoundException:\n\tMessage: no "model"\n\tInnerException None\n'
    assert str(error) == repr(error) == f"{message}\tErrorResponse \n{document}"
    assert error.message == 'no "model"'


@pytest.mark.parametrize(
    ("script", "name"),
    [
        ("from azureml.core import Model, Workspace\n", "Workspace"),
        ("from azureml.core.run import Run\n", "run"),
        ("import azureml.core.run\n", "run"),
        ("from azureml.core import run\n", "run"),
        ("from azureml.core import Model\nModel(None, name='a')\n", "Model(workspace, ...)"),
        ("from azureml.core.model import Model\nModel.list(None)\n", "Model.list"),
    ],
)
def test_what_the_stand_in_lacks_is_said_with_what_to_do(
    serve: Serve, script: str, name: str
) -> None:
    service = serve(script)
    assert service.exit_code() == 3
    assert service.record["message"] == (
        f"azureml.core.{name} is not part of what Fairlead provides (Model.get_model_path): name "
        "azureml-core in the conda or requirements file and import it in the entry script itself "
        "(else it counts as provided, unless FAIRLEAD_AZUREML_PACKAGES is asked), or remove the "
        "import"
    )


def test_a_part_of_the_real_package_that_is_missing_is_not_ours_to_explain(
    serve: Serve, tmp_path: Path
) -> None:
    write(tmp_path / "site", {"azureml/__init__.py": "", "azureml/core/__init__.py": ""})
    service = serve("import azureml.core.run\n", PYTHONPATH=str(tmp_path / "site"))
    assert service.exit_code() == 3
    assert service.record["message"] == "No module named 'azureml.core.run'"


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
