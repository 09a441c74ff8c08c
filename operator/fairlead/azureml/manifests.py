"""v1's objects as Fairlead's: typed specs, and the manifests with them. Pure."""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from fairlead.api.fields import MAX_PATH_CHARS
from fairlead.api.inferenceimage import InferenceImageSpec
from fairlead.api.meta import API_VERSION, INFERENCE_IMAGE, MODEL, WEBSERVICE, Kind
from fairlead.api.model import ModelSpec
from fairlead.api.refs import Manifest
from fairlead.api.webservice import WebserviceSpec
from fairlead.api.wire import Wire
from fairlead.azureml.environment import ContainerRegistry
from fairlead.azureml.exceptions import InvalidConfigurationError
from fairlead.azureml.names import object_name
from fairlead.azureml.tags import texts

MANAGED_BY = "app.kubernetes.io/managed-by"
MADE_HERE = "fairlead-azureml"
PART_OF = "fairlead.dev/azureml"  # label: the object that a ConfigMap or a Secret belongs to
ABOUT = (
    "fairlead.dev/azureml"  # annotation: what v1 says of an image, and its spec has no field for
)
MAX_INLINE_FILES, MAX_INLINE_CHARS = 64, 131_072  # as the schema bounds them
MAX_INLINE_BYTES = 600_000  # of all files together: an object has at most 1.5 MiB in etcd
MAX_CONFIG_MAP_BYTES = 1_000_000
DIGEST_CHARS = 10
Spec = TypeVar("Spec", bound=BaseModel)


@dataclass(frozen=True)
class ModelWanted:
    """A model to register: ``source`` is that of the spec."""

    name: str
    source: Mapping[str, Any]
    unpack: bool = False
    framework: str | None = None
    framework_version: str | None = None
    description: str | None = None
    tags: Mapping[str, str] | None = None
    properties: Mapping[str, str] | None = None


@dataclass(frozen=True)
class ImageWanted:
    """An image to build. ``models``: objects' names with their versions; ``fields``: those of the
    spec that name files of the source."""

    name: str
    files: Mapping[str, bytes]
    fields: Mapping[str, str]
    models: Sequence[tuple[str, int | None]] = ()
    base_image: str | None = None
    registry: ContainerRegistry | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    about: Mapping[str, Any] = field(default_factory=dict)
    profile: Mapping[str, Any] | None = None


def model_spec(wanted: ModelWanted) -> ModelSpec:
    """Raises ``InvalidConfigurationError`` with all that is wrong."""
    fields = {
        "modelName": wanted.name,
        "source": dict(wanted.source),
        "unpack": wanted.unpack or None,
        "framework": wanted.framework,
        "frameworkVersion": wanted.framework_version,
        "description": wanted.description,
        "tags": texts(wanted.tags),
        "properties": texts(wanted.properties),
    }
    return _valid(ModelSpec, fields, f"The model '{wanted.name}'")


def image_spec(wanted: ImageWanted, source: Mapping[str, Any]) -> InferenceImageSpec:
    """Raises ``InvalidConfigurationError`` with all that is wrong."""
    models = [
        {"name": name, **({"version": version} if version else {})}
        for name, version in wanted.models
    ]
    secret = {"name": registry_secret_name(wanted.name)} if has_login(wanted.registry) else None
    fields = {
        **wanted.fields,
        "source": dict(source),
        "models": models or None,
        "baseImage": _base_image(wanted),
        "environmentVariables": dict(wanted.variables) or None,
        "pullSecretRef": secret,
        "profile": wanted.profile,
    }
    return _valid(InferenceImageSpec, fields, f"The image '{wanted.name}'")


def service_spec(name: str, image: Mapping[str, Any], fields: Mapping[str, Any]) -> WebserviceSpec:
    """``image``: the field of the spec that says what is served. Raises
    ``InvalidConfigurationError`` with all that is wrong."""
    tags = {"tags": texts(fields.get("tags"))}
    return _valid(WebserviceSpec, {**image, **fields, **tags}, f"The service '{name}'")


def manifest(kind: Kind, namespace: str, name: str, spec: Wire) -> Manifest:
    """What the API takes."""
    return {
        "apiVersion": API_VERSION,
        "kind": kind.kind,
        "metadata": {"name": name, "namespace": namespace, "labels": {MANAGED_BY: MADE_HERE}},
        "spec": spec.model_dump(by_alias=True, exclude_unset=True, exclude_none=True, mode="json"),
    }


def model_manifest(wanted: ModelWanted, namespace: str) -> Manifest:
    return manifest(MODEL, namespace, object_name(wanted.name), model_spec(wanted))


def image_manifests(wanted: ImageWanted, namespace: str) -> list[Manifest]:
    """The InferenceImage, after what it refers to."""
    name, before = object_name(wanted.name), list[Manifest]()
    if wanted.registry is not None and has_login(wanted.registry):
        before.append(registry_secret(wanted.name, wanted.registry, namespace))
    if inline_fits(wanted.files):
        texts = {path: content.decode() for path, content in wanted.files.items()}
        source: dict[str, Any] = {"inline": {"files": texts}}
    else:
        held = config_map(INFERENCE_IMAGE, name, wanted.files, namespace)
        before.append(held)
        source = {"configMap": {"name": held["metadata"]["name"]}}
    made = manifest(INFERENCE_IMAGE, namespace, name, image_spec(wanted, source))
    about = {key: value for key, value in wanted.about.items() if value}
    made["metadata"]["annotations"] = {ABOUT: json.dumps({"name": wanted.name, **about})}
    return [*before, made]


def service_manifest(
    name: str, image: Mapping[str, Any], fields: Mapping[str, Any], namespace: str
) -> Manifest:
    return manifest(WEBSERVICE, namespace, name, service_spec(name, image, fields))


def config_map(kind: Kind, owner: str, files: Mapping[str, bytes], namespace: str) -> Manifest:
    """Named after its content: another content makes another one. ``owner`` is an object's name.

    Raises ``InvalidConfigurationError`` where a ConfigMap cannot hold the files.
    """
    _check_config_map(files)
    sha256 = hashlib.sha256()
    for path in sorted(files):
        sha256.update(f"{path}\0{len(files[path])}\0".encode() + files[path])
    data = {path: base64.b64encode(content).decode() for path, content in sorted(files.items())}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": f"{owner}-{kind.short}-{sha256.hexdigest()[:DIGEST_CHARS]}",
            "namespace": namespace,
            "labels": {MANAGED_BY: MADE_HERE, PART_OF: part_of(kind, owner)},
        },
        "binaryData": data,
    }


def registry_secret(image: str, registry: ContainerRegistry, namespace: str) -> Manifest:
    """With what the base image is pulled."""
    login = f"{registry.username}:{registry.password}".encode()
    auth = {"auth": base64.b64encode(login).decode()}
    content = json.dumps({"auths": {str(registry.address): auth}}).encode()
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": registry_secret_name(image),
            "namespace": namespace,
            "labels": {MANAGED_BY: MADE_HERE},
        },
        "type": "kubernetes.io/dockerconfigjson",
        "data": {".dockerconfigjson": base64.b64encode(content).decode()},
    }


def part_of(kind: Kind, name: str) -> str:
    """The label's value: which object something belongs to."""
    return f"{kind.short}.{name}"


def registry_secret_name(image: str) -> str:
    return f"{object_name(image)}-base-image-registry"


def has_login(registry: ContainerRegistry | None) -> bool:
    return registry is not None and bool(registry.username and registry.password)


def inline_fits(files: Mapping[str, bytes]) -> bool:
    """Whether the files can stand in the object itself."""
    if len(files) > MAX_INLINE_FILES or sum(map(len, files.values())) > MAX_INLINE_BYTES:
        return False
    return all(len(content) <= MAX_INLINE_CHARS and _is_text(content) for content in files.values())


def replacing(old: Any, new: Any) -> Any:
    """The JSON merge patch (RFC 7386) that makes ``new`` of ``old``."""
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return new
    gone = {key: None for key in old if key not in new}
    changed = {
        key: replacing(old.get(key), value) for key, value in new.items() if old.get(key) != value
    }
    return {**gone, **changed}


def _base_image(wanted: ImageWanted) -> str | None:
    """v1 gave the registry apart, and took a name with or without it."""
    image, registry = wanted.base_image, wanted.registry
    if not (image and registry and registry.address):
        return image
    address = registry.address.removeprefix("https://").strip("/")
    return image if image.startswith(f"{address}/") else f"{address}/{image}"


def _check_config_map(files: Mapping[str, bytes]) -> None:
    nested = sorted(path for path in files if "/" in path or len(path) > MAX_PATH_CHARS - 2)
    size = sum(map(len, files.values()))
    if nested:
        raise InvalidConfigurationError(
            f"{len(files)} files with {size:,} bytes, in folders ({nested[0]}), cannot be given to "
            "the cluster as they are: more than 64 files, 600 KB, or a file that is no text. "
            "Leave out what the script does not need; register data as a model; or put the source "
            "into git, and name it in an InferenceImage (docs/code-sources.md)."
        )
    if size > MAX_CONFIG_MAP_BYTES:
        raise InvalidConfigurationError(
            f"The files have {size:,} bytes, and a ConfigMap holds {MAX_CONFIG_MAP_BYTES:,}. "
            "Register data as a model, or put the source into git and name it in an InferenceImage "
            "(docs/code-sources.md)."
        )


def _valid(type_: type[Spec], fields: Mapping[str, Any], what: str) -> Spec:
    given = {name: value for name, value in fields.items() if value is not None}
    try:
        return type_.model_validate(given)
    except ValidationError as error:
        problems = error.errors(include_input=False, include_url=False, include_context=False)
        told = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in problems)
        raise InvalidConfigurationError(f"{what} is not valid: {told}.") from error


def _is_text(content: bytes) -> bool:
    try:
        return "\0" not in content.decode()
    except UnicodeDecodeError:
        return False
