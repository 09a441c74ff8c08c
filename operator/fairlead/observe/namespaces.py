"""Is a namespace being deleted? Asked only where something in it was deleted a moment ago."""

import time

from fairlead.api.refs import Ref
from fairlead.cluster import Cluster
from fairlead.observe.cache import Cache

SUSPECT_S = 60.0  # after a deletion: a namespace takes its objects with it one after the other
CACHED_S = 5.0


class Namespaces:
    """What is known of namespaces that may be terminating."""

    def __init__(self, cluster: Cluster, cache: Cache) -> None:
        self._cluster = cluster
        self._cache = cache
        self._known: dict[str, tuple[float, bool]] = {}

    def note_terminating(self, namespace: str) -> None:
        """The API server has said so itself."""
        self._known[namespace] = (time.monotonic() + SUSPECT_S, True)

    async def terminating(self, namespace: str) -> bool:
        """Whether the namespace is on its way out. Raises ``OperatorError``."""
        until, answer = self._known.get(namespace, (0.0, False))
        if time.monotonic() < until:
            return answer
        if not self._cache.deleted_lately(namespace, SUSPECT_S):
            self._known.pop(namespace, None)
            return False
        found = await self._cluster.get_metadata(Ref("v1", "namespaces", "", namespace))
        answer = found is None or "deletionTimestamp" in found["metadata"]
        self._known[namespace] = (time.monotonic() + CACHED_S, answer)
        return answer
