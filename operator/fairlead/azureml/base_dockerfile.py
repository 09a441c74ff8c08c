"""``environment.docker.base_dockerfile``: the image that it begins with, and its steps. Pure."""

import re

from fairlead.azureml.exceptions import InvalidConfigurationError, UnsupportedError

_FROM_LINE = re.compile(r"\s*FROM\s+(?:--platform=\S+\s+)?(\S+)(?:\s+AS\s+\S+)?\s*", re.IGNORECASE)
_INSTRUCTION = re.compile(r"\s*([A-Za-z]+)\s")


def base_and_steps(dockerfile: str) -> tuple[str, str]:
    """Return the base image, and what follows as extra steps.

    Raises ``InvalidConfigurationError`` without a FROM, ``UnsupportedError`` where several stages
    or an ARG decide what is built.
    """
    lines = dockerfile.splitlines()
    at = next((at for at, line in enumerate(lines) if _is_instruction(line)), None)
    begin = _FROM_LINE.fullmatch(lines[at]) if at is not None else None
    if at is None or begin is None:
        raise _no_base(lines[at] if at is not None else "")
    rest = lines[at + 1 :]
    if any(_FROM_LINE.fullmatch(line) for line in rest) or "$" in begin.group(1):
        raise UnsupportedError(
            "A base_dockerfile of several stages, or with a variable in FROM",
            "Build that image and push it, and name it in base_image.",
        )
    return begin.group(1), "".join(f"{line}\n" for line in rest)


def _is_instruction(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _no_base(line: str) -> Exception:
    found = _INSTRUCTION.match(f"{line} ")
    if found and found.group(1).upper() == "ARG":
        return UnsupportedError(
            "An ARG before FROM in base_dockerfile", "Write its value into the FROM line."
        )
    return InvalidConfigurationError("base_dockerfile does not begin with FROM and an image.")
