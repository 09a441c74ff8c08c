"""With fairlead.azureml.compat in front v1's imports are ours; importing any of it is light."""

import subprocess
import sys

import pytest

import fairlead.azureml
from fairlead.azureml import model, webservice

TIMEOUT_S = 300
NAMES = """
import fairlead.azureml.compat
import azureml.core
from azureml.core import ComputeTarget, Dataset, Environment, Experiment, Image, Model, Run
from azureml.core import VERSION, Webservice, Workspace
from azureml.core.authentication import InteractiveLoginAuthentication
from azureml.core.authentication import ServicePrincipalAuthentication
from azureml.core.compute import AksCompute, AmlCompute, ComputeTarget
from azureml.core.compute_target import ComputeTargetException
from azureml.core.conda_dependencies import CondaDependencies
from azureml.core.environment import CondaDependencies, Environment
from azureml.core.image import ContainerImage, Image
from azureml.core.model import InferenceConfig, Model
from azureml.core.resource_configuration import ResourceConfiguration
from azureml.core.run import Run
from azureml.core.runconfig import CondaDependencies, RunConfiguration
from azureml.core.webservice import AciWebservice, AksEndpoint, AksWebservice, LocalWebservice
from azureml.core.webservice import Webservice
from azureml.core.workspace import Workspace
from azureml.core.webservice.aks import AksWebservice
from azureml.core.image.container import ContainerImage
from azureml.exceptions._azureml_exception import WebserviceException
from azureml.exceptions import UserErrorException, WebserviceException
import fairlead.azureml.core.model
import fairlead.azureml.compat
assert Model is fairlead.azureml.core.model.Model is azureml.core.model.Model
"""
HEAVY = ("aiohttp", "docker", "httpx", "kopf", "kubernetes", "pydantic", "structlog", "yaml")


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


def test_every_name_is_ours_and_nothing_heavy_is_imported() -> None:
    done = run(f"{NAMES}\nimport sys\nprint([one for one in {HEAVY} if one in sys.modules])")
    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")


@pytest.mark.parametrize(
    ("module", "said"),
    [
        ("azureml.train.automl", "Training is done elsewhere"),
        ("azureml.widgets", "wait_for_deployment"),
        ("azureml.core.keyvault", "docs/azureml.md"),
    ],
)
def test_what_is_not_here_says_so(module: str, said: str) -> None:
    done = run(f"import fairlead.azureml.compat\nimport {module}")
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"ModuleNotFoundError: {module.removesuffix('.automl')} is not in")
    assert said in last


def test_every_name_is_there_at_once() -> None:
    for name in (*fairlead.azureml.MODULES, "UserErrorException", "WebserviceException"):
        assert getattr(fairlead.azureml, name) is not None
    for module in (fairlead.azureml, model, webservice):
        with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
            _ = module.Nothing


def test_another_azureml_is_not_pushed_aside() -> None:
    theirs = "import sys, types\nsys.modules['azureml'] = types.ModuleType('azureml')\n"
    done = run(f"{theirs}import fairlead.azureml.compat")
    assert done.stderr.splitlines()[-1].startswith("ImportError: azureml was imported before")


def test_what_is_absent_can_be_imported_and_not_used() -> None:
    done = run("from fairlead.azureml.core import Dataset\nDataset.get_by_name(None, 'x')")
    last = done.stderr.splitlines()[-1]
    assert "UnsupportedError: Dataset.get_by_name has no counterpart in Fairlead." in last
