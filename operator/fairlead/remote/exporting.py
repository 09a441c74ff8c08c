"""`fairlead export`: the manifests of what runs, as somebody could have written them."""

from collections.abc import Iterator, Mapping
from typing import Any

from fairlead.api.meta import CONFIG_MAP
from fairlead.api.refs import Manifest, Ref
from fairlead.remote.client import Client
from fairlead.remote.state import mapping, word
from fairlead.remote.targets import Target
from fairlead.remote.waiting import needed

FOREIGN_PREFIXES = (  # of labels and annotations: written by a tool, about the cluster it is from
    *("argocd.argoproj.io/", "kubectl.kubernetes.io/", "kustomize.toolkit.fluxcd.io/"),
    *("helm.toolkit.fluxcd.io/", "meta.helm.sh/"),
)


def exported(client: Client, target: Target) -> Iterator[Manifest]:
    """ConfigMaps, models, image and service, in the order in which they are applied."""
    objects = [(one, client.get(one.ref)) for one in needed(client, target)]
    found = [(one, manifest) for one, manifest in objects if manifest is not None]
    names = {config_map_of(manifest) for _, manifest in found}
    for name in sorted(filter(None, names)):
        one = _config_map(client, target.namespace, name)
        if one is not None:
            yield one
    for _, manifest in found:
        yield cleaned(manifest)


def config_map_of(manifest: Mapping[str, Any]) -> str:
    source = mapping(mapping(manifest.get("spec")).get("source"))
    return word(mapping(source.get("configMap")).get("name"))


def _config_map(client: Client, namespace: str, name: str) -> Manifest | None:
    found = client.get(Ref("v1", CONFIG_MAP.plural, namespace, name))
    return cleaned({"apiVersion": "v1", "kind": "ConfigMap", **found}) if found else None


def cleaned(manifest: Mapping[str, Any]) -> Manifest:
    """Without status, namespace and all that the cluster or a tool has added."""
    metadata = mapping(manifest.get("metadata"))
    kept: Manifest = {"name": metadata.get("name")}
    for part in ("labels", "annotations"):
        own = {
            name: value
            for name, value in mapping(metadata.get(part)).items()
            if not str(name).startswith(FOREIGN_PREFIXES)
        }
        if own:
            kept[part] = own
    head = {"apiVersion": manifest.get("apiVersion"), "kind": manifest.get("kind")}
    content = ("spec", "data", "binaryData", "immutable")
    return {
        **head,
        "metadata": kept,
        **{name: manifest[name] for name in content if name in manifest},
    }


def secrets_of(manifest: Mapping[str, Any]) -> list[str]:
    """Names of Secrets that a spec refers to: they are not exported."""
    return sorted(set(_secrets(mapping(manifest.get("spec")))))


def _secrets(content: object) -> Iterator[str]:
    if isinstance(content, Mapping):
        for name, inner in content.items():
            if str(name).endswith("SecretRef") and isinstance(inner, Mapping):
                yield word(inner.get("name"))
            elif name == "secret" and isinstance(inner, Mapping):
                yield word(inner.get("name") or inner.get("secretName"))
            else:
                yield from _secrets(inner)
    elif isinstance(content, list):
        for inner in content:
            yield from _secrets(inner)
