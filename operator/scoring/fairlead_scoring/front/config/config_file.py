"""``config.json``: settings in a file, which the environment overrides."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from fairlead_scoring.front.config.values import SettingsError
from fairlead_scoring.slot.layout import APP_ROOT

INVALID_CONFIG_EXIT_CODE = 3  # as the reference server's
# What the reference server reads from the file; AML_CORS_ORIGINS, for one, it does not.
REFERENCE_NAMES = {
    "AZUREML_SOURCE_DIRECTORY",
    "AZUREML_ENTRY_SCRIPT",
    "AZUREML_MODEL_DIR",
    "AZUREML_DEBUG_PORT",
    "SERVICE_NAME",
    "SERVICE_PATH_PREFIX",
    "SERVICE_VERSION",
    "SCORING_TIMEOUT_MS",
}
NUMERIC_NAMES = {"SCORING_TIMEOUT_MS", "AZUREML_DEBUG_PORT"}
OWN_PREFIX = "FAIRLEAD_"  # every variable that begins so is read, too


def with_config_file(environ: Mapping[str, str]) -> dict[str, str]:
    """Return ``environ``, completed by the values of the file.

    Raise ``SettingsError`` with the reference server's message if the file is invalid.
    """
    path = next(filter(_is_not_empty, _candidates(environ)), None)
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


def _is_not_empty(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except OSError:
        return False


def _read(path: Path) -> dict[str, str]:
    try:
        content = json.loads(path.read_bytes())
        items = content.items()
    except (ValueError, OSError, AttributeError, RecursionError) as error:
        cause = f"{type(error).__name__}: {error}"
        raise SettingsError(
            f"Invalid config file!: {path} cannot be used: {cause}", INVALID_CONFIG_EXIT_CODE
        ) from error
    known = {
        name: value
        for name, value in items
        if name in REFERENCE_NAMES or name.startswith(OWN_PREFIX)
    }
    return {name: _text(name, value) for name, value in known.items() if value is not None}


def _text(name: str, value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float)) and (name in NUMERIC_NAMES or name.startswith(OWN_PREFIX)):
        return str(int(value)) if value == int(value) else str(value)
    raise configuration_error(name, "Input should be a valid string")


def configuration_error(name: str, problem: str) -> SettingsError:
    """Return the error, formatted as the reference server does."""
    return SettingsError(
        "\n===============Configuration Error=================\n"
        f"{name}: {problem} (environment variable: {name})\n"
        "===================================================",
        INVALID_CONFIG_EXIT_CODE,
    )
