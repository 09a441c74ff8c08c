"""What things may be called in v1, and what the objects in the cluster are called. Pure."""

import hashlib
import keyword
import re
from pathlib import PurePath

from fairlead.azureml.exceptions import InvalidConfigurationError

MODEL_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9\-._]{0,254}")
IMAGE_NAME = re.compile(r"[a-z0-9]([-.a-z0-9]*[a-z0-9])?")
SERVICE_NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
NAMESPACE = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
OBJECT_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
SHORTEST_NAME, LONGEST_NAME = 3, 32  # characters of an image's or a service's name
MAX_OBJECT_CHARS = 50
DIGEST_CHARS = 8


def check_model_name(name: str) -> None:
    """Raises ``InvalidConfigurationError``, as the others."""
    if not MODEL_NAME.fullmatch(name):
        raise InvalidConfigurationError(
            "Error, provided model name is invalid. It must only consist of letters, numbers, "
            "dashes, periods, or underscores, start with a letter or number, and be between 1 and "
            "255 characters long."
        )


def check_image_name(name: str) -> None:
    if not (IMAGE_NAME.fullmatch(name) and _is_as_long_as_it_may_be(name)):
        raise InvalidConfigurationError(
            "Error, provided image name is invalid. It must only consist of lowercase letters, "
            "numbers, dashes or periods, start with a letter or number, end with a letter or "
            "number, and be between 3 and 32 characters long."
        )


def check_service_name(name: str) -> None:
    if not (SERVICE_NAME.fullmatch(name) and _is_as_long_as_it_may_be(name)):
        raise InvalidConfigurationError(
            "Error, provided service name is invalid. It must only consist of lowercase letters, "
            "numbers, or dashes, start with a letter, end with a letter or number, and be between "
            "3 and 32 characters long."
        )


def check_script_name(path: str) -> None:
    """Of an entry script. Raises ``InvalidConfigurationError``."""
    name = PurePath(path.replace("\\", "/"))
    if name.suffix != ".py":
        raise InvalidConfigurationError(
            "Invalid driver type. Currently only Python drivers are supported."
        )
    if not name.stem.isidentifier() or keyword.iskeyword(name.stem):
        raise InvalidConfigurationError(
            f'Error, invalid name "{name.name}" for provided entry script. Entry script must be '
            "importable as a valid python module: letters, numbers and underscores, and no keyword "
            "of Python."
        )


def object_name(name: str) -> str:
    """The name of the object in the cluster: the same where Kubernetes takes it, else one that is
    made of it, and always the same one."""
    if OBJECT_NAME.fullmatch(name) and len(name) <= MAX_OBJECT_CHARS:
        return name
    readable = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    digest = hashlib.sha256(name.encode()).hexdigest()[:DIGEST_CHARS]
    kept = readable[: MAX_OBJECT_CHARS - DIGEST_CHARS - 1].strip("-")
    return f"{kept}-{digest}" if kept else f"m-{digest}"


def _is_as_long_as_it_may_be(name: str) -> bool:
    return SHORTEST_NAME <= len(name) <= LONGEST_NAME
