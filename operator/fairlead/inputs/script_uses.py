"""What the entry script asks for by name: packages that it imports, models that it looks up.

Read from the text, never run. What may be absent on purpose is left out: an import within ``try``
or ``suppress``, under an ``if``, or relative; a model name that is not written down as a string, or
that goes to a function of the script's own.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from fairlead.inputs.bindings import last_name

MAX_USES = 100  # of each kind that one script tells
MAX_NAME_CHARS = 100
LOOKUP = "get_model_path"
SUPPRESS = "suppress"
AZUREML = "azureml"


@dataclass(frozen=True)
class Use:
    """A name, and the line of the script that asks for it."""

    name: str
    line: int


@dataclass(frozen=True)
class ScriptUses:
    """``imports``: the first part of each dotted name; ``models``: the literals of model names.

    ``azureml``: whole names of what is imported of Azure ML, wherever: ``azureml.core.Workspace``.
    """

    imports: tuple[Use, ...] = ()
    models: tuple[Use, ...] = ()
    azureml: tuple[Use, ...] = ()


def script_uses(tree: ast.Module) -> ScriptUses:
    """Return each name once, with the first line that asks for it, in the order of the lines."""
    nodes = list(ast.walk(tree))
    imports = (use for node in _unconditional(tree) for use in _imported(node))
    own = any(isinstance(node, ast.FunctionDef) and node.name == LOOKUP for node in nodes)
    models = (use for node in nodes for use in _looked_up(node, own=own))
    azureml = (use for node in nodes for use in _of_azureml(node))
    return ScriptUses(_first(imports), _first(models), _first(azureml))


def _unconditional(tree: ast.Module) -> Iterator[ast.AST]:
    """Every node but those that stand where a module may be absent on purpose."""
    left: list[ast.AST] = [tree]
    while left:
        node = left.pop()
        yield node
        match node:
            case ast.Try():
                left.extend((*node.orelse, *node.finalbody))
            case ast.If():
                continue
            case ast.With(items=items) if any(map(_suppresses, items)):
                continue
            case _:
                left.extend(ast.iter_child_nodes(node))


def _imported(node: ast.AST) -> Iterator[Use]:
    match node:
        case ast.Import(names=names):
            for name in names:
                yield Use(name.name.partition(".")[0], node.lineno)
        case ast.ImportFrom(module=str(module), level=0):
            yield Use(module.partition(".")[0], node.lineno)


def _of_azureml(node: ast.AST) -> Iterator[Use]:
    match node:
        case ast.Import(names=names):
            whole = [name.name for name in names]
        case ast.ImportFrom(module=str(module), names=names, level=0):
            whole = [f"{module}.{name.name}" for name in names]
        case _:
            return
    for name in whole:
        if name.split(".")[0] == AZUREML:
            yield Use(name, node.lineno)


def _suppresses(item: ast.withitem) -> bool:
    call = item.context_expr
    return isinstance(call, ast.Call) and last_name(call.func) == SUPPRESS


def _looked_up(node: ast.AST, *, own: bool) -> Iterator[Use]:
    """``own``: the script has a function of that name, which is then meant by the plain name."""
    match node:
        case ast.Call(func=ast.Name()) if own:
            return
        case ast.Call(func=function) if last_name(function) == LOOKUP:
            named = (keyword.value for keyword in node.keywords if keyword.arg == "model_name")
            for argument in (*node.args[:1], *named):
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    yield Use(argument.value, node.lineno)


def _first(uses: Iterator[Use]) -> tuple[Use, ...]:
    found = dict[str, Use]()
    for use in sorted(uses, key=lambda use: use.line):
        if len(use.name) <= MAX_NAME_CHARS:
            found.setdefault(use.name, use)
        if len(found) == MAX_USES:
            break
    return tuple(found.values())
