"""Which names a script binds at its top level, without running it.

A scoring server looks for ``init`` and ``run`` among them. Only running a script can tell all of
them where it binds names in another way than by writing them down (`may_bind_anything`). Nothing
here is recursive: an expression may be nested as deeply as Python itself takes it.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence

Bindings = Mapping[str, Sequence[ast.AST]]
READING_METHODS = {"get", "keys", "values", "items", "copy", "__contains__"}
READING_CALLS = {
    "len",
    "dict",
    "list",
    "set",
    "tuple",
    "sorted",
    "iter",
    "print",
    "getattr",
    "hasattr",
}
IMPORTING_CALLS = {"import_module", "__import__", "reload"}


def bindings(tree: ast.Module) -> Bindings | None:
    """Return every top-level name with the nodes that bind it, in the order of the script.

    ``global`` in a function binds the names that it lists. None where only running the script can
    tell which names there are.
    """
    everything, own = list(ast.walk(tree)), list(_own_scope(tree))
    if may_bind_anything(everything, own):
        return None
    bound = dict[str, list[ast.AST]]()
    for node in own:
        for name in _bound_by(node):
            bound.setdefault(name, []).append(node)
    for node in everything:
        for name in _bound_from_within(node):
            bound.setdefault(name, []).append(node)
    return None if "__getattr__" in bound else bound


def may_bind_anything(everything: Sequence[ast.AST], own: Sequence[ast.AST]) -> bool:
    """Whether names may be bound that are not written down.

    By a star import, ``exec``, or whatever gets hold of the module or of its dictionary: to look
    something up in it, as in ``"model" in globals()``, binds nothing.
    """
    if any(_star_import_or_exec(node) for node in everything):
        return True
    harmless = {id(node) for reader in everything for node in _only_read(reader)}
    dictionaries = [node for node in everything if _is_globals(node)]
    dictionaries += [node for node in own if _is_call(node, {"vars", "locals"}, arguments=0)]
    modules = [node for node in everything if _is_this_module(node)]
    return any(id(node) not in harmless for node in (*dictionaries, *modules))


def last_name(expression: ast.AST) -> str:
    """``name`` of ``name`` and ``module.name``; empty for any other expression."""
    match expression:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def _own_scope(tree: ast.Module) -> Iterator[ast.AST]:
    """Every node whose names are the module's own: into ``if``, ``try`` and loops, not into
    functions and classes; in the order of the script."""
    left: list[ast.AST] = [tree]
    while left:
        node = left.pop()
        yield node
        left.extend(reversed(list(_in_the_same_scope(node))))


def _in_the_same_scope(node: ast.AST) -> Iterable[ast.AST]:
    match node:
        case (
            ast.FunctionDef(decorator_list=decorators)
            | ast.AsyncFunctionDef(decorator_list=decorators)
        ):
            return [*decorators, *_defaults(node.args)]
        case ast.ClassDef():
            return [*node.decorator_list, *node.bases, *node.keywords]
        case ast.Lambda():
            return _defaults(node.args)
        case ast.comprehension():
            return [node.iter, *node.ifs]  # its target is bound in a scope of its own
        case ast.AnnAssign(value=None):
            return []  # a type is no value
    return ast.iter_child_nodes(node)


def _defaults(arguments: ast.arguments) -> list[ast.AST]:
    return [*arguments.defaults, *(value for value in arguments.kw_defaults if value)]


def _bound_by(node: ast.AST) -> Iterable[str]:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.Name(id=name, ctx=ast.Store()):
            return [name]
        case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            return [name]
        case ast.MatchMapping(rest=str(name)):
            return [name]
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            return [alias.asname or alias.name.partition(".")[0] for alias in names]
    return []


def _bound_from_within(node: ast.AST) -> Iterable[str]:
    """Names that any scope may bind in the module's: ``global run``, ``globals()["run"] = …``."""
    match node:
        case ast.Global(names=names):
            return names
        case ast.Subscript(value=value, slice=ast.Constant(value=str(name)), ctx=ast.Store()):
            return [name] if _is_call(value, {"globals", "locals", "vars"}, arguments=0) else []
    return []


def _star_import_or_exec(node: ast.AST) -> bool:
    match node:
        case ast.ImportFrom(names=[ast.alias(name="*")]) | ast.Name(id="exec"):
            return True
    return False


def _is_globals(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id == "globals"


def _is_globals_call(node: ast.AST) -> bool:
    return _is_call(node, {"globals"}, arguments=0)


def _is_call(node: ast.AST, names: set[str], arguments: int) -> bool:
    match node:
        case ast.Call(func=ast.Name(id=name), args=args):
            return name in names and len(args) == arguments
    return False


def _is_this_module(node: ast.AST) -> bool:
    """``sys.modules[__name__]``, ``import_module(__name__)``; a name that is written out is
    another module's."""
    match node:
        case ast.Subscript(value=table, slice=name):
            return last_name(table) == "modules" and not isinstance(name, ast.Constant)
        case ast.Call(func=function, args=[ast.Name(id="__name__"), *_]):
            return last_name(function) in IMPORTING_CALLS
    return False


def _only_read(node: ast.AST) -> Iterable[ast.AST]:
    """The dictionaries and modules that ``node`` looks something up in, and no more."""
    match node:
        case ast.Compare(ops=ops, comparators=[*compared]):
            looks = all(isinstance(op, ast.In | ast.NotIn) for op in ops)
            return _with_names(compared) if looks else []
        case ast.Subscript(value=value, ctx=ast.Load()):
            return _with_names([value])
        case ast.Subscript(value=value, slice=ast.Constant(value=str())):
            return _with_names([value])  # binds the one name that is written out
        case ast.Attribute(value=value, attr=attr, ctx=ast.Load()):
            reads = attr in READING_METHODS or (_is_this_module(value) and attr != "__dict__")
            return _with_names([value]) if reads else []
        case ast.Call(func=ast.Name(id=name), args=args) if name in READING_CALLS:
            return _with_names(args)
    return []


def _with_names(expressions: Iterable[ast.AST]) -> Iterable[ast.AST]:
    """The expressions; of a call of ``globals`` its name, too."""
    for expression in expressions:
        yield expression
        if _is_globals_call(expression) and isinstance(expression, ast.Call):
            yield expression.func
