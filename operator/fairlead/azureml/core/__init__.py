"""v1's ``azureml.core``: the same modules with the same names in them."""

from fairlead.azureml.core.compute import ComputeTarget
from fairlead.azureml.core.dataset import Dataset
from fairlead.azureml.core.datastore import Datastore
from fairlead.azureml.core.environment import ContainerRegistry, Environment
from fairlead.azureml.core.experiment import Experiment
from fairlead.azureml.core.image import Image
from fairlead.azureml.core.model import Model
from fairlead.azureml.core.run import Run
from fairlead.azureml.core.runconfig import RunConfiguration
from fairlead.azureml.core.script_run_config import ScriptRunConfig
from fairlead.azureml.core.webservice import Webservice
from fairlead.azureml.core.workspace import Workspace

VERSION = __version__ = "1.61.0"  # the version of azureml-core whose calls these are

__all__ = [
    "VERSION",
    "ComputeTarget",
    "ContainerRegistry",
    "Dataset",
    "Datastore",
    "Environment",
    "Experiment",
    "Image",
    "Model",
    "Run",
    "RunConfiguration",
    "ScriptRunConfig",
    "Webservice",
    "Workspace",
]
