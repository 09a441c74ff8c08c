"""``azureml.core.model.Model.get_model_path()`` as it behaves inside a container."""

import logging
import os
from pathlib import Path
from typing import Optional

from ..exceptions import ModelNotFoundException, WebserviceException  # noqa: TID252
from .inventory import inventory
from .missing import missing

logger = logging.getLogger(__name__)
MODELS_DIR = Path(os.environ.get("AML_APP_ROOT") or "", "azureml-models")


class _OnlyPaths(type):
    def __getattr__(cls, name: str) -> object:
        raise AttributeError(missing(f"Model.{name}"))


class Model(metaclass=_OnlyPaths):
    """Only what a ``score.py`` asks of the SDK's class of this name."""

    def __init__(self, *_arguments: object, **_named: object) -> None:
        raise ImportError(missing("Model(workspace, ...)"))

    @staticmethod
    def get_model_path(
        model_name: str, version: Optional[int] = None, _workspace: object = None
    ) -> str:
        """Return the path of the one file or folder that the model is.

        Without ``version`` it is the latest. A model that is not in the image may still lie in the
        working directory. Raises ``ModelNotFoundException``, or ``WebserviceException`` where a
        version was given or the model's folder is not as it should be.
        """
        if version is not None and not isinstance(version, int):
            raise WebserviceException("version should be an int")
        if model_name is None:
            raise WebserviceException("model_name is None")
        folder = _version_folder(MODELS_DIR / model_name, version)
        if folder.exists():
            return str(_only_entry(folder))
        if Path(model_name).exists():
            logger.debug("Taking %s from the working directory", model_name)
            return model_name
        raise _not_found(model_name, version)


def _version_folder(model: Path, version: Optional[int]) -> Path:
    """Where the version should be; the model's own path where there is no such model."""
    if not model.exists():
        return model
    return model / str(_latest(model) if version is None else version)


def _latest(model: Path) -> int:
    versions = [entry.name for entry in model.iterdir()]
    if not versions:
        raise WebserviceException(f"versions is empty: {model} holds no version")
    try:
        return max(int(version) for version in versions)
    except ValueError as error:
        raise ValueError(
            f"{model} can contain only folders named by a version number. Found {versions}"
        ) from error


def _only_entry(folder: Path) -> Path:
    entries = list(folder.iterdir())
    if len(entries) != 1:
        found = [entry.name for entry in entries]
        raise WebserviceException(f"Dir {folder} can contain only 1 file or folder. Found {found}")
    return entries[0]


def _not_found(model_name: str, version: Optional[int]) -> Exception:
    """The SDK's words, and then the answer to the question that they leave open."""
    kind = ModelNotFoundException if version is None else WebserviceException
    asked = "" if version is None else f" Version {version} was asked for."
    present = [
        f"{name} (version{'s' if len(versions) > 1 else ''} {', '.join(map(str, versions))})"
        for name, versions in inventory(MODELS_DIR).items()
    ]
    return kind(
        f"Model {model_name} not found in cache at {MODELS_DIR} or in current working directory "
        f"{Path.cwd()}. For more info, set logging level to DEBUG.{asked} The image has: "
        f"{', '.join(present) or 'no model'}."
    )
