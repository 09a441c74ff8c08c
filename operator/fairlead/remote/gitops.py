"""Which tool applies an object from Git: what is changed by hand does not last there. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fairlead.remote.state import mapping, word

ARGO_ID = "argocd.argoproj.io/tracking-id"
ARGO_INSTANCE = "argocd.argoproj.io/instance"
FLUX = {
    "kustomize.toolkit.fluxcd.io": "Kustomization",
    "helm.toolkit.fluxcd.io": "HelmRelease",
}
ARGO_MANAGERS = ("argocd-controller", "argocd-application-controller")
FLUX_MANAGERS = ("kustomize-controller", "helm-controller")


@dataclass(frozen=True)
class GitOwner:
    """``tool`` is Argo CD or Flux; ``name`` that of its application, if it is known."""

    tool: str
    name: str = ""

    @property
    def words(self) -> str:
        return f"{self.tool} ({self.name})" if self.name else self.tool


def owner_of(manifest: Mapping[str, Any]) -> GitOwner | None:
    """By the tool's own labels and annotations, or by the field manager that it applies as."""
    metadata = mapping(manifest.get("metadata"))
    labels, annotations = mapping(metadata.get("labels")), mapping(metadata.get("annotations"))
    if annotations.get(ARGO_ID):
        return GitOwner("Argo CD", f"application {word(str(annotations[ARGO_ID]).split(':')[0])}")
    if labels.get(ARGO_INSTANCE):
        return GitOwner("Argo CD", f"application {word(labels[ARGO_INSTANCE])}")
    for prefix, kind in FLUX.items():
        name, namespace = labels.get(f"{prefix}/name"), labels.get(f"{prefix}/namespace")
        if name:
            return GitOwner("Flux", f"{kind} {word(namespace)}/{word(name)}")
    return _by_manager(metadata)


def _by_manager(metadata: Mapping[str, Any]) -> GitOwner | None:
    fields = metadata.get("managedFields")
    managers = [mapping(one).get("manager") for one in fields] if isinstance(fields, list) else []
    if any(name in ARGO_MANAGERS for name in managers):
        return GitOwner("Argo CD")
    return GitOwner("Flux") if any(name in FLUX_MANAGERS for name in managers) else None


def warning(manifest: Mapping[str, Any]) -> str:
    """What is to be said before an object is changed by hand; empty where nobody owns it."""
    owner = owner_of(manifest)
    if owner is None:
        return ""
    name = word(mapping(manifest.get("metadata")).get("name"))
    return (
        f"{owner.words} applies '{name}' from Git, and will undo what is changed here: change it "
        "in Git, too."
    )
