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
from dataclasses import dataclass, field
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


@dataclass(frozen=True)
class Sources:
    """What the operator's files say of regular expressions; each file is read once.

    ``named``: the lines of each statement, or property, that gives names to what it compiles.
    ``uses``: the methods that are called on a name, wherever.
    """

    literal: list[Expression] = field(default_factory=list)
    named: dict[Path, list[tuple[range, set[str]]]] = field(default_factory=dict)
    uses: dict[str, set[str]] = field(default_factory=dict)

    def add(self, file: Path) -> None:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Attribute) and node.attr in METHODS:
                self.uses.setdefault(_name(node.value), set()).add(node.attr)
            elif isinstance(node, ast.Call):
                self._add_literal(file, node)
            elif isinstance(node, (ast.FunctionDef, ast.Assign)):
                self._add_named(file, node)

    def _add_literal(self, file: Path, node: ast.Call) -> None:
        """``re.sub(r"…", …)``: an f-string counts with its own texts."""
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="re"), attr=method),
                args=[ast.Constant(value=str(pattern)), *_],
            ) if method in METHODS:
                place = f"{file.relative_to(ROOT)}:{node.lineno}"
                self.literal.append(Expression(place, pattern, 0, (method,)))

    def _add_named(self, file: Path, node: ast.FunctionDef | ast.Assign) -> None:
        match node:
            case ast.FunctionDef(name=name, decorator_list=[ast.Name(id="cached_property")]):
                names = {name}
            case ast.Assign(value=ast.Call() | ast.IfExp()):
                names = {_name(target) for target in node.targets} - {""}
            case _:
                return
        lines = range(node.lineno, (node.end_lineno or node.lineno) + 1)
        self.named.setdefault(file, []).append((lines, names))

    def methods(self, file: Path, line: int) -> tuple[str, ...]:
        """How is used what is compiled at this line."""
        names = {name for lines, some in self.named.get(file, ()) if line in lines for name in some}
        return tuple(sorted({method for name in names for method in self.uses.get(name, ())}))


def read_sources() -> Sources:
    found = Sources()
    for file in sorted(ROOT.rglob("*.py")):
        found.add(file)
    return found


def compiled(sources: Sources) -> Iterator[Expression]:
    run = subprocess.run(
        [sys.executable, "-c", RECORDER], capture_output=True, text=True, check=True
    )
    for name, line, pattern, flags in json.loads(run.stdout):
        file = Path(name)
        methods = sources.methods(file, line) or ("search",)
        yield Expression(f"{file.relative_to(ROOT)}:{line}", pattern, flags, methods)


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
    sources = read_sources()
    found = {*compiled(sources), *sources.literal}
    return tuple(sorted(found, key=lambda each: (each.place, each.pattern)))


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
