"""``Model.get_model_path`` where there is no workspace: what is on this machine decides."""

import logging
import os
from pathlib import Path

from fairlead.azureml.exceptions import (
    InvalidConfigurationError,
    ModelNotFoundException,
    WebserviceException,
)

logger = logging.getLogger("azureml.core.model")
MODELS_FOLDER = "azureml-models"


def found_path(name: str | None, version: int | None) -> str:
    """The one file or folder of the version, the newest without one; else ``./<name>``.

    Raises ``ModelNotFoundException``, and ``WebserviceException`` where what is there cannot be
    one model.
    """
    if version is not None and (not isinstance(version, int) or isinstance(version, bool)):
        raise InvalidConfigurationError("version should be an int")
    if name is None:
        raise InvalidConfigurationError("model_name is None")
    root = Path(os.environ.get("AML_APP_ROOT", "")) / MODELS_FOLDER
    versions = _versions(root / name)
    logger.debug("Versions of model %s in %s: %s", name, root, sorted(versions))
    wanted = version if version is not None else max(versions, default=None)
    if wanted in versions:
        return _only_entry(root / name / str(wanted))
    if Path(name).exists():
        logger.debug("Found ./%s", name)
        return name
    raise ModelNotFoundException(_not_found(name, version, root, versions))


def _versions(folder: Path) -> set[int]:
    if not folder.is_dir():
        return set()
    return {int(one.name) for one in folder.iterdir() if one.name.isascii() and one.name.isdigit()}


def _only_entry(folder: Path) -> str:
    found = sorted(one.name for one in folder.iterdir())
    if len(found) != 1:
        raise WebserviceException(f"Dir {folder} can contain only 1 file or folder. Found {found}")
    return str(folder / found[0])


def _not_found(name: str, version: int | None, root: Path, versions: set[int]) -> str:
    has = f" It has versions {sorted(versions)}, not {version}." if versions else ""
    return (
        f"Model {name} not found in cache at {root} or in current working directory {Path.cwd()}."
        f"{has} For more info, set logging level to DEBUG."
    )
