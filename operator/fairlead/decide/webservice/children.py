"""A Webservice's children: what to apply and what to delete."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from fairlead.api.meta import REPLICAS_MANAGER
from fairlead.api.objects import Webservice
from fairlead.api.refs import Manifest, ref_of
from fairlead.decide.decision import Action, Apply, Delete
from fairlead.decide.webservice.drift import Drift, drift, left_alone_until
from fairlead.decide.webservice.ownership import Ownership
from fairlead.desired.autoscaler import floor_of
from fairlead.desired.child_kinds import ALL_KINDS, DEPLOYMENT, EXPOSURE_KINDS, ChildKind, Known
from fairlead.desired.exposure import NOTHING, Granted
from fairlead.evidence import ChildEvidence, ScalingSettings


@dataclass(frozen=True)
class Plan:
    """What to do with the children."""

    actions: tuple[Action, ...]
    wanted: Mapping[str, Manifest]
    """The manifests by ``ChildKind.key``."""
    first: tuple[Action, ...] = ()
    """What is done before anything that may be refused."""

    @property
    def deployment(self) -> Manifest:
        return self.wanted[DEPLOYMENT.key]

    @property
    def applies(self) -> bool:
        return any(isinstance(action, Apply) for action in self.actions)

    @property
    def changes(self) -> tuple[str, ...]:
        kinds = [a.manifest["kind"] for a in self.actions if isinstance(a, Apply)]
        return (f"applied {' '.join(dict.fromkeys(kinds))}",) if kinds else ()


def wanted_kinds(webservice: Webservice, granted: Granted = NOTHING) -> tuple[ChildKind, ...]:
    """The children that the Webservice should have."""
    known = Known(granted=granted)
    return tuple(kind for kind in ALL_KINDS if kind.wanted(webservice, known))


def plan(webservice: Webservice, known: Known, owned: Ownership, now: datetime) -> Plan:
    """Return the actions that make our children what they should be.

    What is leaving is waited for: an update of it would be lost with it. What is to go goes last:
    requests have another way by then. A host that is withdrawn goes first: whatever is refused of
    the others, which a tenant can bring about, must not keep it.
    """
    wanted = {kind.key: kind.wanted(webservice, known) for kind in ALL_KINDS}
    optional = {kind.key for kind in ALL_KINDS if kind.optional}
    moves = any(wanted[kind.key] for kind in EXPOSURE_KINDS)
    first = () if moves else tuple(withdrawn(webservice, owned, known.granted))
    actions, last = list[Action](), list[Action]()
    for key, manifest in wanted.items():
        existing = owned.ours.get(key)
        if key in owned.leaving or key in owned.taken:
            continue
        if manifest is not None:
            applies = _apply(manifest, existing, now)
            actions += (replace(one, optional=key in optional) for one in applies)
        elif existing is not None:
            last.append(_removal(existing))
    if not any(
        isinstance(one, Apply) and one.manifest["kind"] == DEPLOYMENT.kind for one in actions
    ):
        actions += _scaled_up(webservice, owned, known.scaling)
    last = [one for one in last if one not in first]
    made = {key: manifest for key, manifest in wanted.items() if manifest is not None}
    return Plan((*actions, *last), made, first)


def withdrawn(webservice: Webservice, owned: Ownership, granted: Granted) -> Iterator[Action]:
    """Where nothing may be made or changed, what is not granted any more goes all the same: whoever
    may put something in our way would keep a host by that."""
    wanted = {kind.key for kind in wanted_kinds(webservice, granted)}
    for kind in EXPOSURE_KINDS:
        existing = owned.ours.get(kind.key)
        if existing is not None and kind.key not in wanted:
            yield _removal(existing)


def _removal(existing: ChildEvidence) -> Delete:
    return Delete(ref_of(existing.manifest), existing.metadata["uid"])


def _apply(manifest: Manifest, existing: ChildEvidence | None, now: datetime) -> Iterator[Apply]:
    found = drift(manifest, existing)
    if existing is None:
        yield Apply(manifest, existing=False)
        return
    if found is Drift.NONE or (found is Drift.TAKEN and left_alone_until(existing, now)):
        return
    pinned = _pinned(manifest, existing)
    if _gives_up_replicas(manifest, existing):
        replicas = {"replicas": existing.spec.get("replicas", 1)}
        keep = {key: manifest[key] for key in ("apiVersion", "kind")}
        metadata = {key: pinned["metadata"][key] for key in ("name", "namespace", "uid")}
        held = {**keep, "metadata": metadata, "spec": replicas}
        yield Apply(held, existing=True, manager=REPLICAS_MANAGER)
    nobodys = existing.controller is None
    yield Apply(pinned, existing=True, puts_back=found is Drift.TAKEN, adopts=nobodys)


def _scaled_up(
    webservice: Webservice, owned: Ownership, settings: ScalingSettings
) -> Iterator[Action]:
    """The one time that we write the live number of replicas: up, for a spike, after the autoscaler
    was told not to go below that. The version keeps it from going down meanwhile."""
    live, wanted = owned.ours.get(DEPLOYMENT.key), webservice.spec.autoscaled
    if live is None or wanted is None or DEPLOYMENT.key in owned.leaving:
        return
    replicas, current = floor_of(wanted, settings), live.spec.get("replicas", 1)
    if 0 < current < replicas:
        metadata = {key: live.metadata[key] for key in ("name", "namespace", "uid")}
        metadata["resourceVersion"] = live.resource_version
        head = {"apiVersion": DEPLOYMENT.api_version, "kind": DEPLOYMENT.kind}
        manifest = {**head, "metadata": metadata, "spec": {"replicas": replicas}}
        yield Apply(manifest, existing=True, manager=REPLICAS_MANAGER)


def _pinned(manifest: Manifest, existing: ChildEvidence) -> Manifest:
    """The uid keeps the update from reaching another object that takes the name after the read."""
    metadata = {**manifest["metadata"], "uid": existing.metadata["uid"]}
    return {**manifest, "metadata": metadata}


def _gives_up_replicas(manifest: Manifest, existing: ChildEvidence) -> bool:
    """We own ``spec.replicas`` and want it no more: dropped, it would fall back to 1 at once.

    A second field manager takes the live value over first; the autoscaler then takes it from it.
    """
    if manifest["kind"] != DEPLOYMENT.kind or "replicas" in manifest["spec"]:
        return False
    return existing.owns_replicas
