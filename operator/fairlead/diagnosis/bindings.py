"""Which names a script binds at its top level, as far as reading it can tell."""

import ast
from collections.abc import Mapping, Sequence

Bindings = Mapping[str, Sequence[ast.AST]]
DYNAMIC_NAMES = {"exec", "globals", "vars", "setattr", "__getattr__"}  # may bind any name


def bindings(tree: ast.Module) -> Bindings | None:
    """Return every top-level name with the nodes that bind it, in the order of the script.

    None where only running the script can tell: a star import, ``global``, ``exec`` and the like.
    """
    if any(_may_bind_anything(node) for node in ast.walk(tree)):
        return None
    names = _Names()
    names.visit(tree)
    return names.bound


def _may_bind_anything(node: ast.AST) -> bool:
    match node:
        case ast.ImportFrom(names=[ast.alias(name="*")]) | ast.Global():
            return True
        case ast.Name(id=name) | ast.FunctionDef(name=name):
            return name in DYNAMIC_NAMES
    return False


class _Names(ast.NodeVisitor):
    """Walks the module's own scope: into ``if``, ``try`` and loops, not into functions."""

    def __init__(self) -> None:
        self.bound: dict[str, list[ast.AST]] = {}

    def _bind(self, name: str, node: ast.AST) -> None:
        self.bound.setdefault(name, []).append(node)

    def _visit_definition(
        self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    ) -> None:
        self._bind(node.name, node)

    visit_FunctionDef = visit_AsyncFunctionDef = visit_ClassDef = _visit_definition  # noqa: N815

    def visit_Lambda(self, node: ast.Lambda) -> None:
        """A scope of its own."""

    def visit_comprehension(self, node: ast.comprehension) -> None:
        self.visit(node.iter)  # its target is bound in its own scope

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:  # else it is only a type
            self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Store):
            self._bind(node.id, node)

    def _visit_import(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            self._bind(alias.asname or alias.name.partition(".")[0], node)

    visit_Import = visit_ImportFrom = _visit_import  # noqa: N815
