"""A Webservice's children: what to apply, what to delete, and what is not ours."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fairlead.api.meta import REPLICAS_MANAGER
from fairlead.api.objects import Webservice
from fairlead.api.refs import Manifest, ref_of
from fairlead.decide.decision import Action, Apply, Delete
from fairlead.decide.webservice.drift import needs_apply
from fairlead.desired.child_kinds import CHILD_KINDS, DEPLOYMENT
from fairlead.evidence import ChildEvidence


@dataclass(frozen=True)
class Plan:
    """What to do with the children; ``taken`` names those that another controller owns."""

    actions: tuple[Action, ...]
    taken: tuple[str, ...]
    deployment: Manifest

    @property
    def changes(self) -> tuple[str, ...]:
        kinds = [a.manifest["kind"] for a in self.actions if isinstance(a, Apply)]
        return (f"applied {' '.join(dict.fromkeys(kinds))}",) if kinds else ()


def plan(webservice: Webservice, image: str, children: Mapping[str, ChildEvidence]) -> Plan:
    """Return the actions that make the children what they should be; none where a name is taken.

    ``children`` holds what exists under the Webservice's name, by kind, whoever made it.
    """
    wanted = {kind.kind: kind.build(webservice, image) for kind in CHILD_KINDS}
    wanted_deployment = wanted[DEPLOYMENT.kind] or {}
    taken = tuple(
        f"{kind} '{children[kind].metadata['name']}'"
        for kind, manifest in wanted.items()
        if manifest and kind in children and not _ours(children[kind], webservice)
    )
    if taken:
        return Plan((), taken, wanted_deployment)
    actions = list[Action]()
    for kind, manifest in wanted.items():
        existing = children.get(kind)
        if manifest is not None:
            actions += _apply(manifest, existing)
        elif existing is not None and _ours(existing, webservice):
            actions.append(Delete(ref_of(existing.manifest), existing.metadata["uid"]))
    return Plan(tuple(actions), (), wanted_deployment)


def _apply(manifest: Manifest, existing: ChildEvidence | None) -> Iterator[Action]:
    if not needs_apply(manifest, existing):
        return
    if existing is None:
        yield Apply(manifest, existing=False)
        return
    pinned = _pinned(manifest, existing)
    if _gives_up_replicas(manifest, existing):
        replicas = {"replicas": existing.spec.get("replicas", 1)}
        keep = {key: manifest[key] for key in ("apiVersion", "kind")}
        metadata = {key: pinned["metadata"][key] for key in ("name", "namespace", "uid")}
        held = {**keep, "metadata": metadata, "spec": replicas}
        yield Apply(held, existing=True, manager=REPLICAS_MANAGER)
    yield Apply(pinned, existing=True)


def _pinned(manifest: Manifest, existing: ChildEvidence) -> Manifest:
    """The uid keeps the update from reaching another object that takes the name after the read."""
    metadata = {**manifest["metadata"], "uid": existing.metadata["uid"]}
    return {**manifest, "metadata": metadata}


def _gives_up_replicas(manifest: Manifest, existing: ChildEvidence) -> bool:
    """We own ``spec.replicas`` and want it no more: dropped, it would fall back to 1 at once.

    A second field manager takes the live value over first; the autoscaler then takes it from it.
    """
    if manifest["kind"] != "Deployment" or "replicas" in manifest["spec"]:
        return False
    return existing.owns_replicas


def _ours(existing: ChildEvidence, webservice: Webservice) -> bool:
    controller = existing.controller or {}
    return controller.get("uid") == webservice.uid
