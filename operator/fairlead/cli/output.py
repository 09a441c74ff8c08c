"""What a command answers, in the form that was asked for."""

import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any

UNSAFE = re.compile(r"[\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff]")
"""What JSON may hold as it is, and a terminal would heed; it stands in strings alone."""


class Output(StrEnum):
    """Forms of an answer."""

    TEXT = "text"
    JSON = "json"
    YAML = "yaml"
    NAME = "name"


def write(content: Mapping[str, Any] | Sequence[Mapping[str, Any]], output: str) -> None:
    """As JSON or YAML, to stdout."""
    if output == Output.YAML:
        sys.stdout.write(_yaml([content]))
    else:
        text = json.dumps(content, indent=2, ensure_ascii=False)
        sys.stdout.write(UNSAFE.sub(lambda sign: f"\\u{ord(sign[0]):04x}", text) + "\n")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines with columns as wide as they must be, as kubectl has them."""
    whole = [list(head), *(list(row) for row in rows)]
    widths = [max(len(row[at]) for row in whole) for at in range(len(head))]
    return [
        "   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in whole
    ]


def pairs(fields: Iterable[tuple[str, str]]) -> list[str]:
    """Lines of a name and a value each; those without a value are left out."""
    kept = [(name, value) for name, value in fields if value]
    width = max((len(name) for name, _ in kept), default=0) + 1
    return [f"{name + ':':<{width}}  {value}" for name, value in kept]


def say(lines: Iterable[str]) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def print_manifests(objects: Sequence[Mapping[str, Any]], output: str) -> None:
    """As `kubectl apply` takes them: YAML documents, or a List in JSON."""
    from fairlead.remote.listing import as_list, name_of

    if output == Output.JSON:
        write(as_list(list(map(dict, objects))), output)
    elif output == Output.NAME:
        say(name_of(dict(one)) for one in objects)
    else:
        sys.stdout.write(_yaml(list(objects)))


def _yaml(documents: Sequence[Any]) -> str:
    """Its own escapes stand for control characters; for the rest that a terminal heeds, too, where
    there is any of it."""
    import yaml

    text = str(yaml.safe_dump_all(documents, sort_keys=False, allow_unicode=True))
    if UNSAFE.search(text):
        text = str(yaml.safe_dump_all(documents, sort_keys=False, allow_unicode=False))
    return text
