"""Tags and properties, as v1's lists are asked for them."""

from collections.abc import Iterable, Mapping
from typing import Any


def has_all(known: Mapping[str, str], wanted: Iterable[Any] | None) -> bool:
    """``wanted``: names, or pairs of a name and a value."""
    return all(_has(known, one) for one in wanted or ())


def _has(known: Mapping[str, str], wanted: Any) -> bool:
    if isinstance(wanted, str):
        return wanted in known
    name, value = wanted
    return known.get(str(name)) == str(value)


def texts(given: Mapping[str, Any] | None) -> dict[str, str] | None:
    """v1 took numbers, too, and kept them as texts."""
    return {str(name): str(value) for name, value in given.items()} if given is not None else None
