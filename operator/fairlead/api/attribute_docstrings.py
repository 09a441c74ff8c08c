"""The docstrings of a model's fields: what `kubectl explain` shows.

pydantic can read them whenever a class is made. That costs as much as everything else about it, in
each of the programs, so they are read where they are needed.
"""

import ast
import inspect
import textwrap
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import cast

from pydantic import BaseModel


def attribute_docstrings(model: type[BaseModel]) -> dict[str, str]:
    """Return the docstring of each field that has one, its own or that of a base class.

    Raises ``OSError`` where the source of a class cannot be read.
    """
    bases = [base for base in reversed(model.__mro__) if issubclass(base, BaseModel)]
    ours = [base for base in bases if base is not BaseModel]
    found = {name: text for base in ours for name, text in _own(base).items()}
    return {name: text for name, text in found.items() if name in model.model_fields}


@cache  # to find a class, Python parses the whole of its file; most are read for several models
def _own(model: type[BaseModel]) -> dict[str, str]:
    return dict(_read(model))


def _read(model: type[BaseModel]) -> Iterator[tuple[str, str]]:
    tree = cast("ast.ClassDef", ast.parse(textwrap.dedent(inspect.getsource(model))).body[0])
    for statement, following in pairwise(tree.body):
        match statement, following:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                yield name, inspect.cleandoc(text)
