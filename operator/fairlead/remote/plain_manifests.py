"""The three objects, made of a script, a conda file and models that lie on this machine.

What is small goes into the objects themselves, other files into ConfigMaps whose names have a hash
of their content: a changed file is a changed spec, and a new version. Pure but for reading files.
"""

import base64
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from fairlead.api.meta import API_VERSION, GROUP, INFERENCE_IMAGE, MODEL, WEBSERVICE
from fairlead.api.reasons import Reason
from fairlead.api.refs import Manifest
from fairlead.finding import shown
from fairlead.local.asked import Asked
from fairlead.local.errors import LocalError, refusal
from fairlead.local.files import MIB, folder_files, model_files, read_bytes
from fairlead.local.plain_files import MODEL_NAME, memory_limit, wanted_of_files

DEPLOYED_FOR = f"{GROUP}/deployed-for"  # label of what was made of plain files, for a service
MAX_INLINE_BYTES = 200 * 1024  # of all files in the object itself
MAX_INLINE_FILES, MAX_INLINE_FILE_CHARS = 64, 131_072
MAX_CONFIG_MAP_BYTES = 950 * 1024  # an object has 1 MiB at the most
CONFIG_MAP_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")
MAX_NAME_CHARS = 50
Files = Mapping[str, bytes]


@dataclass(frozen=True)
class Knobs:
    """What a service is asked for beside its files."""

    replicas: int | None = None
    auth: bool = True
    store: Callable[[str, Path], str] | None = None
    """Takes a model that no object can hold, and returns its address; None: it is refused."""


def plain_manifests(asked: Asked, knobs: Knobs) -> list[Manifest]:
    """In the order in which they are applied. Raises ``LocalError``."""
    files_only = asked.model_copy(update={"models": ()})
    wanted = wanted_of_files(files_only)
    name = wanted.name
    models = [_model(name, text, knobs.store) for text in asked.models]
    image = wanted.image.model_dump(by_alias=True, exclude_none=True, exclude_defaults=True)
    source, maps = _source(name, wanted.files)
    spec = {**image, "source": source, "entryScript": wanted.image.entry_script}
    if models:
        spec["models"] = [{"name": one["metadata"]["name"]} for one, _ in models]
    service = {
        "imageRef": {"name": name},
        **({"replicas": knobs.replicas} if knobs.replicas else {}),
        **({} if knobs.auth else {"auth": {"enabled": False}}),
        **({"resources": memory_limit(asked.memory)} if asked.memory else {}),
    }
    return [
        *maps,
        *(one for _, several in models for one in several),
        *(model for model, _ in models),
        _object(INFERENCE_IMAGE.kind, name, name, spec),
        _object(WEBSERVICE.kind, name, name, service),
    ]


def _object(kind: str, name: str, service: str, spec: Mapping[str, object]) -> Manifest:
    metadata = {"name": name, "labels": {DEPLOYED_FOR: service}}
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": dict(spec)}


def _source(service: str, files: Files) -> tuple[Manifest, list[Manifest]]:
    """Inline where all of it is text and small; else a ConfigMap."""
    texts = _texts(files)
    if texts is not None:
        return {"inline": {"files": texts}}, []
    made = _config_map(service, "source", files, Reason.SOURCE_TOO_LARGE, SOURCE_REMEDY)
    return {"configMap": {"name": made["metadata"]["name"]}}, [made]


SOURCE_REMEDY = (
    "Put the source into git or into an archive at an address, and name that in the manifest of an "
    "InferenceImage (source.git, source.uri): docs/code-sources.md."
)
MODEL_REMEDY = (
    "Let it be pushed to a registry that the cluster can read: --model-repository "
    "REGISTRY/PATH (docker login before that). Or put it where the cluster can fetch it, and give "
    "its address: --model NAME=https://… (s3://, gs://, abfss://, hf://, oci:// as well): "
    "docs/model-sources.md."
)


def _texts(files: Files) -> dict[str, str] | None:
    if len(files) > MAX_INLINE_FILES or sum(map(len, files.values())) > MAX_INLINE_BYTES:
        return None
    try:
        texts = {path: content.decode() for path, content in files.items()}
    except UnicodeDecodeError:
        return None
    fits = all(len(text) <= MAX_INLINE_FILE_CHARS and "\0" not in text for text in texts.values())
    return texts if fits else None


def _config_map(service: str, about: str, files: Files, reason: Reason, remedy: str) -> Manifest:
    """Raises ``LocalError`` where a ConfigMap cannot hold them."""
    size = sum(map(len, files.values()))
    wrong = [path for path in files if not CONFIG_MAP_KEY.fullmatch(path)]
    if size > MAX_CONFIG_MAP_BYTES:
        message = f"The {about} of '{service}' has {size / MIB:.1f} MiB: an object holds 0.9 MiB."
        raise refusal(reason, message, remedy)
    if wrong:
        message = f"The {about} of '{service}' has folders, or names such as '{shown(wrong[0])}'."
        raise refusal(reason, f"{message} A ConfigMap holds plain files.", remedy)
    digest = hashlib.sha256()
    for path, content in sorted(files.items()):
        digest.update(f"{path}\0{len(content)}\0".encode() + content)
    name = f"{_name(f'{service}-{about}', MAX_NAME_CHARS)}-{digest.hexdigest()[:10]}"
    data = {path: base64.b64encode(content).decode() for path, content in files.items()}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "labels": {DEPLOYED_FOR: service}},
        "binaryData": data,
    }


def _model(
    service: str, text: str, store: Callable[[str, Path], str] | None
) -> tuple[Manifest, list[Manifest]]:
    """`NAME=PATH`, `NAME=ADDRESS` or one of them alone. Raises ``LocalError``."""
    before, equals, after = text.partition("=")
    if not equals or "://" in before:
        before, after = text.rpartition("/")[2], text
    if not MODEL_NAME.fullmatch(before):
        said = (
            f"'{shown(before)}' cannot be the name of a model: letters, digits, '.', '_' and '-'."
        )
        raise refusal(Reason.INVALID_SPEC, said, "Name it: --model NAME=PATH.")
    name = _name(f"{service}-{before}", MAX_NAME_CHARS)
    if "://" not in after and store is not None and _is_large(Path(after)):
        after = store(name, Path(after))
    if "://" in after:
        return _object(
            MODEL.kind, name, service, {"modelName": before, "source": {"uri": after}}
        ), []
    files = _model_files(Path(after))
    made = _config_map(name, "model", files, Reason.MODEL_TOO_LARGE, MODEL_REMEDY)
    made["metadata"]["labels"] = {DEPLOYED_FOR: service}
    source = {"configMap": {"name": made["metadata"]["name"]}}
    return _object(MODEL.kind, name, service, {"modelName": before, "source": source}), [made]


def _is_large(path: Path) -> bool:
    """Whether no ConfigMap holds it: too many bytes, or a folder with folders."""
    files = [one for one in model_files(path) if one.is_file()]
    deep = any(one.parent != path for one in files) if path.is_dir() else False
    return deep or sum(one.stat().st_size for one in files) > MAX_CONFIG_MAP_BYTES


def _model_files(path: Path) -> Files:
    if path.is_dir():
        return folder_files(path)
    try:
        return {path.name: read_bytes(path)}
    except LocalError as error:
        if error.finding.reason == Reason.FILE_UNREADABLE and path.is_file():
            raise refusal(Reason.MODEL_TOO_LARGE, error.finding.message, MODEL_REMEDY) from error
        raise


def _name(text: str, most: int) -> str:
    """A name for an object, made of what people call it."""
    plain = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    if len(plain) <= most:
        return plain
    mark = hashlib.sha256(text.encode()).hexdigest()[:6]
    return f"{plain[: most - 7].strip('-')}-{mark}"


def unused(present: Iterable[Manifest], current: Iterable[Manifest]) -> list[str]:
    """Names of ConfigMaps that an earlier deployment made, and that this one names no more."""
    kept = {one["metadata"]["name"] for one in current if one["kind"] == "ConfigMap"}
    names = (str(one["metadata"]["name"]) for one in present)
    return [name for name in names if name not in kept]
