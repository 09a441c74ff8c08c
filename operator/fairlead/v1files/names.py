"""Names of v1's things, and of the objects that stand for them."""

import re
from collections.abc import Collection

MAX_NAME_CHARS = 50  # characters of an object's name
_OTHERS = re.compile(r"[^a-z0-9]+")


def object_name(name: str, taken: Collection[str] = ()) -> str:
    """A name that Kubernetes takes, as near to ``name`` as can be, and none of ``taken``."""
    plain = _OTHERS.sub("-", name[:1000].lower()).strip("-")[:MAX_NAME_CHARS].strip("-")
    plain = plain or "service"
    found, number = plain, 2
    while found in taken:
        suffix = f"-{number}"
        found = plain[: MAX_NAME_CHARS - len(suffix)].rstrip("-") + suffix
        number += 1
    return found
