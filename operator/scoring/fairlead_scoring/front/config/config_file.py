"""``config.json``: settings in a file, which the environment overrides (contract §12, §12.1)."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from fairlead_scoring.front.config.values import SettingsError
from fairlead_scoring.slot.layout import APP_ROOT

BROKEN = 3  # exit code, as the reference server's
# What the reference server takes from the file; AML_CORS_ORIGINS, for one, it does not.
NAMES = {
    "AZUREML_SOURCE_DIRECTORY",
    "AZUREML_ENTRY_SCRIPT",
    "AZUREML_MODEL_DIR",
    "AZUREML_DEBUG_PORT",
    "SERVICE_NAME",
    "SERVICE_PATH_PREFIX",
    "SERVICE_VERSION",
    "SCORING_TIMEOUT_MS",
}
NUMBERS = {"SCORING_TIMEOUT_MS", "AZUREML_DEBUG_PORT"}
OURS = "FAIRLEAD_"  # and whatever begins so


def with_config_file(environ: Mapping[str, str]) -> dict[str, str]:
    """Return ``environ`` and, where it has nothing, what the file says.

    Raise ``SettingsError`` in the reference server's words if the file is broken.
    """
    path = next(filter(_is_there, _candidates(environ)), None)
    if path is None:
        return dict(environ)
    return {**_read(path), **environ}


def _candidates(environ: Mapping[str, str]) -> Iterator[Path]:
    if environ.get("AZUREML_CONFIG_FILE"):
        yield Path(environ["AZUREML_CONFIG_FILE"])
    root = Path(environ.get("AML_APP_ROOT") or APP_ROOT)
    yield root / "config.json"
    if environ.get("AZUREML_ENTRY_SCRIPT"):
        yield (root / environ["AZUREML_ENTRY_SCRIPT"]).parent / "config.json"


def _is_there(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except OSError:
        return False


def _read(path: Path) -> dict[str, str]:
    try:
        content = json.loads(path.read_bytes())
        items = content.items()
    except (ValueError, OSError, AttributeError, RecursionError) as error:
        why = f"{type(error).__name__}: {error}"
        raise SettingsError(
            f"Invalid config file!: {path} cannot be used: {why}", BROKEN
        ) from error
    known = {name: value for name, value in items if name in NAMES or name.startswith(OURS)}
    return {name: _text(name, value) for name, value in known.items() if value is not None}


def _text(name: str, value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float)) and (name in NUMBERS or name.startswith(OURS)):
        return str(int(value)) if value == int(value) else str(value)
    raise configuration_error(name, "Input should be a valid string")


def configuration_error(name: str, what: str) -> SettingsError:
    """Return the error in the reference server's block."""
    return SettingsError(
        "\n===============Configuration Error=================\n"
        f"{name}: {what} (environment variable: {name})\n"
        "===================================================",
        BROKEN,
    )
