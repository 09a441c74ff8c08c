"""`fairlead export`: the manifests of what runs, as somebody could have written them."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from fairlead.api.meta import CONFIG_MAP
from fairlead.api.refs import Manifest, Ref
from fairlead.remote.client import Client
from fairlead.remote.state import mapping, name_in
from fairlead.remote.targets import Target
from fairlead.remote.waiting import needed

FOREIGN_PREFIXES = (  # of labels and annotations: written by a tool, about the cluster it is from
    *("argocd.argoproj.io/", "kubectl.kubernetes.io/", "kustomize.toolkit.fluxcd.io/"),
    *("helm.toolkit.fluxcd.io/", "meta.helm.sh/"),
)


def exported(client: Client, target: Target, missing: Callable[[str], None]) -> Iterator[Manifest]:
    """ConfigMaps, models, image and service, in the order in which they are applied; ``missing``
    is told what is named and not there. Raises ``LocalError``."""
    found = list[Manifest]()
    for one in needed(client, target):
        manifest = client.get(one.ref)
        if manifest is None:
            missing(one.words)
        else:
            found.append(manifest)
    names = {config_map_of(manifest) for manifest in found}
    for name in sorted(filter(None, names)):
        config_map = _config_map(client, target.namespace, name)
        if config_map is None:
            missing(f"ConfigMap '{name}' of namespace '{target.namespace}'")
        else:
            yield config_map
    yield from map(cleaned, found)


def config_map_of(manifest: Mapping[str, Any]) -> str:
    source = mapping(mapping(manifest.get("spec")).get("source"))
    return name_in(mapping(source.get("configMap")).get("name"))


def _config_map(client: Client, namespace: str, name: str) -> Manifest | None:
    found = client.get(Ref("v1", CONFIG_MAP.plural, namespace, name))
    return cleaned(found) if found and found.get("kind") == CONFIG_MAP.kind else None


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
    return sorted(set(filter(None, _secrets(mapping(manifest.get("spec"))))))


def _secrets(content: object) -> Iterator[str]:
    if isinstance(content, Mapping):
        for name, inner in content.items():
            if str(name).endswith("SecretRef") and isinstance(inner, Mapping):
                yield name_in(inner.get("name"))
            elif name == "secret" and isinstance(inner, Mapping):
                yield name_in(inner.get("name") or inner.get("secretName"))
            else:
                yield from _secrets(inner)
    elif isinstance(content, list):
        for inner in content:
            yield from _secrets(inner)
