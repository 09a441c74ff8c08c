"""The slot runs on Python 3.8, whatever the Python of this test: syntax, imports, types.

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
OLDEST = (3, 8)
FRAMEWORK = "shims/azureml_inference_server_http/api/framework.py"
BUILT_IN = {"dict", "frozenset", "list", "set", "tuple", "type"}
every_file = pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(SLOT)))


@every_file
def test_it_can_read_the_file(path: Path) -> None:
    tree = ast.parse(path.read_text(), feature_version=OLDEST)
    only_a_docstring = len(tree.body) == 1
    assert only_a_docstring or "__future__" in set(at_once(tree)), "it would evaluate annotations"


@every_file
def test_it_needs_nothing_but_the_standard_library_to_start(path: Path) -> None:
    foreign = set(at_once(ast.parse(path.read_text()))) - sys.stdlib_module_names
    expected = {"flask", "werkzeug"} if path == SLOT / FRAMEWORK else set()
    assert foreign == expected


@every_file
def test_it_need_not_subscribe_a_built_in_type(path: Path) -> None:
    tree = ast.parse(path.read_text())
    hints = {id(part) for hint in annotations(tree) for part in ast.walk(hint)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and id(node) not in hints:
            name = node.value.id if isinstance(node.value, ast.Name) else ""
            assert name not in BUILT_IN, f"line {node.lineno}: {name}[…] is evaluated"


def test_it_has_every_function_and_attribute_that_is_used() -> None:
    command = [str(Path(sys.executable).with_name("vermin")), "--no-tips", "--violations"]
    found = subprocess.run(
        [*command, "-t=3.8-", str(SLOT)], capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stdout


def test_this_check_sees_what_is_too_new(tmp_path: Path) -> None:
    (tmp_path / "new.py").write_text("import functools\nfunctools.cache\n'x'.removeprefix('y')\n")
    command = [str(Path(sys.executable).with_name("vermin")), "-t=3.8-", str(tmp_path)]
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
