"""What becomes of Azure ML v1's own packages in a list."""

import ast

import pytest

from fairlead.inputs.azureml_packages import AzureMLPackages, without_provided
from fairlead.inputs.script_uses import script_uses
from fairlead.requirement import Requirement

HASH = f"--hash=sha256:{64 * '0'}"


def sorted_out(asked: list[str], script: str = "") -> tuple[list[str], list[str]]:
    """What is installed of the list, and what is not."""
    requirements = tuple(Requirement(text=text, line=n) for n, text in enumerate(asked, 1))
    uses = script_uses(ast.parse(script))
    found: AzureMLPackages = without_provided(requirements, uses.imports, uses.azureml)
    return [one.text for one in found.requirements], [one.text for one in found.left_out]


@pytest.mark.parametrize(
    "package",
    [
        "azureml-defaults==1.0.17",
        "AzureML_Defaults",
        f"azureml-defaults==1.0.17 {HASH}",
        "azureml-sdk[automl]==1.27.*",
        "azureml-core>=1.0.45,<2",
        "azureml-monitoring",
        "azureml-contrib-services",
    ],
)
def test_what_every_image_has_is_not_installed(package: str) -> None:
    assert sorted_out(["numpy", package, "ptvsd"]) == (["numpy", "ptvsd"], [package])


@pytest.mark.parametrize(
    "script",
    [
        "from azureml.core.model import Model",
        "from azureml.core import Model",
        "import azureml.core.model as m",
        "from azureml.contrib.services.aml_request import rawhttp",
        "from azureml.monitoring import ModelDataCollector",
    ],
)
def test_a_script_that_asks_for_no_more_than_there_is(script: str) -> None:
    assert sorted_out(["azureml-core==1.0.85"], script) == ([], ["azureml-core==1.0.85"])


@pytest.mark.parametrize(
    "script",
    [
        "from azureml.core import Workspace, Model",
        "import azureml.core",
        "import azureml",
        "from azureml.core.run import Run",
        "def init():\n    try:\n        from azureml.core import Run\n    except ImportError:\n"
        "        pass",
        "from azureml.core.modelling import x",
    ],
)
def test_a_script_that_asks_for_more_gets_what_it_asks_for(script: str) -> None:
    asked = ["azureml-core==1.0.85", "azureml-defaults"]
    assert sorted_out(asked, script) == (asked, [])


def test_what_depends_on_them_keeps_them() -> None:
    asked = ["azureml-defaults==1.43", "azureml-train-automl-runtime==1.43"]
    assert sorted_out(asked) == (asked, [])


def test_what_they_brought_along_is_asked_for_in_their_place_where_the_script_imports_it() -> None:
    script = "import flask\nfrom inference_schema.schema_decorators import input_schema"
    left = ["azureml-defaults"]
    assert sorted_out(left, script) == (["flask", "inference-schema"], left)
    asked = ["inference-schema[numpy-support]==1.3", "azureml-defaults", "flask==1.0"]
    assert sorted_out(asked, script) == ([asked[0], asked[2]], left)
    assert sorted_out(["numpy"], script) == (["numpy"], [])


def test_an_address_has_no_name_to_go_by() -> None:
    asked = ["git+https://example.com/x.git", "azureml-defaults"]
    assert sorted_out(asked) == ([asked[0]], [asked[1]])
