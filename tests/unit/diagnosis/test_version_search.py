"""pip went back through versions, and one from years ago could not be built."""

import pytest

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.contract import EnvironmentRecipe
from fairlead.diagnosis.build.explain import explain
from fairlead.diagnosis.build.output import BuildOutput, Phase
from fairlead.diagnosis.build.version_search import with_search
from fairlead.finding import Finding
from fairlead.requirement import Requirement

SEARCH = (
    "INFO: pip is looking at multiple versions of {} to determine which version is compatible with "
    "other requirements. This could take a while."
)
FAILED = Finding(Reason.PACKAGE_BUILD_FAILED, FailureClass.USER, "pyarrow failed.", "See the log.")
RECIPE = EnvironmentRecipe(
    base_image="python:3.11-slim",
    requirements=(
        Requirement(text="numpy", line=4),
        Requirement(text="Azureml_Train[x]>=1", line=7),
    ),
    file="myenv.yml",
)


def searched(*names: str, phase: Phase = Phase.PACKAGES) -> BuildOutput:
    return BuildOutput(
        phase, [SEARCH.format(name) for name in names], "returned a non-zero code: 1"
    )


@pytest.mark.parametrize("names", [("azureml-train",), ("other", "azureml-train[x]", "numpy")])
def test_the_package_that_made_pip_look_is_named_with_its_line(names: tuple[str, ...]) -> None:
    found = with_search(FAILED, searched(*names), RECIPE)
    assert found.message == (
        "pyarrow failed. Before that, pip went back through versions of azureml-train "
        "(myenv.yml:7)."
    )
    assert found.remedy == (
        "Pin azureml-train to a version that goes with the others. See the log."
    )


def test_one_that_another_package_needs_has_no_line() -> None:
    found = with_search(FAILED, searched("boto3", "boto3"), RECIPE)
    assert found.message.endswith("versions of boto3, which another package needs.")


def test_without_a_file_there_is_no_line() -> None:
    found = with_search(FAILED, searched("numpy"), RECIPE.model_copy(update={"file": None}))
    assert found.message.endswith("went back through versions of numpy.")


@pytest.mark.parametrize(
    ("finding", "output"),
    [
        (FAILED, searched()),
        (FAILED, searched("numpy", phase=Phase.STEPS)),
        (Finding(Reason.PACKAGE_NOT_FOUND, FailureClass.USER, "x"), searched("numpy")),
    ],
)
def test_what_has_another_cause_stays_as_it_is(finding: Finding, output: BuildOutput) -> None:
    assert with_search(finding, output, RECIPE) == finding


def test_a_failure_that_nothing_explains_tells_it_too() -> None:
    found = explain(searched("numpy"), RECIPE)
    assert "versions of numpy (myenv.yml:4)" in found.message
    assert found.reason is Reason.IMAGE_BUILD_FAILURE
