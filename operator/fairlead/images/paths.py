"""Where things lie in an image (the v1 contract §10), relative to its root."""

APP_ROOT = "var/azureml-app"
MODELS = f"{APP_ROOT}/azureml-models"
RUNTIME = "opt/fairlead/runtime"
ENVIRONMENT = "opt/fairlead/env"


def model_folder(model_name: str, version: int) -> str:
    """The folder that holds exactly one file or folder: the model."""
    return f"{MODELS}/{model_name}/{version}"
