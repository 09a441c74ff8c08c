"""The keys of one mapping: each is asked for once, with its type; what nobody asks for is told."""

import difflib
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from fairlead.finding import quoted
from fairlead.v1files.document import Document, Path
from fairlead.v1files.notes import Notes

Value = TypeVar("Value", covariant=True)
MAX_KEY_CHARS = 100  # characters of a key that is compared with others
UNKNOWN = "v1 took no notice of it either: correct its name, or remove it."


@dataclass(frozen=True)
class Said(Generic[Value]):
    """A value, and where it was said. ``typed``: on the command line, by whoever runs it."""

    value: Value
    place: str
    typed: bool = False


class Fields:
    """One mapping of a document. A key whose value is null counts as not given."""

    def __init__(self, document: Document, notes: Notes, path: Path = ()) -> None:
        self._document, self._notes, self._path = document, notes, path
        self._asked = set[str]()
        found: object = document.root
        for step in path:
            found = found.get(step) if isinstance(found, dict) else None
        self._mapping: Mapping[str, object] = found if isinstance(found, dict) else {}

    def place(self, name: str = "") -> str:
        return self._document.place((*self._path, name) if name else self._path)

    def text(self, name: str) -> Said[str] | None:
        given = self._given(name)
        if isinstance(given, bool) or not isinstance(given, str | int | float):
            self._wrong(name, given, "a text")
            return None
        return Said(str(given), self.place(name)) if str(given) else None

    def flag(self, name: str) -> Said[bool] | None:
        given = self._given(name)
        flag = flag_of(given)
        if flag is None:
            self._wrong(name, given, "true or false")
            return None
        return Said(flag, self.place(name))

    def anything(self, name: str) -> Said[object] | None:
        """The value, whatever it is."""
        given = self._given(name)
        return None if given is None else Said(given, self.place(name))

    def texts(self, name: str) -> list[Said[str]]:
        """A list of texts, or one text."""
        given = self._given(name)
        items = given if isinstance(given, list) else [given] if isinstance(given, str) else None
        if items is None:
            self._wrong(name, given, "a list")
            return []
        return [Said(one, self.place(name)) for one in items if isinstance(one, str) and one]

    def below(self, name: str) -> "Fields":
        """The mapping under ``name``; an empty one where there is none."""
        given = self._given(name)
        if given is not None and not isinstance(given, dict):
            self._wrong(name, given, "a mapping of keys and values")
        return Fields(self._document, self._notes, (*self._path, name))

    def pairs(self) -> Iterator[tuple[str, Said[object]]]:
        """All keys with their values: of a mapping whose keys are the user's."""
        for name, value in self._mapping.items():
            self._asked.add(name)
            yield name, Said(value, self.place(name))

    def without_meaning(self, *names: str) -> None:
        """Keys that decide nothing for a web service, in v1 neither."""
        self._asked.update(names)

    def tell_unknown(self, known: Iterable[str] = ()) -> None:
        """Tell of every key that was not asked for; ``known`` are others that it may be meant."""
        names = [*self._asked, *known]
        for name in self._mapping:
            if name not in self._asked and not self._notes.is_full():
                close = difflib.get_close_matches(name[:MAX_KEY_CHARS], names, n=1)
                remedy = f"Did you mean {quoted(close[0])}?" if close else UNKNOWN
                self._notes.remark(self.place(name), f"the key {quoted(name)} is not known", remedy)

    def _given(self, name: str) -> object:
        self._asked.add(name)
        return self._mapping.get(name)

    def _wrong(self, name: str, given: object, wanted: str) -> None:
        if given is not None:
            what = f"{quoted(name)} must be {wanted}"
            self._notes.problem(self.place(name), what, "Correct the value.")


def number_of(given: object) -> float | None:
    """A finite number, also where it is written as a text."""
    if isinstance(given, bool) or not isinstance(given, int | float | str):
        return None
    try:
        number = float(given)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def flag_of(given: object) -> bool | None:
    """True or false, also where it is written as a text."""
    if isinstance(given, bool):
        return given
    text = given.strip().lower() if isinstance(given, str) else ""
    return {"true": True, "false": False}.get(text)
