"""The objects of a workspace's namespace: what is asked of the Kubernetes API, and no more."""

from collections.abc import Sequence
from typing import Protocol

from fairlead.api.meta import API_VERSION, Kind
from fairlead.api.refs import PLURALS, Manifest, Ref, ref_of
from fairlead.azureml.exceptions import WebserviceException

TRIES = 20


class ConflictError(WebserviceException):
    """The object was written by somebody else since it was read."""


class Objects(Protocol):
    """All of it raises ``WebserviceException``."""

    @property
    def namespace(self) -> str: ...

    def get(self, ref: Ref) -> Manifest | None: ...

    def items(self, ref: Ref, selector: str = "") -> Sequence[Manifest]: ...

    def create(self, manifest: Manifest) -> Manifest: ...

    def merge(self, ref: Ref, patch: Manifest) -> Manifest:
        """A JSON merge patch. Raises ``ConflictError`` where it names another resourceVersion."""
        ...

    def delete(self, ref: Ref) -> bool:
        """False where it was gone already."""
        ...

    def make_namespace(self) -> bool:
        """False where it is there already."""
        ...

    def logs(self, service: str, lines: int, *, init: bool) -> str:
        """The last lines of each replica."""
        ...

    def replace_key(self, service: str, key: str, *, primary: bool) -> None:
        """Write it into the service's Secret; return once every replica takes it."""
        ...

    def score(self, service: str, body: bytes) -> bytes:
        """Send a request with a key, by whichever way reaches it from here."""
        ...


def ours(objects: Objects, kind: Kind, name: str = "") -> Ref:
    """Where one of Fairlead's objects lives, or all of a kind."""
    return Ref(API_VERSION, kind.plural, objects.namespace, name)


def plain(objects: Objects, kind: str, name: str = "") -> Ref:
    """Where one of Kubernetes' own lives."""
    return Ref("v1", PLURALS[kind], objects.namespace, name)


def put(objects: Objects, manifest: Manifest, generation: int | None = None) -> Manifest:
    """Create the object, or make its spec what the manifest says, whoever made it.

    ``generation`` is that of the spec that the manifest was made from. Raises ``ConflictError``
    where somebody else has changed the spec since, or does so at the same time.
    """
    ref = ref_of(manifest)
    for _ in range(TRIES):
        known = objects.get(ref)
        if known is None:
            return objects.create(manifest)
        now = known["metadata"].get("generation")
        if generation is not None and now != generation:
            break
        generation = now
        try:
            return _changed(objects, ref, known, manifest)
        except ConflictError:  # its status may have been written meanwhile, which is no conflict
            continue
    raise ConflictError(
        f"{manifest['kind']} '{ref.name}' is being changed by somebody else: look at it, and try "
        "again."
    )


def _changed(objects: Objects, ref: Ref, known: Manifest, manifest: Manifest) -> Manifest:
    from fairlead.azureml.manifests import replacing

    parts = [part for part in ("spec", "data", "binaryData") if part in manifest]
    changed: Manifest = {part: replacing(known.get(part) or {}, manifest[part]) for part in parts}
    annotations = manifest["metadata"].get("annotations") or {}
    metadata = {"resourceVersion": known["metadata"].get("resourceVersion")}
    if annotations:
        metadata["annotations"] = annotations
    return objects.merge(ref, {"metadata": metadata, **changed})


def owner_of(owner: Manifest) -> Manifest:
    """What makes another object go with this one."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
    }


def put_all(objects: Objects, manifests: Sequence[Manifest]) -> Manifest:
    """The last one is the object that the others belong to: they go with it."""
    *before, last = manifests
    for one in before:
        put(objects, one)
    made = put(objects, last)
    for one in before:
        objects.merge(ref_of(one), {"metadata": {"ownerReferences": [owner_of(made)]}})
    return made


def remove_former(objects: Objects, selector: str, kept: str | None) -> None:
    """The ConfigMaps that held an earlier content."""
    for one in objects.items(plain(objects, "ConfigMap"), selector):
        name = str(one["metadata"]["name"])
        if name != kept:
            objects.delete(plain(objects, "ConfigMap", name))


def absent(what: str, name: str, objects: Objects) -> WebserviceException:
    return WebserviceException(
        f"{what}NotFound: {what} with name {name} not found in provided workspace (namespace "
        f"'{objects.namespace}')."
    )
