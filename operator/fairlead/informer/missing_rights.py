"""What the API server does not let the operator list or watch: said once for each namespace.

A namespace whose objects, children or pods are hidden is left alone, and the others go on.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

import structlog

from fairlead.api.reasons import Reason
from fairlead.errors import OperatorError, StalledError

logger = structlog.get_logger("fairlead")
SETTLE_S = 3.0  # lists are refused one after the other, and said in one line
IN_ONE = (
    "The chart makes a Role in each namespace of its value watchNamespaces: name it there, and see "
    "that it exists. Without the chart, bind the rules of deploy/rbac.yaml there."
)
IN_ALL = (
    "The chart makes a ClusterRole with its value rbac.create: apply it, or name the namespaces "
    "that are to be watched in watchNamespaces. Without the chart, apply deploy/rbac.yaml."
)


class MissingRights:
    """Verbs and resources by namespace; of the namespace "" what is missing in all of them."""

    def __init__(self) -> None:
        self._missing = defaultdict[str, set[str]](set)
        self._said: dict[str, frozenset[str]] = {}
        self._due: dict[str, asyncio.TimerHandle] = {}
        self._returned: Callable[[str], None] = lambda _: None

    def on_return(self, listener: Callable[[str], None]) -> None:
        """Have ``listener`` called with each namespace in which nothing is missing any more."""
        self._returned = listener

    def note(self, namespace: str, verb: str, plural: str, error: OperatorError) -> bool:
        """Take in why a list or a watch failed; False where that was not for want of a right."""
        if error.reason != Reason.FORBIDDEN:
            return False
        self.refused(namespace, verb, plural)
        return True

    def refused(self, namespace: str, verb: str, plural: str) -> None:
        self._missing[namespace].add(f"{verb} {plural}")
        self._say_soon(namespace)

    def granted(self, namespace: str, verb: str, plural: str) -> None:
        missing = self._missing.get(namespace)
        if not missing:
            return
        missing.discard(f"{verb} {plural}")
        if not missing:
            del self._missing[namespace]
            self._say_soon(namespace)
            self._returned(namespace)

    def refuse(self, namespace: str) -> None:
        """Raises ``StalledError`` where something of this namespace cannot be listed: what is
        decided without it would be wrong."""
        missing = _lists(self._of(namespace))
        if missing:
            message = f"The operator has no right to {', '.join(missing)} in '{namespace}'."
            raise StalledError(Reason.FORBIDDEN, message)

    def namespaces(self) -> set[str]:
        """Those where something cannot be listed."""
        return {name for name, missing in self._missing.items() if _lists(missing)}

    def counts(self) -> Mapping[tuple[str, ...], int]:
        """How many rights are missing, by namespace."""
        return {(namespace,): len(missing) for namespace, missing in self._missing.items()}

    def _of(self, namespace: str) -> frozenset[str]:
        return frozenset(self._missing.get(namespace) or ())

    def _say_soon(self, namespace: str) -> None:
        if namespace not in self._due:
            loop = asyncio.get_running_loop()
            self._due[namespace] = loop.call_later(SETTLE_S, self._say, namespace)

    def _say(self, namespace: str) -> None:
        """One line, unless it would be the same again."""
        del self._due[namespace]
        missing = self._of(namespace)
        if missing == self._said.get(namespace, frozenset()):
            return
        self._said[namespace] = missing
        where = f"namespace {namespace}" if namespace else "all namespaces"
        if not missing:
            logger.info(f"the missing rights are there now, in {where}")
            return
        remedy = IN_ONE if namespace else IN_ALL
        logger.error(f"no right to {', '.join(sorted(missing))} in {where}.", remedy=remedy)


def _lists(rights: Iterable[str]) -> list[str]:
    return sorted(right for right in rights if right.startswith("list "))
