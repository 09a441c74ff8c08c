"""The models of a deployment: objects, ids such as ``credit:2``, names, or paths."""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairlead.azureml.exceptions import InvalidConfigurationError
from fairlead.azureml.local_request import FileModel
from fairlead.azureml.model import Model

if TYPE_CHECKING:
    from fairlead.azureml.workspace import Workspace

MAX_PATH_NAME_CHARS = 30  # of what was not registered: v1's bound


def on_this_machine(workspace: "Workspace", models: Sequence[Any]) -> tuple[FileModel, ...]:
    """Registered ones are fetched where they do not lie here. Raises ``WebserviceException``."""
    return tuple(_here(workspace, one) for one in checked(models))


def registered(workspace: "Workspace", models: Sequence[Any]) -> tuple[Model, ...]:
    """Paths are registered under their own names. Raises ``WebserviceException``."""
    return tuple(_registered(workspace, one) for one in checked(models))


def checked(models: Sequence[Any]) -> Sequence[Any]:
    if isinstance(models, (str, Model)) or not isinstance(models, Sequence):
        raise InvalidConfigurationError(
            "models is a list: of models, their ids (name:version), or paths."
        )
    wrong = next((one for one in models if not isinstance(one, (str, Model, os.PathLike))), None)
    if wrong is not None:
        raise InvalidConfigurationError(f"{wrong!r} is no model, no id and no path of one.")
    return models


def path_name(path: Path) -> str:
    """What a model that was not registered is called."""
    name = re.sub(r"[^A-Za-z0-9._-]", "-", path.name).lstrip("-._")
    return name[:MAX_PATH_NAME_CHARS] or "model"


def _here(workspace: "Workspace", one: Any) -> FileModel:
    if not isinstance(one, Model) and Path(one).exists():
        path = Path(one).absolute()
        return FileModel(path_name(path), 1, path)
    model = one if isinstance(one, Model) else Model(workspace, id=str(one))
    if model.record.path is not None and model.record.path.exists():
        return FileModel(model.name, model.version, model.record.path)
    from fairlead.local.places import make_private, places

    folder = places(os.environ).models / "azureml" / workspace.namespace / model.record.resource
    make_private(folder)
    there = model.download(str(folder / str(model.version)), exist_ok=True)
    return FileModel(model.name, model.version, Path(there).absolute())


def _registered(workspace: "Workspace", one: Any) -> Model:
    if isinstance(one, Model):
        return one
    if Path(one).exists():
        return Model.register(workspace, str(one), path_name(Path(one).absolute()))
    return Model(workspace, id=str(one))
