"""A workspace of a cluster: Models of its namespace, environments in its ConfigMaps."""

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairlead.api.meta import INFERENCE_IMAGE, MODEL
from fairlead.api.refs import Manifest
from fairlead.azureml.exceptions import WebserviceException
from fairlead.azureml.names import object_name
from fairlead.azureml.objects import (
    Objects,
    ours,
    plain,
    put,
    put_all,
    remove_former,
)
from fairlead.azureml.status import failure_words, mapping
from fairlead.azureml.store import ModelRecord, Registration, Versions
from fairlead.azureml.waiting import FailedError, await_ready

if TYPE_CHECKING:
    from fairlead.azureml.packing import Packed

ENVIRONMENT = "environment"
REGISTER_TIMEOUT_S = 1800.0  # seconds: what is large is fetched and stored


class ClusterStore:
    """``Store`` in a namespace. ``repository``, REGISTRY/PATH, is where models are pushed to that
    no object holds; empty: they are refused."""

    def __init__(self, objects: Objects, repository: str = "") -> None:
        self._objects, self._repository = objects, repository

    def register(self, wanted: Registration) -> ModelRecord:
        from fairlead.azureml.manifests import PART_OF, config_map, model_manifest, part_of

        name = self._object_of(wanted.name)
        before, unpack = list[Manifest](), False
        content, uri = self._given(name, wanted)
        source: Manifest = {"uri": uri}
        if content is not None:
            held = config_map(MODEL, name, content.files, self._objects.namespace)
            before.append(held)
            source, unpack = {"configMap": {"name": held["metadata"]["name"]}}, content.unpack
        made = model_manifest(_wanted(wanted, source, unpack=unpack), self._objects.namespace)
        made["metadata"]["name"] = name
        self._keep_what_is_said(made)
        put_all(self._objects, [*before, made])
        kept = before[0]["metadata"]["name"] if before else None
        remove_former(self._objects, f"{PART_OF}={part_of(MODEL, name)}", kept)
        return self._registered(name, wanted)

    def models(self) -> Sequence[ModelRecord]:
        found = [
            record
            for one in self._objects.items(ours(self._objects, MODEL))
            for record in records_of(one)
        ]
        return sorted(found, key=lambda one: (one.name, one.version))

    def fetch(self, record: ModelRecord, folder: Path, *, replace: bool) -> Path:
        from fairlead.azureml.fetching import fetched

        model = self._objects.get(ours(self._objects, MODEL, record.resource))
        if model is None:
            raise WebserviceException(f"Model '{record.resource}' is gone.")
        held = mapping(mapping(mapping(model.get("spec")).get("source")).get("configMap"))
        files = self._files(str(held["name"])) if held else {}
        return fetched(record, model, files, folder, replace=replace)

    def describe(
        self, record: ModelRecord, tags: Mapping[str, str], properties: Mapping[str, str], text: str
    ) -> None:
        from fairlead.azureml.manifests import replacing

        said = {
            "tags": replacing(dict(record.tags), dict(tags)),
            "properties": dict(properties),
            "description": text or None,
        }
        known = self._objects.get(ours(self._objects, MODEL, record.resource)) or {}
        whole = mapping(mapping(known.get("spec")).get("tags"))
        said["tags"] = replacing(dict(whole), dict(tags))
        self._objects.merge(ours(self._objects, MODEL, record.resource), {"spec": said})

    def forget(self, record: ModelRecord, *, whole: bool) -> None:
        others = [
            str(one.version)
            for one in self.models()
            if one.resource == record.resource and one.version != record.version
        ]
        if others and not whole:
            raise WebserviceException(
                f"Version {record.version} of model '{record.name}' cannot be deleted by itself: "
                f"its Model has version {', '.join(others)}, too, and they go together. "
                f"Model(ws, '{record.name}').delete() deletes them all."
            )
        users = self._users(record.resource)
        if users:
            raise WebserviceException(
                f"DeletionRequired: the model '{record.name}' is in use by images: "
                f"{', '.join(users)}. Delete these first; Image.list(ws, model_name="
                f"'{record.name}') finds them.",
                status_code=412,
            )
        self._objects.delete(ours(self._objects, MODEL, record.resource))

    def environments(self) -> Mapping[str, Versions]:
        from fairlead.azureml.manifests import PART_OF

        found = dict[str, Versions]()
        selector = f"{PART_OF}={ENVIRONMENT}"
        for one in self._objects.items(plain(self._objects, "ConfigMap"), selector):
            name, versions = _environment(one)
            found[name] = versions
        return found

    def keep_environment(self, name: str, version: str, content: Mapping[str, Any]) -> None:
        from fairlead.azureml.manifests import MADE_HERE, MANAGED_BY, PART_OF

        versions = {**self.environments().get(name, {}), version: dict(content)}
        data = {f"version-{number}": json.dumps(one) for number, one in versions.items()}
        put(
            self._objects,
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {
                    "name": f"environment-{object_name(name)}",
                    "namespace": self._objects.namespace,
                    "labels": {MANAGED_BY: MADE_HERE, PART_OF: ENVIRONMENT},
                },
                "data": {"name": name, **data},
            },
        )

    def _given(self, name: str, wanted: Registration) -> "tuple[Packed | None, str | None]":
        """The files for a ConfigMap, or the address that the model is fetched from."""
        from fairlead.azureml.packing import TooLargeError, packed
        from fairlead.azureml.pushing import pushed

        if wanted.path is None:
            return None, wanted.uri
        try:
            return packed(wanted.path), None
        except TooLargeError:
            if not self._repository:
                raise
        return None, pushed(self._repository, name, wanted.path)

    def _object_of(self, name: str) -> str:
        """The Model that has the name already, whoever made it; else the one to be."""
        known = self._objects.items(ours(self._objects, MODEL))
        found = [str(one["metadata"]["name"]) for one in known if model_name(one) == name]
        usual = object_name(name)
        return usual if usual in found or not found else found[0]

    def _keep_what_is_said(self, made: Manifest) -> None:
        """Of a model that is there, what is not given stays; properties are added to."""
        known = self._objects.get(ours(self._objects, MODEL, made["metadata"]["name"]))
        spec = mapping((known or {}).get("spec"))
        of_source = {"source", "unpack", "digest"}
        if "uri" not in made["spec"]["source"]:
            of_source.add("credentialsSecretRef")
        kept = {key: value for key, value in spec.items() if key not in of_source}
        properties = {**mapping(spec.get("properties")), **made["spec"].get("properties", {})}
        made["spec"] = {**kept, **made["spec"]}
        if properties:
            made["spec"]["properties"] = properties

    def _registered(self, name: str, wanted: Registration) -> ModelRecord:
        ref = ours(self._objects, MODEL, name)
        try:
            model = await_ready(self._objects, [ref], timeout_s=REGISTER_TIMEOUT_S)[0]
        except FailedError as error:
            raise WebserviceException(
                f"The model '{wanted.name}' cannot be stored. {failure_words(error.manifest)}"
            ) from error
        latest = mapping(model.get("status")).get("latestVersion")
        found = [one for one in records_of(model) if one.version == latest]
        if not found:
            raise WebserviceException(f"The status of Model '{name}' names no version of it.")
        return found[0]

    def _users(self, resource: str) -> list[str]:
        images = self._objects.items(ours(self._objects, INFERENCE_IMAGE))
        return sorted(
            str(one["metadata"]["name"])
            for one in images
            if any(
                mapping(model).get("name") == resource
                for model in mapping(one.get("spec")).get("models") or ()
            )
        )

    def _files(self, config_map: str) -> dict[str, bytes]:
        held = self._objects.get(plain(self._objects, "ConfigMap", config_map))
        if held is None:
            raise WebserviceException(f"ConfigMap '{config_map}' with the model's files is gone.")
        text = {key: str(one).encode() for key, one in (held.get("data") or {}).items()}
        binary = held.get("binaryData") or {}
        return {**text, **{key: base64.b64decode(one) for key, one in binary.items()}}


def model_name(model: Mapping[str, Any]) -> str:
    """The name that scripts ask for."""
    metadata = mapping(model.get("metadata"))
    return str(mapping(model.get("spec")).get("modelName") or metadata.get("name"))


def records_of(model: Mapping[str, Any]) -> Iterator[ModelRecord]:
    """A record for each version that the status tells of."""
    spec, status = mapping(model.get("spec")), mapping(model.get("status"))
    for one in status.get("versions") or ():
        if not isinstance(mapping(one).get("version"), int):
            continue
        yield ModelRecord(
            name=model_name(model),
            version=one["version"],
            resource=str(mapping(model.get("metadata")).get("name")),
            created_at=_moment(one.get("registeredAt")),
            framework=spec.get("framework"),
            framework_version=spec.get("frameworkVersion"),
            description=spec.get("description"),
            tags=dict(mapping(spec.get("tags"))),
            properties=dict(mapping(spec.get("properties"))),
        )


def _wanted(wanted: Registration, source: Mapping[str, Any], *, unpack: bool) -> Any:
    from fairlead.azureml.manifests import ModelWanted

    said = ("framework", "framework_version", "description", "tags", "properties")
    given = {name: getattr(wanted, name) for name in said}
    return ModelWanted(wanted.name, source, unpack=unpack, **given)


def _environment(held: Mapping[str, Any]) -> tuple[str, Versions]:
    """What another program wrote there is left out."""
    versions = dict[str, Mapping[str, Any]]()
    data = mapping(held.get("data"))
    for key, text in data.items():
        number = str(key).removeprefix("version-")
        if number.isdigit():
            versions[number] = mapping(_json(str(text)))
    return str(data.get("name") or ""), versions


def _json(text: str) -> object:
    from fairlead.deep_json import read_json

    try:
        return read_json(text.encode())
    except ValueError:
        return {}


def _moment(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        return None
