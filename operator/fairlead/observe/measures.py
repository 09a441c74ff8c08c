"""What the metrics API says of every Webservice: asked for once a minute, beside all reconciles.

A reconcile takes what is known; nothing waits for an answer, and where there is none nothing is
said. Numbers come from tenants' pods: they are bounded here once more.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

import structlog

from fairlead.api.meta import WEBSERVICE
from fairlead.api.quantity import amount
from fairlead.api.refs import Manifest, Ref
from fairlead.cluster import Cluster
from fairlead.errors import OperatorError
from fairlead.evidence import Answering, MeasuredLoad

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
ASKED, SILENT = "fairlead_pods_asked", "fairlead_pods_silent"
MAX_VALUE = 1e9
MAX_FAILURES = 3  # namespaces without an answer, in one look
HOUR_S, HOURS = 3600, 24
Name = tuple[str, str]
"""Namespace and name of a Webservice."""


class Measures:
    """``of``: what is known of each now, and who answers; peaks are by hour, of the last day."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._known: Mapping[Name, MeasuredLoad] = {}
        self._answering: Mapping[Name, Answering] = {}
        self._peaks: dict[Name, dict[int, float]] = {}

    def of(self, name: Name) -> MeasuredLoad | None:
        return self._known.get(name)

    def answering(self, name: Name) -> Answering:
        return self._answering.get(name, Answering())

    async def look(self, names: Iterable[Name]) -> set[Name]:
        """Ask once for each namespace; return those of which something else is known now."""
        wanted = set(names)
        found, answering, failures = dict[Name, MeasuredLoad](), dict[Name, Answering](), 0
        for namespace in sorted({namespace for namespace, _ in wanted}):
            answer = await self._in(namespace)
            failures += answer is None
            if failures >= MAX_FAILURES:  # it is not there: each question may take its time
                break
            found |= read_measures(answer)
            answering |= read_answering(answer)
        before, hour = (self._known, self._answering), int(time.time() // HOUR_S)
        self._peaks = {name: self._peaks.get(name, {}) for name in wanted}
        self._known = {
            name: replace(load, peak_requests_per_second=self._peak(name, load, hour))
            for name, load in found.items()
            if name in wanted
        }
        self._answering = {name: one for name, one in answering.items() if name in wanted}
        return _changed(before[0], self._known) | _changed(before[1], self._answering)

    def _peak(self, name: Name, load: MeasuredLoad, hour: int) -> float:
        hours = {at: rate for at, rate in self._peaks[name].items() if at > hour - HOURS}
        hours[hour] = max(hours.get(hour, 0.0), load.requests_per_second)
        self._peaks[name] = hours
        return max(hours.values())

    async def _in(self, namespace: str) -> Manifest | None:
        """None where there is no answer."""
        ref = Ref(API_VERSION, WEBSERVICE.crd_name, namespace, MEASURES)
        try:
            return await self._cluster.get(ref)
        except OperatorError as error:
            logger.debug("measures not read", namespace=namespace, why=str(error))
            return None


def read_measures(answer: Manifest | None) -> Mapping[Name, MeasuredLoad]:
    """A ``MetricValueList``; what is no number of ours is passed over."""
    found: dict[Name, dict[str, float]] = {}
    for name, metric, value in _values(answer):
        if metric in FIELDS:
            found.setdefault(name, {})[FIELDS[metric]] = value
    return {name: MeasuredLoad(**fields) for name, fields in found.items()}


def read_answering(answer: Manifest | None) -> Mapping[Name, Answering]:
    """The same list: who answers, whether there are numbers or not."""
    found: dict[Name, dict[str, int]] = {}
    for name, metric, value in _values(answer):
        if metric in (ASKED, SILENT):
            found.setdefault(name, {})[metric] = int(value)
    return {name: Answering(one.get(ASKED, 0), one.get(SILENT, 0)) for name, one in found.items()}


def read_metric(answer: Manifest | None, metric: str) -> Mapping[Name, float]:
    """One metric of the same list."""
    return {name: value for name, one, value in _values(answer) if one == metric}


def _values(answer: Manifest | None) -> Iterator[tuple[Name, str, float]]:
    for item in (answer or {}).get("items") or ():
        described, metric = item.get("describedObject") or {}, item.get("metric") or {}
        value = _number(item.get("value"))
        if value is not None:
            name = (str(described.get("namespace")), str(described.get("name")))
            yield name, str(metric.get("name")), value


def _changed(before: Mapping[Name, object], now: Mapping[Name, object]) -> set[Name]:
    every = before.keys() | now.keys()
    return {name for name in every if before.get(name) != now.get(name)}


def _number(text: object) -> float | None:
    value = float(amount(str(text)))
    return value if 0 <= value <= MAX_VALUE else None
