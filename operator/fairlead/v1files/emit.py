"""What was made, as text for kubectl, and as files of a folder for `kubectl apply -k`."""

import base64
import gzip
import io
import tarfile
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from fairlead.api.refs import Manifest
from fairlead.finding import shown
from fairlead.v1files.carried import text_of
from fairlead.v1files.conversion import Converted

HEAD = "# Made by `fairlead import`: kubectl apply -k {folder}\n"
FILES = {"Model": "model.yaml", "InferenceImage": "image.yaml", "Webservice": "service.yaml"}
KUSTOMIZATION = "kustomization.yaml"
MODE = 0o644


class _Dumper(yaml.SafeDumper):
    """Texts of several lines stand there as they are."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def objects(converted: Converted) -> list[Manifest]:
    """All that is to be applied: the ConfigMaps, and what refers to them."""
    maps = (
        _config_map(name, files, converted.namespace)
        for name, files in sorted(converted.config_maps.items())
    )
    return [*maps, *converted.manifests]


def as_text(manifests: Iterable[Manifest]) -> str:
    """Documents of YAML, as `kubectl apply -f -` takes them."""
    return "---\n".join(_dumped(one) for one in manifests)


def as_files(converted: Converted, folder: str) -> dict[str, bytes]:
    """The files of a folder by their relative paths: the form of `examples/diabetes`."""
    found = dict[str, bytes]()
    for kind, name in FILES.items():
        manifests = [one for one in converted.manifests if one["kind"] == kind]
        if manifests:
            found[name] = as_text(manifests).encode()
    listed = dict[str, list[str]]()
    for config_map, files in sorted(converted.config_maps.items()):
        place = "source" if config_map == f"{converted.name}-code" else config_map
        listed[config_map] = [f"{place}/{name}" for name in sorted(files)]
        found |= {f"{place}/{name}": content for name, content in files.items()}
    if converted.archive:
        found[f"{converted.name}-source.tar.gz"] = archive(converted.archive)
    resources = [name for name in FILES.values() if name in found]
    head = HEAD.format(folder=shown(folder))
    found[KUSTOMIZATION] = (head + _kustomization(converted, listed, resources)).encode()
    return found


def archive(files: Mapping[str, bytes]) -> bytes:
    """The same content gives the same bytes."""
    out = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=out, mode="wb", mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w") as tar,
    ):
        for name, content in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), MODE
            tar.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def _kustomization(
    converted: Converted, listed: Mapping[str, list[str]], resources: list[str]
) -> str:
    content: dict[str, Any] = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
    }
    if converted.namespace:
        content["namespace"] = converted.namespace
    if listed:
        content["generatorOptions"] = {"disableNameSuffixHash": True}
        content["configMapGenerator"] = [
            {"name": name, "files": files} for name, files in listed.items()
        ]
    content["resources"] = resources
    return _dumped(content)


def _config_map(name: str, files: Mapping[str, bytes], namespace: str | None) -> Manifest:
    texts = {key: text_of(content) for key, content in sorted(files.items())}
    data = {key: text for key, text in texts.items() if text is not None}
    binary = {
        key: base64.b64encode(files[key]).decode() for key, text in texts.items() if text is None
    }
    found: Manifest = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, **({"namespace": namespace} if namespace else {})},
    }
    return found | ({"data": data} if data else {}) | ({"binaryData": binary} if binary else {})


def _dumped(content: Mapping[str, Any]) -> str:
    return str(
        yaml.dump(
            dict(content),
            Dumper=_Dumper,
            sort_keys=False,
            allow_unicode=True,
            default_flow_style=False,
            width=100,
        )
    )
