"""What the image of an environment says of itself."""

import re

HASH_LABEL = "dev.fairlead.environment.hash"
PYTHON_LABEL = "dev.fairlead.environment.python"
FRONT_LABEL = "dev.fairlead.environment.front"  # another interpreter, for the scoring server
LIBC_LABEL = "dev.fairlead.environment.libc"  # ``musl``; glibc is not named
OWNER_LABEL = "fairlead.dev/owner"
BUILD_LABEL = "fairlead.dev/build"
DEFAULT_OWNER = "fairlead"
_OWNER = re.compile(r"[A-Za-z0-9_.-]{1,63}")


def python_labels(version: str, front: str = "", *, musl: bool = False) -> dict[str, str]:
    """What an environment says of its Python, and of the one for the server, if that is another:
    ``3.6.15``, ``3.11.2 /usr/local/bin/python3``."""
    known = {FRONT_LABEL: front, LIBC_LABEL: "musl" if musl else ""}
    return {PYTHON_LABEL: version, **{name: value for name, value in known.items() if value}}


def owner_label(of_base: str | None) -> str:
    """The owner of what is made of a base image: whoever prunes that prunes this."""
    return of_base if of_base and _OWNER.fullmatch(of_base) else DEFAULT_OWNER
