"""Requests as the API server counts them: what the operator asks for, and nothing it says itself.

The counter has no user in it. So only what nobody else does on a cluster without other tenants is
counted: server-side applies of the children's kinds, their single reads, status applies of our
kinds, Secrets and Events (``events.k8s.io``) that are made.
"""

import re
from collections import Counter
from dataclasses import dataclass

from fairlead.api.meta import GROUP, KINDS
from fairlead.desired.child_kinds import CHILD_KINDS
from tests.cluster.cluster import Cluster

_SERIES = re.compile(r"^apiserver_request_total\{(?P<labels>.*)\} (?P<value>\S+)$", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="([^"]*)"')
READS, WRITES = frozenset({"GET"}), frozenset({"APPLY", "PATCH", "POST", "DELETE"})
CHILDREN = frozenset(kind.plural for kind in CHILD_KINDS)
OURS = frozenset(kind.plural for kind in KINDS)


@dataclass(frozen=True)
class Requests:
    """How often what was done, by verb and resource (``webservices/status``)."""

    counts: Counter[tuple[str, str]]

    def __sub__(self, earlier: "Requests") -> "Requests":
        return Requests(self.counts - earlier.counts)

    def total(self, verbs: frozenset[str] = READS | WRITES) -> int:
        return sum(count for (verb, _), count in self.counts.items() if verb in verbs)

    def __str__(self) -> str:
        ordered = sorted(self.counts.items(), key=lambda item: (-item[1], item[0]))
        return ", ".join(f"{count} {verb} {what}" for (verb, what), count in ordered)


def requests_so_far(cluster: Cluster) -> Requests:
    """What the API server has counted of the operator's requests since it started."""
    counts = Counter[tuple[str, str]]()
    for series in _SERIES.finditer(cluster.run_kubectl("get", "--raw", "/metrics")):
        labels = dict(_LABEL.findall(series["labels"]))
        if _is_the_operators(labels):
            what = "/".join(filter(None, (labels["resource"], labels["subresource"])))
            counts[labels["verb"], what] += int(float(series["value"]))
    return Requests(counts)


def _is_the_operators(labels: dict[str, str]) -> bool:
    verb, resource, sub = labels["verb"], labels["resource"], labels["subresource"]
    if resource in CHILDREN and not sub:
        return verb in ("APPLY", "GET") or (verb == "DELETE" and labels["scope"] == "resource")
    if labels["group"] == GROUP and resource in OURS:
        return sub == "status" and verb in WRITES
    made = verb == "POST" and not sub
    return made and (resource == "secrets" or labels["group"] == "events.k8s.io")
