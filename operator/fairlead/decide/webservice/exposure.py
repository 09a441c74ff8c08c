"""``Exposed``: whether a host's name leads to a Webservice, and why not where it should."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from fairlead.api.conditions import false, true, unknown
from fairlead.api.expose import ROOT, Expose, ExposeType, HeldHost
from fairlead.api.reasons import Reason
from fairlead.api.refs import Manifest
from fairlead.api.status import FailureClass, FailureStatus
from fairlead.decide.decision import EXPOSED, StageResult
from fairlead.decide.webservice.address import balancer_address
from fairlead.decide.webservice.claims import claim, held, hosts_of, rival, wanted
from fairlead.decide.webservice.ownership import Ownership
from fairlead.desired.child_kinds import FRONT_DEPLOYMENT, HTTP_ROUTE, INGRESS
from fairlead.desired.exposure import NOTHING, Granted
from fairlead.evidence import ChildEvidence, Claim, WebserviceEvidence
from fairlead.finding import Finding
from fairlead.redact import redacted
from fairlead.settings import pairs

LOOK_AGAIN_S = 60.0  # for a definition that is missing: its installation is not watched
LET_GO_S = 5.0  # for what still leads to the one before: its end is not waited for otherwise
FOR_GOOD = (Reason.EXPOSURE_OFF, Reason.EXPOSURE_NOT_GRANTED, Reason.INVALID_SPEC)
TAKEN_IN = ("Accepted", "ResolvedRefs")
"""The conditions of a route that must be true until requests arrive."""


@dataclass(frozen=True)
class Exposure:
    """What comes of the wish for a host: ``granted`` and ``held``, or why not; nothing of both
    where none is wanted."""

    granted: Granted = NOTHING
    held: HeldHost | None = None
    refusal: Finding | None = None
    changes_in_s: float = math.inf


def exposure(evidence: WebserviceEvidence, now: datetime) -> Exposure:
    """Whether the Webservice gets the host that it wants."""
    expose = evidence.webservice.spec.expose
    if expose is None or not expose.through_host:
        return Exposure()
    refusal = _refusal(evidence, expose)
    if refusal is not None:
        return Exposure(refusal=refusal)
    mine = claim(evidence.webservice, evidence.settings)
    if mine is None:  # not after what was asked before
        return Exposure()
    if taken := _elsewhere(evidence, expose, mine):
        return taken
    if expose.type is ExposeType.HTTP_ROUTE and evidence.exposure.routes_missing:
        return Exposure(refusal=NO_ROUTES, held=held(mine, now), changes_in_s=LOOK_AGAIN_S)
    return Exposure(wanted(evidence.webservice, evidence.settings).granted, held(mine, now))


def exposed_uri(evidence: WebserviceEvidence, owned: Ownership, got: Exposure) -> str | None:
    """The address of the host, without a path of the service's; None while it does not work."""
    expose = evidence.webservice.spec.expose
    if expose is None or got.refusal or got.held is None or _pending(evidence, owned, got):
        return None
    if expose.type is ExposeType.INGRESS:
        scheme = "https" if expose.tls else "http"
    else:
        scheme = pairs(evidence.settings.exposure_gateways).get(got.granted.gateway, "http")
    path = "" if got.held.path == ROOT else got.held.path
    return f"{scheme}://{got.held.host}{path}"


def exposure_stage(
    evidence: WebserviceEvidence, owned: Ownership, got: Exposure, now: datetime
) -> tuple[StageResult, ...]:
    """Nothing is said where no host is wanted."""
    if got.refusal is not None:
        return (_failed(got.refusal, evidence, now, got.changes_in_s),)
    if got.held is None:
        return ()
    refused = _refused_by_gateway(evidence, owned, got)
    if refused is not None:
        return (_failed(refused, evidence, now),)
    pending = _pending(evidence, owned, got)
    if pending:
        return (StageResult(unknown(EXPOSED, Reason.WAITING_FOR_ADDRESS, pending)),)
    words = f"{exposed_uri(evidence, owned, got)} leads to the service{_where(owned)}."
    return (StageResult(true(EXPOSED, Reason.EXPOSED, words)),)


def _failed(
    found: Finding, evidence: WebserviceEvidence, now: datetime, changes_in_s: float = math.inf
) -> StageResult:
    known = evidence.webservice.status.failure
    condition = false(EXPOSED, found.reason, found.message)
    failure = FailureStatus(
        reason=found.reason,
        class_=found.class_,
        message=found.message,
        remedy=found.remedy,
        since=known.since if known and known.reason == found.reason else now,
    )
    stalled = found.reason in FOR_GOOD
    return StageResult(condition, failure, stalled, changes_in_s=changes_in_s)


def _refusal(evidence: WebserviceEvidence, expose: Expose) -> Finding | None:
    """What stands against it whoever else wants it."""
    asked = wanted(evidence.webservice, evidence.settings)
    if asked.off:
        remedy = (
            "Ask whoever runs the cluster to set it (docs/exposure.md), or remove spec.expose; "
            "from inside of the cluster the service is reached as before."
        )
        words = f"{asked.off}, and nothing is granted there."
        return Finding(Reason.EXPOSURE_OFF, FailureClass.USER, words, remedy)
    if asked.refused:
        allowed = ", ".join(hosts_of(evidence.webservice.namespace, evidence.settings))
        words = f"Not granted in this cluster: {'; '.join(asked.refused)}."
        remedy = (
            f"Choose one of those in spec.expose (hosts: {allowed}; '*' stands for one name), "
            "or ask whoever runs the cluster to grant it (docs/exposure.md)."
        )
        return Finding(Reason.EXPOSURE_NOT_GRANTED, FailureClass.USER, words, remedy)
    if asked.unserved or not expose.host:
        words = asked.unserved or f"Type {expose.type} needs spec.expose.host."
        return Finding(Reason.INVALID_SPEC, FailureClass.USER, words, "Correct spec.expose.")
    return None


def _elsewhere(evidence: WebserviceEvidence, expose: Expose, mine: Claim) -> Exposure | None:
    """Who has the host already; None where nobody has."""
    before = rival(mine, evidence.exposure.claims)
    if before is not None:
        other = before.name if before.namespace == mine.namespace else ""
        return Exposure(refusal=_taken(expose, other))
    if mine.contends and evidence.exposure.leads_elsewhere:
        return Exposure(refusal=_left_over(expose), changes_in_s=LET_GO_S)
    if any(one < mine for one in evidence.exposure.namesakes):
        return Exposure(refusal=NAMESAKE)
    if mine.contends and evidence.exposure.namesake_left:
        return Exposure(refusal=NAMESAKE, changes_in_s=LET_GO_S)
    return None


def _taken(expose: Expose, other: str) -> Finding:
    """Whose it is stays unsaid where that is another namespace."""
    where = f"{expose.host}{expose.path or ROOT}"
    words = (
        f"{where} belongs to Webservice '{other}', which has had it for longer."
        if other
        else f"Host {expose.host} belongs to a Webservice of another namespace, which has had it "
        "for longer; a host is not shared between namespaces."
    )
    remedy = "Choose another host or path in spec.expose. It is taken over once it is free."
    return Finding(Reason.HOST_TAKEN, FailureClass.USER, words, remedy)


def _left_over(expose: Expose) -> Finding:
    """Controllers give a host to the oldest that names it: requests, and keys, would go there."""
    words = (
        f"Host {expose.host} is free, and an Ingress or HTTPRoute that Fairlead has made in "
        "another namespace still leads from it to the Webservice that had it before."
    )
    remedy = (
        "It is taken over once that is gone, which takes seconds. Where it stays, its Webservice "
        "was deleted with --cascade=orphan, or a finalizer holds it: ask whoever runs the cluster "
        "to delete it (kubectl get ingress,httproute -A -l app.kubernetes.io/managed-by=fairlead), "
        "or choose another host."
    )
    return Finding(Reason.HOST_TAKEN, FailureClass.USER, words, remedy)


NAMESAKE = Finding(
    Reason.NAMESAKE_EXPOSED,
    FailureClass.USER,
    "The name of this Webservice and that of its namespace, joined with '-', are those of another "
    "Webservice, which has an Ingress for longer. Controllers of Ingresses call Services so, and "
    "would send the requests of both, and their keys, to one of the two.",
    "Give the Webservice another name, or use type HTTPRoute. It is exposed once the other's "
    "Ingress is gone.",
)
NO_ROUTES = Finding(
    Reason.GATEWAY_API_MISSING,
    FailureClass.INFRASTRUCTURE,
    "The cluster knows no HTTPRoutes: the definitions of the Gateway API are not installed.",
    "Ask whoever runs the cluster to install them (https://gateway-api.sigs.k8s.io), or use type "
    "Ingress. It is looked at again each minute.",
)


def _pending(evidence: WebserviceEvidence, owned: Ownership, got: Exposure) -> str:
    """What is still waited for, in words; empty where requests arrive."""
    name = evidence.webservice.name
    if got.granted.ingress_class:
        live = owned.ours.get(INGRESS.key)
        if live is None or not balancer_address(live):
            return (
                f"Ingress '{name}' of class '{got.granted.ingress_class}' has no address yet: no "
                f"controller has taken it (see `kubectl describe ingress {name}`). Until then the "
                "service is reached from inside of the cluster alone."
            )
        path = got.held.path if got.held else ROOT
        through = evidence.webservice.spec.fronted is None or _fronts(owned)
        return "" if path == ROOT or through else f"No front is ready yet, which '{path}' needs."
    live = owned.ours.get(HTTP_ROUTE.key)
    if any(_accepted(parent, live) for parent in _parents(live, got)):
        return ""
    return (
        f"HTTPRoute '{name}' is not accepted yet by Gateway '{got.granted.gateway}': its "
        f"controller has not said so (see `kubectl describe httproute {name}`). Until then the "
        "service is reached from inside of the cluster alone."
    )


def _refused_by_gateway(
    evidence: WebserviceEvidence, owned: Ownership, got: Exposure
) -> Finding | None:
    """What the Gateway's controller says against the route."""
    live = owned.ours.get(HTTP_ROUTE.key)
    parents = _parents(live, got)
    if any(_accepted(parent, live) for parent in parents):
        return None
    said = next((c for parent in parents for c in _current(parent, live) if _false(c)), None)
    if said is None:
        return None
    why = f"{said.get('reason', 'no reason')}: {said.get('message', '')}".rstrip(": ")
    words = (
        f"Gateway '{got.granted.gateway}' does not take HTTPRoute '{evidence.webservice.name}': "
        f"{redacted(why)}"
    )
    remedy = (
        "Its listeners must let in routes of this namespace, and hosts such as "
        f"{got.held.host if got.held else 'this'}: ask whoever runs the Gateway."
    )
    return Finding(Reason.ROUTE_REFUSED, FailureClass.DEPENDENCY, words, remedy)


def _parents(live: ChildEvidence | None, got: Exposure) -> Sequence[Manifest]:
    """What controllers say of our route at our Gateway."""
    namespace, _, name = got.granted.gateway.partition("/")
    if live is None or not name:
        return ()
    parents: list[Manifest] = live.status.get("parents", [])
    here = {"namespace": namespace, "name": name}
    home = live.metadata["namespace"]
    return [
        parent for parent in parents if {"namespace": home, **parent.get("parentRef", {})} == here
    ]


def _current(parent: Manifest, live: ChildEvidence | None) -> Iterator[Manifest]:
    """The conditions that are about the route as it is now."""
    generation = live.metadata.get("generation", 0) if live else 0
    for condition in parent.get("conditions", []):
        if condition.get("observedGeneration", generation) >= generation:
            yield condition


def _accepted(parent: Manifest, live: ChildEvidence | None) -> bool:
    found = {c.get("type"): c.get("status") for c in _current(parent, live)}
    return all(found.get(type_) == "True" for type_ in TAKEN_IN)


def _false(condition: Manifest) -> bool:
    return condition.get("type") in TAKEN_IN and condition.get("status") == "False"


def _fronts(owned: Ownership) -> bool:
    return FRONT_DEPLOYMENT.key in owned.ours and bool(
        owned.ours[FRONT_DEPLOYMENT.key].status.get("readyReplicas")
    )


def _where(owned: Ownership) -> str:
    live = owned.ours.get(INGRESS.key)
    at = balancer_address(live) if live else ""
    return f", where DNS leads it to {at}" if at else ""
