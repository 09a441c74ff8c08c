"""Every regular expression of the runtime takes linear time, whatever it is given."""

import ast
import importlib
import pkgutil
import re
from pathlib import Path
from types import ModuleType

import pytest

import fairlead_scoring
from fairlead_scoring.slot.redaction import redact, redact_query
from tests.unit.adversarial import MAX_CPU_S, assert_linear, cpu_seconds, patterns_in

ROOT = Path(fairlead_scoring.__file__).parent
SHIMS = "fairlead_scoring.slot.shims"


def modules() -> list[ModuleType]:
    """All but those that need the user's packages, which have no pattern: see below."""
    found = pkgutil.walk_packages([str(ROOT)], "fairlead_scoring.")
    names = [one.name for one in found if not one.name.startswith(SHIMS)]
    return [importlib.import_module(name) for name in names if not name.endswith("__main__")]


PATTERNS = list(dict.fromkeys(one for module in modules() for one in patterns_in(vars(module))))


def calls_of_re(path: Path) -> list[str]:
    """Return the functions of ``re`` that the file calls."""
    return [
        node.func.attr
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "re"
    ]


def test_every_pattern_of_the_runtime_is_a_constant_and_so_is_tested() -> None:
    compiled = {path: calls_of_re(path) for path in ROOT.rglob("*.py")}
    count = sum(calls.count("compile") for calls in compiled.values())
    assert count == len(PATTERNS) + 1, "the one that is not ours is AML_CORS_ORIGINS"
    others = {call for calls in compiled.values() for call in calls} - {"compile"}
    assert others == {"split"}, "of a single character"


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.pattern[:40])
def test_a_pattern_is_linear(pattern: re.Pattern[str]) -> None:
    assert_linear(lambda line: pattern.sub("", line))
    assert_linear(pattern.fullmatch)


def test_redaction_is_linear() -> None:
    assert_linear(redact)
    assert_linear(lambda line: redact_query(line, 1000))


def test_this_test_finds_a_quadratic_pattern() -> None:
    once_in_the_access_log = re.compile(r"\beyJ[\w-]{10,}\.[\w-]{10,}(?:\.[\w-]*)?")
    assert cpu_seconds(once_in_the_access_log.search, "eyJ-" * 8192) > MAX_CPU_S
