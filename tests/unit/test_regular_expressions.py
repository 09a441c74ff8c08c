"""Every regular expression of the operator takes linear time, whatever the line.

Found are all that a module compiles when it is imported, those of all shapes that it has made, and
all that it hands to a function of ``re`` as a literal. Each is run as it is used: where that cannot
be told it is searched for, which costs the most.
"""

import ast
import itertools
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

import fairlead
from tests.unit.attack_lines import LINE_CHARS, attack_lines

ROOT = Path(fairlead.__file__).parent
METHODS = {"search", "match", "fullmatch", "sub", "split", "findall", "finditer"}
MAX_CPU_S = 0.5  # a linear one takes some milliseconds, a quadratic one several seconds
PART = 8  # of a line is tried first
PART_CHARS, MAX_PART_CPU_S = LINE_CHARS // PART, 0.025
SURELY_FAST_S = MAX_CPU_S / PART**3  # of a part: cubic time, too, is then within the limit
MAX_LINES = 40  # that are made for one expression
FAMILIES = (" ", "\n", "a", "1", "\\", "[", "a ", "a.")
RECORDER = """
import gc, importlib, json, pkgutil, re, sys
found, compile_ = [], re.compile

def recording(pattern, flags=0):
    frame = sys._getframe(1)
    if frame.f_globals.get("__name__", "").startswith("fairlead") and isinstance(pattern, str):
        found.append((frame.f_code.co_filename, frame.f_lineno, pattern, int(flags)))
    return compile_(pattern, flags)

re.compile = recording
import fairlead
for module in pkgutil.walk_packages(fairlead.__path__, "fairlead."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
from fairlead.api.shape import Shape
for shape in [one for one in gc.get_objects() if isinstance(one, Shape)]:
    shape._whole, shape._never
print(json.dumps(found))
"""


@dataclass(frozen=True)
class Expression:
    """``methods``: how it is used."""

    place: str
    pattern: str
    flags: int
    methods: tuple[str, ...]


def compiled() -> Iterator[Expression]:
    run = subprocess.run(
        [sys.executable, "-c", RECORDER], capture_output=True, text=True, check=True
    )
    uses = _uses()
    for file, line, pattern, flags in json.loads(run.stdout):
        names = _assigned(Path(file), line)
        methods = sorted({method for name in names for method in uses.get(name, ())})
        place = f"{Path(file).relative_to(ROOT)}:{line}"
        yield Expression(place, pattern, flags, tuple(methods) or ("search",))


def literal() -> Iterator[Expression]:
    """``re.sub(r"…", …)``: an f-string counts with its own texts."""
    for file in sorted(ROOT.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            match node:
                case ast.Call(
                    func=ast.Attribute(value=ast.Name(id="re"), attr=method),
                    args=[ast.Constant(value=str(pattern)), *_],
                ) if method in METHODS:
                    place = f"{file.relative_to(ROOT)}:{node.lineno}"
                    yield Expression(place, pattern, 0, (method,))


def _assigned(file: Path, line: int) -> set[str]:
    """The names that a statement, or a property, gives what it compiles at ``line``."""
    found = set[str]()
    for node in ast.walk(ast.parse(file.read_text())):
        match node:
            case ast.FunctionDef(
                name=name,
                decorator_list=[ast.Name(id="cached_property")],
                lineno=first,
                end_lineno=int(last),
            ):
                found |= {name} if first <= line <= last else set()
            case ast.Assign(value=ast.Call() | ast.IfExp(), lineno=first, end_lineno=int(last)):
                found |= {_name(t) for t in node.targets if first <= line <= last}
    return found - {""}


def _uses() -> dict[str, set[str]]:
    """The methods that are called on a name, wherever."""
    found = dict[str, set[str]]()
    for file in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Attribute) and node.attr in METHODS:
                found.setdefault(_name(node.value), set()).add(node.attr)
    return found


def _name(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def lines(expression: Expression) -> Iterator[str]:
    for family in FAMILIES:
        yield family * (LINE_CHARS // len(family)) + "!"
    made_for_it = attack_lines(expression.pattern, expression.flags)
    yield from itertools.islice(made_for_it, MAX_LINES)


def seconds(expression: Expression, method: str, line: str) -> float:
    pattern = re.compile(expression.pattern, expression.flags)
    started_at = time.process_time()
    if method == "sub":
        pattern.sub("", line)
    elif method == "finditer":
        list(pattern.finditer(line))
    else:
        getattr(pattern, method)(line)
    return time.process_time() - started_at


@cache
def expressions() -> tuple[Expression, ...]:
    return tuple(sorted({*compiled(), *literal()}, key=lambda each: (each.place, each.pattern)))


def slow(expression: Expression) -> Iterator[str]:
    """What takes too long; tried with a part of the line first, so as not to wait for hours, and
    with all of it only where that may make a difference."""
    for line in lines(expression):
        for method in expression.methods:
            part = seconds(expression, method, line[:PART_CHARS] + line[-1])
            if part < SURELY_FAST_S:
                continue
            if part > MAX_PART_CPU_S or seconds(expression, method, line) > MAX_CPU_S:
                yield f"{expression.place} {method} {expression.pattern!r}: {line[:60]!r} …"


def test_each_takes_linear_time() -> None:
    assert [told for expression in expressions() for told in slow(expression)] == []


def test_they_are_found() -> None:
    places = {expression.place.partition(":")[0] for expression in expressions()}
    assert {"inputs/requirements.py", "diagnosis/build/output.py", "api/shape.py"} <= places
    shapes = [each for each in expressions() if each.place.startswith("api/shape.py")]
    assert {shape.methods for shape in shapes} == {("fullmatch",), ("search",)}
    assert len(expressions()) > 100


@pytest.mark.parametrize(
    ("pattern", "method"),
    [
        (r"(^|\s+)#.*$", "search"),
        (r"\s+$", "search"),
        (r"x.*y", "search"),
        (r"[a-z]+=[a-z]+:", "sub"),
    ],
)
def test_one_that_is_not_linear_is_seen(pattern: str, method: str) -> None:
    assert next(slow(Expression("", pattern, 0, (method,))), "")
