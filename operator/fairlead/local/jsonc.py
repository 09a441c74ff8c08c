"""JSON with comments and trailing commas, as editors keep it: read with where everything stands.

https://code.visualstudio.com/docs/languages/json#_json-with-comments. Pure.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

MAX_DEPTH = 100  # levels of nesting
_TOKEN = re.compile(
    r"(?P<space>[\s\ufeff]+|//[^\r\n]*|/\*.*?\*/)"
    r'|(?P<text>"(?:[^"\\\r\n]|\\.)*")'
    r"|(?P<mark>[{}\[\],:])"
    r'|(?P<word>[^\s{}\[\],:"/]+)',
    re.DOTALL,
)


class JsoncError(ValueError):
    """It is no JSON; the text says where and why."""


@dataclass(frozen=True)
class Node:
    """A value between ``start`` and ``end`` of the text. An array has ``items``, an object
    ``members``, the last of a name; everything else is a ``value``."""

    start: int
    end: int
    mark: str = ""
    items: tuple["Node", ...] = ()
    members: dict[str, "Node"] = field(default_factory=dict)
    value: object = None

    @property
    def content(self) -> object:
        """As the json module would have it."""
        if self.mark == "{":
            return {name: node.content for name, node in self.members.items()}
        return [node.content for node in self.items] if self.mark == "[" else self.value


def parse(text: str) -> Node | None:
    """Read the whole text; None where there is nothing in it but comments.

    Raises ``JsoncError``.
    """
    tokens = list(_tokens(text))
    if not tokens:
        return None
    reader = _Reader(text, tokens)
    found = reader.value(0)
    if reader.at < len(tokens):
        raise reader.error("something after the end")
    return found


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    start: int
    end: int


def _tokens(text: str) -> Iterator[_Token]:
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise JsoncError(f"line {_line(text, at)}: a text or a comment that does not end")
        if found.lastgroup != "space":
            yield _Token(str(found.lastgroup), found[0], at, found.end())
        at = found.end()


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


class _Reader:
    """``at`` is the next token."""

    def __init__(self, text: str, tokens: Sequence[_Token]) -> None:
        self._text, self._tokens, self.at = text, tokens, 0

    def value(self, depth: int) -> Node:
        token = self._next()
        if depth > MAX_DEPTH:
            raise self.error("nested too deeply")
        if token.text == "{":
            return self._object(token.start, depth)
        if token.text == "[":
            return self._array(token.start, depth)
        if token.kind == "mark":
            raise self.error(f"an unexpected {token.text}")
        return Node(token.start, token.end, value=self._scalar(token))

    def error(self, what: str) -> JsoncError:
        at = self._tokens[min(self.at, len(self._tokens)) - 1].start
        return JsoncError(f"line {_line(self._text, at)}: {what}")

    def _object(self, start: int, depth: int) -> Node:
        members = dict[str, Node]()
        while not self._is_next("}"):
            name = self._next()
            if name.kind != "text":
                raise self.error(f"{name.text[:20]} where a name should be")
            self._expect(":")
            members[str(self._scalar(name))] = self.value(depth + 1)
            self._comma("}")
        return Node(start, self._next().end, "{", members=members)

    def _array(self, start: int, depth: int) -> Node:
        items = list[Node]()
        while not self._is_next("]"):
            items.append(self.value(depth + 1))
            self._comma("]")
        return Node(start, self._next().end, "[", tuple(items))

    def _scalar(self, token: _Token) -> object:
        try:
            return json.loads(token.text)
        except ValueError as error:
            raise self.error(f"{token.text[:20]} is no value") from error

    def _next(self) -> _Token:
        if self.at >= len(self._tokens):
            raise self.error("the end comes too early")
        self.at += 1
        return self._tokens[self.at - 1]

    def _is_next(self, mark: str) -> bool:
        return self.at < len(self._tokens) and self._tokens[self.at].text == mark

    def _expect(self, mark: str) -> None:
        if self._next().text != mark:
            raise self.error(f"a {mark} is missing")

    def _comma(self, end: str) -> None:
        if not self._is_next(end):
            self._expect(",")
