"""Which of the fields that we set an object has otherwise, and who set them: for people to read."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from fairlead.api.refs import Manifest
from fairlead.desired.owned_fields import (
    MAX_OTHERS,
    Fields,
    expected_tree,
    foreign_fields,
    label_of,
    owned_tree,
)

MAX_TOLD = 6  # fields; who wants to know all looks at the object
MISSING = object()  # we own it no more, or it is gone
MAX_ITEMS = 200  # of a list that are looked through
MAX_NAME_CHARS = 64  # of a field manager, which anybody may choose


class Manager(NamedTuple):
    """A field manager and what it set at one place of an object."""

    name: str
    fields: Fields


def alterations(wanted: Manifest, live: Manifest) -> tuple[str, ...]:
    """Return the fields of ``wanted`` that ``live`` has otherwise, in a few words each, such as
    ``spec.replicas, set by kubectl``. Total, whatever ``live`` is."""
    managers = [Manager(name[:MAX_NAME_CHARS], fields) for name, fields in foreign_fields(live)]
    found = _differences(expected_tree(wanted), owned_tree(live), "", managers[:MAX_OTHERS])
    told = [words for words, _ in zip(found, range(MAX_TOLD + 1), strict=False)]
    return (*told[:MAX_TOLD], "and others") if len(told) > MAX_TOLD else tuple(told)


def _differences(
    wanted: object, live: object, path: str, managers: Sequence[Manager]
) -> Iterator[str]:
    """The places where they differ, as deep as they can be told; an item of a list that is not
    there is told as one."""
    if wanted and isinstance(wanted, dict) and isinstance(live, dict):
        for label, below in wanted.items():
            deeper = isinstance(below, dict) and below and not label.startswith("k:")
            found = live.get(label, {} if deeper else MISSING)
            yield from _differences(below, found, _step(path, label), _below(managers, label))
    elif wanted != live or live is MISSING:
        yield f"{path}{_values(wanted, live)}{_set_by(managers)}"


def _step(path: str, label: str) -> str:
    if not label.startswith("k:"):
        return f"{path}.{label}" if path else label
    values = [pair.partition("=")[2].strip("'") for pair in label[2:].split(",")]
    return f"{path}[{','.join(values)}]"


def _below(managers: Sequence[Manager], label: str) -> list[Manager]:
    """Those who set something there, with their fields from there on."""
    found = ((name, _fields_of(fields, label)) for name, fields in managers)
    return [Manager(name, fields) for name, fields in found if fields is not None]


def _fields_of(fields: Fields, label: str) -> Fields | None:
    if label.startswith("k:"):
        names = (key for key in islice(fields, MAX_ITEMS) if label_of(key) == label)
        name = next(names, None)
    else:
        name = f"f:{label}"
    if name is None or name not in fields:
        return None
    below = fields[name]
    return below if isinstance(below, dict) else {}


def _values(wanted: object, live: object) -> str:
    """Numbers and switches are told; text may be a secret."""
    if isinstance(wanted, int) and isinstance(live, int):
        return f" ({live}, not {wanted})"
    return ""


def _set_by(managers: Sequence[Manager]) -> str:
    names = dict.fromkeys(manager.name for manager in managers)
    return f", set by {' and '.join(names)}" if names else ""
