"""What an MLflow model folder says of itself: `MLmodel`, and the packages in `requirements.txt`.

It is told in status, and decides nothing: an environment is what the InferenceImage says. Pure.
Source: https://mlflow.org/docs/latest/ml/model.
"""

import re
from collections.abc import Iterator
from typing import Any

import yaml

from fairlead.api.model import MlflowModel
from fairlead.inputs.bounded_yaml import LOADER, excess
from fairlead.redact import one_line

MLMODEL, REQUIREMENTS = "MLmodel", "requirements.txt"
MAX_FILE_BYTES = 256 * 1024
MAX_DEPTH, MAX_EVENTS = 20, 20_000  # of the YAML
MAX_FLAVORS = 16
MAX_REQUIREMENTS, MAX_REQUIREMENT_CHARS, MAX_REQUIREMENTS_CHARS = 64, 100, 600
PYTHON_FUNCTION = "python_function"
_FLAVOR = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_VERSION = re.compile(r"[0-9]{1,4}\.[0-9]{1,4}(\.[0-9]{1,4})?")


def read_mlflow(mlmodel: bytes, requirements: bytes) -> MlflowModel | None:
    """Return what the two files say; None where the first is no MLmodel. The second may be empty.

    Of each no more than ``MAX_FILE_BYTES`` is to be given.
    """
    said = _mapping(mlmodel)
    flavors = said.get("flavors")
    if not isinstance(flavors, dict):
        return None
    names = [name for name in flavors if isinstance(name, str) and _FLAVOR.fullmatch(name)]
    if not names:
        return None
    function = flavors.get(PYTHON_FUNCTION)
    version = str(function.get("python_version", "")) if isinstance(function, dict) else ""
    return MlflowModel(
        flavors=tuple(sorted(names)[:MAX_FLAVORS]),
        python_version=version if _VERSION.fullmatch(version) else None,
        requirements=tuple(_requirements(requirements)),
    )


def _mapping(content: bytes) -> dict[Any, Any]:
    """The YAML, if it is a mapping without aliases and not too deep; else nothing."""
    try:
        text = content.decode("utf-8")
        if excess(text, MAX_DEPTH, MAX_EVENTS):
            return {}
        found = yaml.load(text, Loader=LOADER)
    except (yaml.YAMLError, ValueError, TypeError):  # a date that is none; a key that is a list
        return {}
    return found if isinstance(found, dict) else {}


def _requirements(content: bytes) -> Iterator[str]:
    """The packages, as many as a status has room for."""
    room = MAX_REQUIREMENTS_CHARS
    lines = content.decode("utf-8", errors="replace").splitlines()
    wanted = (line.partition(" #")[0].strip() for line in lines)
    shown = (one_line(line) for line in wanted if line and not line.startswith(("#", "-")))
    for number, line in enumerate(filter(None, shown)):  # of some lines nothing can be shown
        room -= len(line)
        if room < 0 or number >= MAX_REQUIREMENTS or len(line) > MAX_REQUIREMENT_CHARS:
            return
        yield line
