"""What every image has in common: where things lie in it (relative to its root), user, port."""

APP_ROOT = "var/azureml-app"
MODELS = f"{APP_ROOT}/azureml-models"
RUNTIME = "opt/fairlead/runtime"
FRONT_FOLDER = "python"  # within it: the server's own Python, where the environment's is too old
FRONT_PROGRAM = f"{FRONT_FOLDER}/bin/python3"
OLDEST_FRONT_PYTHON = (3, 11)  # that the server runs on
ENVIRONMENT = "opt/fairlead/env"
EDITS = "tmp/fairlead-edits"
"""Where a source that is edited in a debug pod is put: the app root cannot be written to there."""
BUILD_FILES = "opt/fairlead/build"
USER_ID = 10001
USER = f"{USER_ID}:{USER_ID}"  # numeric: runAsNonRoot cannot look a name up
PORT = 5001


def model_folder(model_name: str, version: int) -> str:
    """The folder that holds exactly one file or folder: the model."""
    return f"{MODELS}/{model_name}/{version}"
