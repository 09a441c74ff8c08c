"""What the metrics API says of every Webservice: asked for once a minute, beside all reconciles.

A reconcile takes what is known; nothing waits for an answer, and where there is none nothing is
said. Numbers come from tenants' pods: they are bounded here once more.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import replace

import structlog

from fairlead.api.meta import WEBSERVICE
from fairlead.api.quantity import amount
from fairlead.api.refs import Manifest, Ref
from fairlead.cluster import Cluster
from fairlead.errors import OperatorError
from fairlead.evidence import MeasuredLoad

logger = structlog.get_logger("fairlead")
API_VERSION = "custom.metrics.k8s.io/v1beta2"
MEASURES = "*/fairlead_measures"
FIELDS = {
    "fairlead_requests_per_second": "requests_per_second",
    "fairlead_utilization_percent": "utilization_percent",
    "fairlead_queue_length": "queued",
    "fairlead_refused_per_minute": "refused_per_minute",
    "fairlead_refused_share": "refused_share",
    "fairlead_run_seconds_p95": "run_seconds_p95",
}
MAX_VALUE = 1e9
MAX_FAILURES = 3  # namespaces without an answer, in one look
HOUR_S, HOURS = 3600, 24
Name = tuple[str, str]
"""Namespace and name of a Webservice."""


class Measures:
    """``of``: what is known of each now; ``peaks`` by hour, of the last day."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._known: Mapping[Name, MeasuredLoad] = {}
        self._peaks: dict[Name, dict[int, float]] = {}

    def of(self, name: Name) -> MeasuredLoad | None:
        return self._known.get(name)

    async def look(self, names: Iterable[Name]) -> set[Name]:
        """Ask once for each namespace; return those of which something else is known now."""
        wanted = set(names)
        found: dict[Name, MeasuredLoad] = {}
        failures = 0
        for namespace in sorted({namespace for namespace, _ in wanted}):
            answer = await self._in(namespace)
            failures += answer is None
            if failures >= MAX_FAILURES:  # it is not there: each question may take its time
                break
            found |= answer or {}
        before, hour = self._known, int(time.time() // HOUR_S)
        self._peaks = {name: self._peaks.get(name, {}) for name in wanted}
        self._known = {
            name: replace(load, peak_requests_per_second=self._peak(name, load, hour))
            for name, load in found.items()
            if name in wanted
        }
        every = before.keys() | self._known.keys()
        return {name for name in every if before.get(name) != self._known.get(name)}

    def _peak(self, name: Name, load: MeasuredLoad, hour: int) -> float:
        hours = {at: rate for at, rate in self._peaks[name].items() if at > hour - HOURS}
        hours[hour] = max(hours.get(hour, 0.0), load.requests_per_second)
        self._peaks[name] = hours
        return max(hours.values())

    async def _in(self, namespace: str) -> Mapping[Name, MeasuredLoad] | None:
        """None where there is no answer."""
        ref = Ref(API_VERSION, WEBSERVICE.crd_name, namespace, MEASURES)
        try:
            answer = await self._cluster.get(ref)
        except OperatorError as error:
            logger.debug("measures not read", namespace=namespace, why=str(error))
            return None
        return read_measures(answer)


def read_measures(answer: Manifest | None) -> Mapping[Name, MeasuredLoad]:
    """A ``MetricValueList``; what is no number of ours is passed over."""
    found: dict[Name, dict[str, float]] = {}
    for item in (answer or {}).get("items") or ():
        described, metric = item.get("describedObject") or {}, item.get("metric") or {}
        field = FIELDS.get(str(metric.get("name")))
        value = _number(item.get("value"))
        if field is not None and value is not None:
            name = (str(described.get("namespace")), str(described.get("name")))
            found.setdefault(name, {})[field] = value
    return {name: MeasuredLoad(**fields) for name, fields in found.items()}


def _number(text: object) -> float | None:
    value = float(amount(str(text)))
    return value if 0 <= value <= MAX_VALUE else None
