"""Tags that carry a version: ``3`` for an image or a model, ``log-3-1`` for the log of a build."""

import re

_NUMBER = re.compile(r"[1-9][0-9]{0,8}")
_LOG = re.compile(r"log-([1-9][0-9]{0,8})-[1-9][0-9]{0,8}")


def version_of(tag: str) -> int | None:
    """The version that a tag is; None for any other tag."""
    return int(tag) if _NUMBER.fullmatch(tag) else None


def version_of_log(tag: str) -> int | None:
    """The version whose build a log tag speaks of; None for any other tag."""
    found = _LOG.fullmatch(tag)
    return int(found[1]) if found else None
