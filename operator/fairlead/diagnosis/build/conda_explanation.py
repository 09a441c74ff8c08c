"""What the solver says of specs that exclude each other, taken apart: a tree of lines. Pure.

├─ b ==1.0 can be installed with any of the following options:
│  └─ b 1.0
└─ a * cannot be installed because there are no viable options:
   └─ a 1.0 would require
      └─ b >=2, which cannot be installed because there are no viable options:
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from fairlead.diagnosis.build.conda_causes import Conflict
from fairlead.requirement import Requirement

MAX_LINES = 2000
MAX_NEEDS = 4
INDENT_CHARS = 3  # of one level of the tree
_BRANCH = re.compile(r"([│ ]*)[├└]─ (.*)")
_FAILS = re.compile(
    r"cannot be installed|would require|would constrain|conflicts|no candidates|is excluded"
)
_END = re.compile(
    r",? (?:which )?(?:can be installed|cannot be installed|would require|would constrain"
    r"|for which|which conflicts|that conflicts|is excluded|is not available).*"
)
_EMPTY = re.compile(r" \*$")


@dataclass
class _Node:
    text: str
    below: list["_Node"] = field(default_factory=list)

    @property
    def subject(self) -> str:
        """``a 1.0`` of ``a 1.0 would require``."""
        return _EMPTY.sub("", _END.sub("", self.text).strip().rstrip(","))

    @property
    def fails(self) -> bool:
        return _FAILS.search(self.text) is not None


def conflict(said: str, asked: Mapping[str, Requirement]) -> Conflict:
    """Return what excludes what. ``asked``: each spec as the solver writes it."""
    roots = _tree(said)
    mine = [(node, _asked(node, asked)) for node in roots]
    known = [(node, one) for node, one in mine if one is not None]
    failing = [(node, one) for node, one in known if node.fails] or known
    flat = " ".join(said.replace("│", " ").replace("├─", ";").replace("└─", ";").split())
    if not failing:
        first = min(asked.values(), key=lambda one: one.line)
        return Conflict(first, said=flat)
    node, one = failing[-1]
    needs = tuple(_needs(node))[:MAX_NEEDS]
    against = tuple(other for _, other in known if other is not one)
    return Conflict(one, needs, against, "" if needs else flat)


def _tree(said: str) -> list[_Node]:
    root = _Node("")
    path = [root]
    for line in said.splitlines()[:MAX_LINES]:
        found = _BRANCH.match(line)
        if found is None:
            continue
        depth = len(found[1]) // INDENT_CHARS
        node = _Node(found[2].strip())
        del path[depth + 1 :]
        path[-1].below.append(node)
        path.append(node)
    return root.below


def _asked(node: _Node, asked: Mapping[str, Requirement]) -> Requirement | None:
    for spec, one in asked.items():
        if node.text.startswith(f"{spec} ") or node.subject in (spec, _EMPTY.sub("", spec)):
            return one
    return None


def _needs(node: _Node) -> Iterator[str]:
    """The way down through what fails: ``a 1.0 needs b >=2``."""
    while node.below:
        parent = node
        node = next((below for below in node.below if below.fails), node.below[0])
        if "would require" in parent.text or "would constrain" in parent.text:
            yield f"{parent.subject} needs {node.subject}"
