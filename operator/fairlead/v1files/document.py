"""One file of v1, JSON or YAML, as plain values with the line of each.

Nothing is built from what the file says: it holds texts, numbers, booleans, lists and mappings. It
has no aliases, is neither deep nor long, and is read in time that grows with its length.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import yaml

from fairlead.finding import quoted
from fairlead.inputs.bounded_yaml import LOADER, Excess, excess
from fairlead.v1files.notes import Notes

MAX_FILE_BYTES = 1024 * 1024
MAX_DEPTH = 40
MAX_EVENTS = 50_000  # entries, and beginnings and ends of lists and mappings
Path = tuple[str | int, ...]
_JSON_TOKEN = re.compile(r'"[^"\\\n]*(?:\\.[^"\\\n]*)*"|[\[\]{}:,]|\n')
_SCALARS = yaml.constructor.SafeConstructor()
_BUILT = {
    "tag:yaml.org,2002:null": _SCALARS.construct_yaml_null,
    "tag:yaml.org,2002:bool": _SCALARS.construct_yaml_bool,
    "tag:yaml.org,2002:int": _SCALARS.construct_yaml_int,
    "tag:yaml.org,2002:float": _SCALARS.construct_yaml_float,
}
_TOO_MUCH = {
    Excess.ALIAS: ("it holds an alias (*name)", "Write out what it stands for."),
    Excess.DEPTH: ("it is nested too deeply", "Keep in it only what v1 reads."),
    Excess.LENGTH: ("it has too many entries", "Keep in it only what v1 reads."),
}


@dataclass(frozen=True)
class Document:
    """``root`` is a mapping; ``lines`` knows where each of its keys stands."""

    file: str
    root: Mapping[str, object]
    lines: Mapping[Path, int]

    def place(self, path: Path) -> str:
        """`file:line` of a key, or of the nearest one around it whose line is known."""
        while path and path not in self.lines:
            path = path[:-1]
        return f"{self.file}:{self.lines[path]}" if path else self.file


def read_document(file: str, content: bytes, notes: Notes) -> Document | None:
    """Return the file's mapping; None where it has none, and ``notes`` tells why."""
    text = _text(file, content, notes)
    if text is None:
        return None
    is_json = text.lstrip()[:1] in ("{", "[")
    found = _read_json(file, text, notes) if is_json else _read_yaml(file, text, notes)
    if found is None:
        return None
    root, lines = found
    if not isinstance(root, dict):
        what = "it is empty" if root is None else "it holds no mapping of keys and values"
        notes.problem(file, what, "Give the file that `az ml` or the SDK reads.")
        return None
    return Document(file, root, lines)


def _text(file: str, content: bytes, notes: Notes) -> str | None:
    if len(content) > MAX_FILE_BYTES:
        what = f"it is longer than {MAX_FILE_BYTES // 1024} KiB"
        notes.problem(file, what, "Such a file has a few dozen lines: give another one.")
        return None
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        remedy = "Save it as UTF-8; a model goes to --model NAME=PATH."
        notes.problem(f"{file}:{line}", "it is no text in UTF-8", remedy)
        return None


Found = tuple[object, dict[Path, int]]


def _read_json(file: str, text: str, notes: Notes) -> Found | None:
    """Strict JSON; what is none is tried as YAML's flow form, which v1 took as well.

    Tokens are looked for in what is known to be JSON: elsewhere a quote may have no end, and then
    every other one would be searched to the end of the text.
    """
    try:
        root = json.loads(text)
    except RecursionError:
        notes.problem(file, *_TOO_MUCH[Excess.DEPTH])
        return None
    except json.JSONDecodeError as error:
        tried = Notes()
        found = _read_yaml(file, text, tried)
        if found is None:
            what = f"it is not JSON: {error.msg}"
            notes.problem(f"{file}:{error.lineno}", what, "Correct the line.")
        return found
    except ValueError:  # a number of thousands of digits
        notes.problem(file, "it holds a number that is too long", "Correct the number.")
        return None
    too_much = _json_excess(text)
    if too_much:
        notes.problem(f"{file}:{too_much[0]}", *_TOO_MUCH[too_much[1]])
        return None
    return root, _json_lines(text)


def _json_excess(text: str) -> tuple[int, Excess] | None:
    line, depth = 1, 0
    for number, token in enumerate(_JSON_TOKEN.finditer(text)):
        sign = token[0]
        line += sign == "\n"
        depth += (sign in "{[") - (sign in "}]") if len(sign) == 1 else 0
        if depth > MAX_DEPTH:
            return line, Excess.DEPTH
        if number > MAX_EVENTS * 2:
            return line, Excess.LENGTH
    return None


class _Place:
    """Where in a JSON text the walk is: one entry for each mapping or list around it."""

    def __init__(self) -> None:
        self.path: list[str | int] = []
        self.lists: list[bool] = []

    def opened(self, *, is_list: bool) -> None:
        self.lists.append(is_list)
        self.path.append(0 if is_list else "")

    def closed(self) -> None:
        self.lists.pop()
        self.path.pop()

    def next_item(self) -> None:
        last = self.path[-1]
        self.path[-1] = last + 1 if isinstance(last, int) else ""


def _json_lines(text: str) -> dict[Path, int]:
    """The line of each key, of a text that is known to be JSON."""
    lines, place, line, last = dict[Path, int](), _Place(), 1, ""
    for token in _JSON_TOKEN.finditer(text):
        match token[0]:
            case "\n":
                line += 1
            case "{" | "[":
                place.opened(is_list=token[0] == "[")
            case "}" | "]":
                place.closed()
            case ",":
                place.next_item()
            case ":":
                place.path[-1] = str(json.loads(last))
                lines[tuple(place.path)] = line
            case string:
                last = string
    return lines


def _read_yaml(file: str, text: str, notes: Notes) -> Found | None:
    try:
        too_much = excess(text, MAX_DEPTH, MAX_EVENTS)
        if too_much:
            where = f"{file}:{too_much[0]}" if too_much[0] else file
            notes.problem(where, *_TOO_MUCH[too_much[1]])
            return None
        node = yaml.compose(text, Loader=LOADER)
        lines = dict[Path, int]()
        return (_value(node, (), lines) if node else None), lines
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        said = getattr(error, "problem", None) or "it holds what YAML does not allow"
        where = f"{file}:{mark.line + 1}" if mark else file
        notes.problem(where, f"it is neither JSON nor YAML: {said}", "Correct the line.")
        return None


def _value(node: yaml.Node, path: Path, lines: dict[Path, int]) -> object:
    match node:
        case yaml.MappingNode():
            return dict(_entries(node, path, lines))
        case yaml.SequenceNode():
            return [_value(one, (*path, number), lines) for number, one in enumerate(node.value)]
        case yaml.ScalarNode():
            built = _BUILT.get(node.tag)
            return built(node) if built else str(node.value)
        case _:
            raise ValueError("it holds what is no list, mapping or scalar")


def _entries(
    node: yaml.MappingNode, path: Path, lines: dict[Path, int]
) -> Iterator[tuple[str, object]]:
    for key, value in node.value:
        name = str(key.value) if isinstance(key, yaml.ScalarNode) else quoted(str(key.tag))
        lines[(*path, name)] = key.start_mark.line + 1
        yield name, _value(value, (*path, name), lines)
