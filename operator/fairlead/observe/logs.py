"""Ends of the logs of containers that have ended, each read once: an ended log never changes."""

from collections import OrderedDict

from fairlead.cluster import Cluster, PodLog

MAX_LOGS = 512
MAX_LOG_CHARS = 16_384  # of each; status shows less
Instance = tuple[str, str, int, str]
"""The pod's uid, the container, how often it has been restarted, and which instance ended."""


class Logs:
    """The newest ``MAX_LOGS`` logs that were read."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._tails: OrderedDict[Instance, str] = OrderedDict()

    async def tail(self, instance: Instance, log: PodLog) -> str | None:
        """The end of the log of ``instance``; None where the kubelet does not have it (yet)."""
        if instance in self._tails:
            self._tails.move_to_end(instance)
            return self._tails[instance]
        text = await self._cluster.log_tail(log)
        if text is None:
            return None
        self._tails[instance] = text[-MAX_LOG_CHARS:]
        if len(self._tails) > MAX_LOGS:
            self._tails.popitem(last=False)
        return self._tails[instance]
