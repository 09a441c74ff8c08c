"""`fairlead deploy`: apply, and wait until what was applied serves."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from fairlead.api.meta import MODEL
from fairlead.api.refs import Manifest, Ref
from fairlead.local.errors import LocalError
from fairlead.remote.applying import Applier, in_order, targets_of
from fairlead.remote.client import Client
from fairlead.remote.plain_manifests import DEPLOYED_FOR, unused
from fairlead.remote.rollback import leftovers
from fairlead.remote.state import mapping, mappings, number
from fairlead.remote.targets import Target
from fairlead.remote.waiting import Look, Watcher, needed

Tell = Callable[[str], None]
CHANGING = "`rollback`, `scale` or `commit`"


@dataclass
class Deployment:
    """What is applied, where, and what has become of it so far."""

    client: Client
    namespace: str
    force: bool
    tell: Tell
    applied: list[Target] = field(default_factory=list)

    def apply(self, manifests: Sequence[Manifest]) -> list[Target]:
        """In the order in which they need each other. Raises ``LocalError``."""
        applier = Applier(self.client, self.namespace, force=self.force)
        for manifest in in_order(manifests):
            target = next(iter(targets_of([manifest], self.namespace)), None)
            before = self.client.get(target.ref) if target else None
            if target is not None and before is not None and target.kind is not MODEL:
                self._take_back(target, before, manifest)
            after = applier.apply(manifest)
            name = f"{manifest['kind']} '{mapping(manifest['metadata']).get('name')}'"
            self.tell(f"{name} {_verb(before, after) if target else 'applied'}.")
            if target is not None:
                self.applied.append(target)
        return self.applied

    def _take_back(self, target: Target, present: Manifest, manifest: Manifest) -> None:
        patch = leftovers(present, manifest)
        if patch:
            self.client.merge(target.ref, patch)
            name = target.name
            self.tell(f"What {CHANGING} had changed of '{name}' is taken back.")

    def await_all(self, watcher: Watcher, timeout_s: float) -> Look:
        """Everything that was applied, and what it is made of. Raises ``LocalError``."""
        whole = list[Target]()
        for target in self.applied:
            whole += [one for one in needed(self.client, target) if one not in whole]
        order = {kind: at for at, kind in enumerate(("Model", "InferenceImage", "Webservice"))}
        whole.sort(key=lambda one: (order[one.kind.kind], one.name))
        return watcher.ready(whole, timeout_s, self.applied)


def deploy_files(
    deployment: Deployment, manifests: Sequence[Manifest], watcher: Watcher, timeout_s: float
) -> Look:
    """Models first: the image then names the versions that they got, so that what it is made of is
    known, and is what was given. Raises ``LocalError``."""
    deadline = time.monotonic() + timeout_s
    models = [one for one in manifests if one["kind"] in ("ConfigMap", MODEL.kind)]
    rest = [one for one in manifests if one not in models]
    deployment.apply(models)
    if deployment.applied:
        look = watcher.ready(list(deployment.applied), timeout_s)
        rest = [with_versions(one, look.manifests) for one in rest]
    deployment.apply(rest)
    return deployment.await_all(watcher, max(deadline - time.monotonic(), 0.0))


def with_versions(manifest: Manifest, models: Sequence[Manifest]) -> Manifest:
    """An InferenceImage that names the newest version of each of these models."""
    newest = {
        mapping(one.get("metadata")).get("name"): number(
            mapping(one.get("status")).get("latestVersion")
        )
        for one in models
    }
    named = mappings(mapping(manifest.get("spec")).get("models"))
    if not named:
        return manifest
    pinned = [
        {**one, **({"version": newest[one["name"]]} if newest.get(one["name"]) else {})}
        for one in named
    ]
    return {**manifest, "spec": {**manifest["spec"], "models": pinned}}


def forget_unused(client: Client, namespace: str, service: str, current: Sequence[Manifest]) -> int:
    """Delete ConfigMaps that an earlier deployment of plain files left. Returns how many; what may
    not be read or deleted stays."""
    collection = Ref("v1", "configmaps", namespace)
    try:
        present = client.items(collection, labelSelector=f"{DEPLOYED_FOR}={service}")
        names = unused(present, current)
        return sum(client.delete(Ref("v1", "configmaps", namespace, name)) for name in names)
    except LocalError:
        return 0


def _verb(before: Manifest | None, after: Manifest) -> str:
    if before is None:
        return "created"
    old, new = (mapping(one.get("metadata")).get("generation") for one in (before, after))
    return "unchanged" if old == new else "changed"
