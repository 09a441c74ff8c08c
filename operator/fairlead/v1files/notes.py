"""What is told of the files while they are read: what is wrong, and what has no counterpart."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from fairlead.finding import MAX_PROBLEMS_READ, shown

MAX_WORDS = 400  # characters of one message


@dataclass(frozen=True)
class Note:
    """``place``: `file:line`, or the argument as it was typed."""

    place: str
    message: str
    remedy: str

    def to_wire(self) -> dict[str, str]:
        return {"where": self.place, "message": self.message, "remedy": self.remedy}


@dataclass
class Notes:
    """``problems`` keep manifests from being made; ``remarks`` go with them.

    Of a file that was made to be long, no more than ``MAX_PROBLEMS_READ`` of each are kept;
    ``left_out`` counts the others.
    """

    problems: list[Note] = field(default_factory=list)
    remarks: list[Note] = field(default_factory=list)
    left_out: int = 0

    def problem(self, place: str, message: str, remedy: str) -> None:
        self._take(self.problems, _note(place, message, remedy))

    def remark(self, place: str, message: str, remedy: str) -> None:
        self._take(self.remarks, _note(place, message, remedy))

    def _take(self, notes: list[Note], note: Note) -> None:
        if note in notes:
            return
        if len(notes) < MAX_PROBLEMS_READ:
            notes.append(note)
        else:
            self.left_out += 1

    def is_full(self) -> bool:
        """Whether another remark would not be kept; it is counted as if there had been one."""
        full = len(self.remarks) >= MAX_PROBLEMS_READ
        self.left_out += full
        return full

    def all(self) -> Iterator[Note]:
        yield from self.problems
        yield from self.remarks


def _note(place: str, message: str, remedy: str) -> Note:
    """What strangers wrote is shortened, and keys are hidden in it."""
    return Note(shown(place), shown(message, MAX_WORDS).removesuffix("."), remedy)
