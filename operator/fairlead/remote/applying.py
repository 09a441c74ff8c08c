"""Manifests, applied one after the other, by server-side apply."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fairlead.api.meta import API_VERSION, KINDS
from fairlead.api.reasons import Reason
from fairlead.api.refs import Manifest
from fairlead.finding import listed, shown
from fairlead.local.errors import refusal
from fairlead.remote.client import Client
from fairlead.remote.state import mapping, mappings
from fairlead.remote.targets import NAME, NAMESPACE, Target

FIRST = ("Namespace", "ServiceAccount", "Secret", "ConfigMap", "PersistentVolumeClaim")
OURS = tuple(kind.kind for kind in KINDS)


@dataclass(frozen=True)
class Place:
    """What the API server calls a kind, and whether its objects lie in namespaces."""

    plural: str
    namespaced: bool


class Applier:
    """Applies into ``namespace`` what names none."""

    def __init__(self, client: Client, namespace: str, *, force: bool) -> None:
        self._client, self._namespace, self._force = client, namespace, force
        self._places = dict[str, dict[str, Place]]()

    def apply(self, manifest: Manifest) -> Manifest:
        """Raises ``LocalError``."""
        kind, metadata = str(manifest["kind"]), mapping(manifest.get("metadata"))
        name = str(metadata.get("name") or "")
        if not NAME.fullmatch(name):
            message = f"A {shown(kind)} has no metadata.name that can be one: '{shown(name)}'."
            raise refusal(Reason.INVALID_SPEC, message, "Give it a name.")
        place = self._place(str(manifest["apiVersion"]), kind)
        namespace = str(metadata.get("namespace") or self._namespace)
        if not NAMESPACE.fullmatch(namespace):
            message = f"'{shown(namespace)}' cannot be the namespace of {shown(kind)} '{name}'."
            raise refusal(Reason.INVALID_SPEC, message, "Correct metadata.namespace.")
        inside = f"namespaces/{namespace}/" if place.namespaced else ""
        path = f"{root(str(manifest['apiVersion']))}/{inside}{place.plural}/{name}"
        placed = {**metadata, **({"namespace": namespace} if place.namespaced else {})}
        query = {"force": "true"} if self._force else {}
        body = {**manifest, "metadata": placed}
        return self._client.apply(path, body, f"Applying {shown(kind)} '{name}'", **query)

    def _place(self, api_version: str, kind: str) -> Place:
        if api_version == API_VERSION:
            found = next((one for one in KINDS if one.kind == kind), None)
            if found:
                return Place(found.plural, namespaced=True)
        if api_version not in self._places:
            self._places[api_version] = self._discovered(api_version)
        place = self._places[api_version].get(kind)
        if place is None:
            message = f"The cluster has no kind {shown(kind)} in {shown(api_version)}."
            raise refusal(Reason.KIND_UNKNOWN, message, "Correct kind and apiVersion.")
        return place

    def _discovered(self, api_version: str) -> dict[str, Place]:
        what = f"Asking for the kinds of {shown(api_version)}"
        answer = self._client.json("GET", root(api_version), what)
        return {
            str(one.get("kind")): Place(str(one.get("name")), bool(one.get("namespaced")))
            for one in mappings(answer.get("resources"))
            if "/" not in str(one.get("name"))
        }


def root(api_version: str) -> str:
    """Raises ``LocalError``: it may not be one."""
    group, slash, version = api_version.partition("/")
    if not all(NAME.fullmatch(part) for part in ((group, version) if slash else (group,))):
        message = f"'{shown(api_version)}' cannot be an apiVersion."
        raise refusal(Reason.INVALID_SPEC, message, "Correct the manifest.")
    return f"/apis/{api_version}" if slash else f"/api/{api_version}"


def checked_document(place: str, document: Manifest) -> Manifest:
    """One that says what it is. Raises ``LocalError``."""
    metadata = document.get("metadata")
    named = isinstance(metadata, dict) and isinstance(metadata.get("name"), str)
    if isinstance(document.get("apiVersion"), str) and isinstance(document.get("kind"), str):
        if named:
            return document
        what = f"a {shown(document['kind'])} has no metadata.name"
    else:
        what = "an object has no apiVersion, or no kind"
    raise refusal(Reason.INVALID_SPEC, f"{place}: {what}.", "Correct the manifest.")


def check_namespaces(manifests: Iterable[Manifest], namespace: str) -> None:
    """As kubectl: what a manifest names is not applied elsewhere, nor elsewhere than was asked.

    Raises ``LocalError``, which tells all that name another namespace.
    """
    others = [
        f"{one['kind']} '{metadata.get('name')}' ({metadata['namespace']})"
        for one in manifests
        if (metadata := mapping(one.get("metadata"))).get("namespace") not in (None, "", namespace)
    ]
    if others:
        message = (
            f"Not of namespace '{namespace}', as --namespace says: {shown(listed(others), 600)}."
        )
        remedy = "Leave --namespace out, or metadata.namespace."
        raise refusal(Reason.INVALID_SPEC, message, remedy)


def in_order(manifests: Iterable[Manifest]) -> list[Manifest]:
    """What others name comes first; else as given."""

    def rank(manifest: Manifest) -> int:
        kind = manifest.get("kind")
        if kind in FIRST:
            return FIRST.index(str(kind))
        return len(FIRST) + (1 + OURS.index(str(kind)) if kind in OURS else 0)

    return sorted(manifests, key=rank)


def targets_of(manifests: Sequence[Manifest], namespace: str) -> list[Target]:
    """Those of ours, with the namespace that each names."""
    kinds = {kind.kind: kind for kind in KINDS}
    return [
        Target(
            kinds[str(one["kind"])],
            str(mapping(one["metadata"]).get("namespace") or namespace),
            str(one["metadata"]["name"]),
        )
        for one in manifests
        if one.get("apiVersion") == API_VERSION and one.get("kind") in kinds
    ]
