"""The script against the environment file and the models: told at once, and nothing waits."""

from typing import Any

import pytest

from fairlead.api.conditions import Condition
from fairlead.api.status import Truth
from fairlead.contract import ResolveRequest
from fairlead.decide.image.azureml_packages import PACKAGES_LEFT_OUT
from fairlead.decide.image.preflight import PREFLIGHT_PASSED
from tests.unit.decide.test_image import SPEC, Story

CONDA_PACKAGES = "- conda-forge::scikit-learn=1.7\n- pytorch\n"
BODY = "\n\ndef init():\n    {init}\n\n\ndef run(data):\n    return data\n"


def warned(
    script: str, init: str = "pass", conda: str = "", packages: str = "", **spec: Any
) -> Condition | None:
    """The condition that a first look at such an image comes to."""
    listed = "".join(f"  - {line}\n" for line in ("joblib", *conda.split()))
    myenv = f"dependencies:\n- python=3.11\n{packages}- pip:\n{listed}"
    files = {
        "score.py": (script + BODY.format(init=init)).encode(),
        "myenv.yml": myenv.encode(),
        "features/__init__.py": b"",
        "lib/shapes.py": b"",
        "weights.bin": b"",
        "Dockerfile.steps": b"RUN true\n",
    }
    decision = Story(files, **{**SPEC, **spec}).look()
    found = [each for each in decision.conditions if each.type == PREFLIGHT_PASSED]
    assert decision.tasks  # whatever is told: the work begins
    assert decision.failure is None
    return found[0] if found else None


@pytest.mark.parametrize(
    ("script", "conda"),
    [
        ("import json, os, sys, imp, distutils.util", ""),
        ("from azureml.core.model import Model", ""),
        ("import features, shapes", ""),
        ("import sklearn, numpy, scipy", "scikit-learn==1.7.2"),
        ("import cv2, PIL, yaml", "opencv-python-headless Pillow PyYAML"),
        ("import google.cloud.storage", ""),
        ("import Levenshtein_x", "levenshtein-x"),
        ("from flask import jsonify", "azureml-defaults"),
        ("from azure.storage.blob import BlobClient", "azure-storage-blob"),
        ("import anything", "anaconda"),
        ("import __main__, attr", "attrs"),
    ],
)
def test_what_is_there_or_brought_along_is_not_told(script: str, conda: str) -> None:
    assert warned(script, conda=conda) is None


def test_everything_is_told_at_once_with_its_line_and_what_to_add() -> None:
    condition = warned(
        "import xgboost\nimport cv2", "Model.get_model_path('diabetis')", "pandas==2.3.3"
    )
    assert condition is not None
    assert (condition.truth, condition.reason) == (Truth.FALSE, "ModelNotListed")
    assert condition.message == (
        "score.py:5 looks up the model 'diabetis', and spec.models has diabetes (did you mean "
        "'diabetes'?); myenv.yml names no package that is known to bring xgboost (score.py:1), cv2 "
        "of opencv-python-headless (score.py:2): add what is missing to it. The build goes on: "
        "this is a warning."
    )


def test_without_a_file_it_is_said_that_there_is_none() -> None:
    condition = warned("import numpy", condaFile=None)
    assert condition is not None
    assert condition.reason == "ImportNotListed"
    assert condition.message == (
        "no spec.condaFile or spec.requirementsFile brings numpy (score.py:1). The build goes on: "
        "this is a warning."
    )


def test_a_model_may_be_a_file_of_the_source() -> None:
    assert warned("", "Model.get_model_path('./weights.bin')") is None
    assert warned("", "Model.get_model_path('features')") is None
    assert warned("", "Model.get_model_path('diabetes')") is None
    condition = warned("", "Model.get_model_path('other.bin')", models=[])
    assert condition is not None
    assert "spec.models has no model" in condition.message


def test_packages_of_conda_count_as_well() -> None:
    assert warned("import sklearn, numpy, torch", packages=CONDA_PACKAGES) is None
    labelled = "- conda-forge/label/x::xgboost\n- https://conda.example.com/a::lightgbm\n"
    assert warned("import xgboost, lightgbm", packages=labelled) is None
    condition = warned("import xgboost, catboost", packages=labelled)
    assert condition is not None
    assert "to bring catboost (score.py:1)" in condition.message


def test_steps_may_bring_anything() -> None:
    assert warned("import xgboost", dockerFile="Dockerfile.steps") is None


def test_a_long_list_is_cut() -> None:
    condition = warned("\n".join(f"import unheard{number}" for number in range(40)))
    assert condition is not None
    assert "and 28 more" in condition.message
    assert len(condition.message) <= 1300


def test_packages_that_every_image_has_are_not_installed_and_that_is_told() -> None:
    decision = Story(azureml_files()).look()
    [told] = [each for each in decision.conditions if each.type == PACKAGES_LEFT_OUT]
    assert (told.truth, told.reason) == (Truth.TRUE, "ProvidedByRuntime")
    assert told.message.startswith("Not installed: azureml-defaults==1.0.17 (myenv.yml:4). The ")
    assert decision.failure is None
    [task] = decision.tasks
    assert isinstance(task.request, ResolveRequest)
    assert [one.text for one in task.request.recipe.requirements] == ["joblib"]


def azureml_files() -> dict[str, bytes]:
    myenv = "dependencies:\n- python=3.11\n- pip:\n  - azureml-defaults==1.0.17\n  - joblib\n"
    script = "from azureml.core.model import Model" + BODY.format(init="pass")
    return {"score.py": script.encode(), "myenv.yml": myenv.encode()}
