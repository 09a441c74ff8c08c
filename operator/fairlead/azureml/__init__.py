"""Azure ML SDK v1's classes and calls, over local web services and the cluster's objects.

``from fairlead.azureml.core.model import Model`` and so on: v1's modules; or all names from here.
With ``import fairlead.azureml.compat`` in front, v1's own imports do.
"""

import importlib
from typing import Any

MODULES = {  # which of ``fairlead.azureml.core`` a name comes from; imported when it is asked for
    "AciWebservice": "webservice",
    "AksCompute": "compute",
    "AksEndpoint": "webservice",
    "AksWebservice": "webservice",
    "ComputeTarget": "compute",
    "CondaDependencies": "conda_dependencies",
    "ContainerImage": "image",
    "ContainerRegistry": "environment",
    "Environment": "environment",
    "Experiment": "experiment",
    "Image": "image",
    "InferenceConfig": "model",
    "LocalWebservice": "webservice",
    "Model": "model",
    "ResourceConfiguration": "resource_configuration",
    "Run": "run",
    "Webservice": "webservice",
    "Workspace": "workspace",
}


def __getattr__(name: str) -> Any:
    if name in MODULES:
        return getattr(importlib.import_module(f"fairlead.azureml.core.{MODULES[name]}"), name)
    if name in ("UserErrorException", "WebserviceException"):
        return getattr(importlib.import_module("fairlead.azureml.exceptions"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
