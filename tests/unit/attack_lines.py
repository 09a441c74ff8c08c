"""Lines made for one regular expression: whatever it repeats, again and again, and no match."""

import re
import re._constants as sre  # type: ignore[import-not-found]
import re._parser as parser  # type: ignore[import-not-found]
from collections.abc import Iterator, Sequence
from typing import Any

LINE_CHARS = 65_536
MANY = 8  # repetitions that a line is made of
NOTHING = "\x01"  # that few patterns match
ALPHABET = "a 1-.=:/\\\"'[(<,#@~A_\n\t*$%z0é"
CATEGORIES = {
    sre.CATEGORY_DIGIT: "1",
    sre.CATEGORY_SPACE: " ",
    sre.CATEGORY_WORD: "a",
    sre.CATEGORY_NOT_DIGIT: "a",
    sre.CATEGORY_NOT_SPACE: "a",
    sre.CATEGORY_NOT_WORD: " ",
}
REPEATS = (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT)
Node = tuple[Any, Any]


def attack_lines(pattern: str, flags: int) -> Iterator[str]:
    """Yield lines of 64 KiB that begin as the pattern does and then repeat what it repeats."""
    seen = set[str]()
    for prefix, unit in _repeats("", list(parser.parse(pattern, flags))):
        for line in _lines(prefix, unit):
            if line not in seen:
                seen.add(line)
                yield line


def _lines(prefix: str, unit: str) -> Iterator[str]:
    yield prefix + _filled(unit) + NOTHING
    if prefix:
        yield _filled(prefix + unit * MANY) + NOTHING
        yield _filled(prefix) + NOTHING


def _filled(unit: str) -> str:
    return unit * (LINE_CHARS // len(unit))


def _repeats(prefix: str, nodes: Sequence[Node]) -> Iterator[tuple[str, str]]:
    """Each repetition without a low bound: a text that leads to it, and what is repeated."""
    for op, argument in nodes:
        if op in REPEATS:
            _, most, inner = argument
            for unit in _samples(list(inner)):
                if unit and most >= MANY:
                    yield prefix[-200:], unit
            yield from _repeats(prefix, list(inner))
        else:
            for branch in _inside(op, argument):
                yield from _repeats(prefix, branch)
        prefix += next(iter(_samples([(op, argument)])), "")


def _inside(op: Any, argument: Any) -> Iterator[list[Node]]:
    if op is sre.SUBPATTERN:
        yield list(argument[3])
    elif op is sre.ATOMIC_GROUP:
        yield list(argument)
    elif op in (sre.ASSERT, sre.ASSERT_NOT):
        yield list(argument[1])
    elif op is sre.BRANCH:
        yield from (list(branch) for branch in argument[1])


def _samples(nodes: Sequence[Node]) -> list[str]:
    """A few short texts that the nodes match: all alternatives of the first that has some."""
    texts = [""]
    for op, argument in nodes:
        found = _sampled(op, argument)
        texts = [
            text + more for text in texts for more in (found if len(texts) == 1 else found[:1])
        ]
    return texts[:4]


def _sampled(op: Any, argument: Any) -> list[str]:
    if op is sre.LITERAL:
        return [chr(argument)]
    if op is sre.NOT_LITERAL:
        return [next(sign for sign in ALPHABET if ord(sign) != argument)]
    if op is sre.ANY:
        return ["a"]
    if op is sre.IN:
        return _of_set(argument)
    if op in REPEATS:
        least, _, inner = argument
        return [text * max(least, 1) for text in _samples(list(inner))] if least else [""]
    branches = [text for branch in _inside(op, argument) for text in _samples(branch)]
    return branches if branches and op not in (sre.ASSERT, sre.ASSERT_NOT) else [""]


def _of_set(members: Sequence[Node]) -> list[str]:
    if members[0][0] is sre.NEGATE:
        return [sign for sign in ALPHABET if not any(_has(sign, m) for m in members[1:])][:2]
    return [text for member in members for text in _of_member(member)][:2]


def _of_member(member: Node) -> list[str]:
    op, argument = member
    if op is sre.LITERAL:
        return [chr(argument)]
    if op is sre.RANGE:
        return [chr(argument[0])]
    return [CATEGORIES[argument]] if argument in CATEGORIES else []


def _has(sign: str, member: Node) -> bool:
    op, argument = member
    if op is sre.LITERAL:
        return bool(ord(sign) == argument)
    if op is sre.RANGE:
        return bool(argument[0] <= ord(sign) <= argument[1])
    return bool(re.match({"1": r"\d", " ": r"\s", "a": r"\w"}[CATEGORIES[argument]], sign))
