"""The slot runs on Python 3.6.2, whatever the Python of this test: syntax, imports, types.

What is meant for the environment's packages (flask, werkzeug) is imported only when it is needed.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import fairlead_scoring.slot

SLOT = Path(fairlead_scoring.slot.__file__).parent
SOURCES = sorted(SLOT.rglob("*.py"))
OLDEST = (3, 6)
OLDEST_TARGET = "-t=3.6-"
FRAMEWORK = "shims/azureml_inference_server_http/api/framework.py"
BUILT_IN = {"dict", "frozenset", "list", "set", "tuple", "type"}
every_file = pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(SLOT)))


@every_file
def test_it_can_read_the_file(path: Path) -> None:
    tree = ast.parse(path.read_text(), feature_version=OLDEST)
    assert "__future__" not in set(at_once(tree)), "Python 3.6 does not know annotations in it"


@every_file
def test_it_needs_nothing_but_the_standard_library_to_start(path: Path) -> None:
    foreign = set(at_once(ast.parse(path.read_text()))) - sys.stdlib_module_names
    expected = {"flask", "werkzeug"} if path == SLOT / FRAMEWORK else set()
    assert foreign == expected


@every_file
def test_it_subscribes_no_built_in_type_and_has_no_union_in_an_annotation(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Subscript):
            name = node.value.id if isinstance(node.value, ast.Name) else ""
            assert name not in BUILT_IN, f"line {node.lineno}: {name}[…] is evaluated"
    for hint in annotations(ast.parse(path.read_text())):
        assert not any(isinstance(one, ast.BitOr) for one in ast.walk(hint)), ast.unparse(hint)


def test_it_has_every_function_and_attribute_that_is_used() -> None:
    command = [str(Path(sys.executable).with_name("vermin")), "--no-tips", "--violations"]
    found = subprocess.run(
        [*command, OLDEST_TARGET, str(SLOT)], capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stdout


def test_this_check_sees_what_is_too_new(tmp_path: Path) -> None:
    (tmp_path / "new.py").write_text("import functools\nfunctools.cache\n'x'.removeprefix('y')\n")
    command = [str(Path(sys.executable).with_name("vermin")), OLDEST_TARGET, str(tmp_path)]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 1


def at_once(tree: ast.AST) -> Iterator[str]:
    """The packages that are imported with the module itself, not inside its functions."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield str(node.module).partition(".")[0]
        elif not isinstance(node, ast.FunctionDef):
            yield from at_once(node)


def annotations(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        for field in ("annotation", "returns"):
            hint = getattr(node, field, None)
            if hint is not None:
                yield hint
