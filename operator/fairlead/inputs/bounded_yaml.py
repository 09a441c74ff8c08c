"""YAML of strangers, looked at piece by piece before anything is made of it.

Aliases (a few hundred bytes of them stand for gigabytes), depth and length are bounded; libyaml
reads it where it is there.
"""

from enum import Enum, auto

import yaml

LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Excess(Enum):
    """What keeps a text from being read at all."""

    ALIAS = auto()
    DEPTH = auto()
    LENGTH = auto()


def excess(
    text: str | bytes, max_depth: int, max_events: int, *, aliases: bool = False
) -> tuple[int, Excess] | None:
    """Return the first excess and its line (0: not known); None where there is none.

    Events are entries, and beginnings and ends of lists and mappings. ``aliases``: they are none,
    for the file is the person's own. Raises ``yaml.YAMLError``, and ``ValueError`` where the text
    is no YAML.
    """
    depth = 0
    for number, event in enumerate(yaml.parse(text, Loader=LOADER)):
        line = event.start_mark.line + 1 if event.start_mark else 0
        if isinstance(event, yaml.AliasEvent) and not aliases:
            return line, Excess.ALIAS
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > max_depth:
            return line, Excess.DEPTH
        if number > max_events:
            return line, Excess.LENGTH
    return None
