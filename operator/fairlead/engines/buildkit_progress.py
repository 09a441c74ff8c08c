"""What BuildKit tells while it builds, as the lines that Docker's classic builder would print.

So a failed build is explained by one table, whatever built it. BuildKit tells in JSON: of its own
steps, and in pieces what each of them prints, which is foreign text and bounded as such.
"""

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fairlead.engines.output_lines import MAX_LINE_CHARS, OutputLines
from fairlead.images.recipe import FIRST_STEP
from fairlead.inputs.dockerfile_steps import Instruction

MAKES_LAYER = frozenset({"RUN", "COPY", "WORKDIR"})
MAX_WORDS_CHARS = 4000  # characters of one name or error of BuildKit's
MAX_ERRORS = 50
_OURS = re.compile(
    r"\[(?:base +)?(?P<number>\d{1,4})/\d{1,4}\] "
)  # where it is the only stage: no name
_EXIT = re.compile(
    r'process "(?P<what>.*)" did not complete successfully: exit code: (?P<code>\d+)'
)
_FAILED = "did not complete successfully: "
_GAVE_UP = "context canceled", "context deadline exceeded", "transport is closing"
_STOPPED = re.compile(r"(exit code: \d+: )?context (canceled|deadline exceeded)(: [a-z :]*)?")
_PARSE = re.compile(r"dockerfile parse error on line (\d+)")
_PLACE = re.compile(r"Dockerfile:(\d+)")
_UNREAD = "failed to process"  # words that it cannot expand
_INTERNAL = "[internal]"


class Progress:
    """One build's; ``steps`` are the user's instructions, which the stage ``base`` holds."""

    def __init__(self, steps: Sequence[Instruction], log: Callable[[str], None]) -> None:
        layers = [one for one in enumerate(steps) if one[1].keyword in MAKES_LAYER]
        self._layers, self._count = layers, len(steps)
        self._output = OutputLines(log)
        self._told = set[str]()  # digests of steps that have begun
        self._rests: dict[str, str] = {}  # what a step has printed since its last line end
        self._errors: list[str] = []

    def add(self, line: str) -> None:
        """Take in one line of what the client prints."""
        entry = _entry(line)
        if entry is None:
            self._say(line)
            return
        for vertex in _maps(entry.get("vertexes")):
            self._begun(vertex)
        for piece in _maps(entry.get("logs")):
            self._printed(str(piece.get("vertex")), _decoded(piece.get("data")))

    def finished(self) -> tuple[str, ...]:
        """The last lines, once the client has ended."""
        for rest in filter(None, self._rests.values()):
            self._output.add(rest)
        self._rests = {}
        return self._output.finished()

    @property
    def error(self) -> str:
        """The last word of a build that failed, as Docker Engine would put it."""
        said = self._last_word
        ended = _EXIT.match(said)
        if ended:
            return f"The command '{ended['what']}' returned a non-zero code: {ended['code']}"
        place = next(filter(None, map(_PLACE.fullmatch, self._errors)), None)
        if place and said.startswith(_UNREAD):
            return f"dockerfile parse error line {place[1]}: {said}"
        return _PARSE.sub(r"dockerfile parse error line \1", said)

    @property
    def broken_off(self) -> bool:
        """It failed because BuildKit gave up, or was told to: by its own words, not by what it
        quotes of a step or of a file's name."""
        said = self._last_word
        if _FAILED in said:
            return _STOPPED.fullmatch(said.rpartition(_FAILED)[2]) is not None
        return said.endswith(_GAVE_UP) or said.startswith("no active session")

    @property
    def _last_word(self) -> str:
        said = next((line for line in reversed(self._errors) if line.startswith("error: ")), "")
        said = (said or " ".join(self._errors[-1:])).removeprefix("error: ")
        return said.removeprefix("failed to solve: ")

    def _begun(self, vertex: Mapping[str, Any]) -> None:
        digest, name = str(vertex.get("digest")), str(vertex.get("name"))[:MAX_WORDS_CHARS]
        if not vertex.get("started") or digest in self._told or name.startswith(_INTERNAL):
            return
        self._told.add(digest)
        self._output.add(self._step(name))

    def _step(self, name: str) -> str:
        """A step of the user's under the number that Docker gives it; any other by its name."""
        found = _OURS.match(name)
        index = int(found["number"]) - 1 if found else -1
        if not 0 <= index < len(self._layers):
            return name
        number, instruction = self._layers[index]
        return f"Step {number + FIRST_STEP}/{self._count + FIRST_STEP - 1} : {instruction}"

    def _printed(self, vertex: str, text: str) -> None:
        *lines, rest = (self._rests.get(vertex, "") + text).split("\n")
        for line in lines:
            self._output.add(line[:MAX_LINE_CHARS].rstrip("\r"))
        self._rests[vertex] = rest[-MAX_LINE_CHARS:]

    def _say(self, line: str) -> None:
        said = line[:MAX_WORDS_CHARS].strip()
        if said:
            self._errors = [*self._errors[1 - MAX_ERRORS :], said]


def _entry(line: str) -> dict[str, Any] | None:
    """A line of BuildKit's own; None of any other."""
    try:
        found = json.loads(line) if line.startswith("{") else None
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _maps(value: object) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _decoded(data: object) -> str:
    try:
        return base64.b64decode(data if isinstance(data, str) else "").decode(errors="replace")
    except binascii.Error:
        return ""
