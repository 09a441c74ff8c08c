"""Manifests as `kubectl apply` takes them, read into what a local service is made from."""

import base64
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from fairlead.api.inferenceimage import ImageModel, InferenceImageSpec
from fairlead.api.meta import API_VERSION, INFERENCE_IMAGE, MODEL, WEBSERVICE, Kind
from fairlead.api.model import ModelSpec
from fairlead.api.reasons import Reason
from fairlead.api.refs import Manifest
from fairlead.api.webservice import WebserviceSpec
from fairlead.finding import listed, shown
from fairlead.inputs.bounded_yaml import LOADER, excess
from fairlead.local.asked import Asked
from fairlead.local.deployment import Wanted, WantedModel
from fairlead.local.errors import LocalError, refusal
from fairlead.local.files import Files, read_bytes

SUFFIXES = (".yaml", ".yml", ".json")
MAX_DEPTH, MAX_EVENTS = 100, 500_000
KUSTOMIZE_TIMEOUT_S = 120.0  # seconds: a remote base is fetched
MAX_PROBLEMS = 12
CONFIG_MAP_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")
Spec = TypeVar("Spec", bound=BaseModel)


@dataclass(frozen=True)
class Objects:
    """What the manifests hold, by name. Of other kinds nothing is needed here."""

    models: Mapping[str, ModelSpec] = field(default_factory=dict)
    images: Mapping[str, InferenceImageSpec] = field(default_factory=dict)
    services: Mapping[str, WebserviceSpec] = field(default_factory=dict)
    config_maps: Mapping[str, Files] = field(default_factory=dict)


def read_manifests(asked: Asked) -> Objects:
    """Read the files of `-f` and what `-k` makes. Raises ``LocalError``."""
    return objects_of(read_documents(asked))


def read_documents(asked: Asked) -> list[tuple[str, Manifest]]:
    """All objects of these files, each with the file that it is from. Raises ``LocalError``."""
    texts = [(str(path), _text(path)) for path in _paths(asked.manifests)]
    if asked.kustomization:
        texts.append((asked.kustomization, _kustomized(asked.kustomization)))
    return [one for place, text in texts for one in _documents(place, text)]


def objects_of(documents: Sequence[tuple[str, Manifest]]) -> Objects:
    """``documents``: each with the file that it is from, for messages. Raises ``LocalError``."""
    return Objects(
        models=dict(_specs(documents, MODEL, ModelSpec)),
        images=dict(_specs(documents, INFERENCE_IMAGE, InferenceImageSpec)),
        services=dict(_specs(documents, WEBSERVICE, WebserviceSpec)),
        config_maps={
            _name(place, one): _config_map(place, one)
            for place, one in documents
            if (one.get("apiVersion"), one.get("kind")) == ("v1", "ConfigMap")
        },
    )


def wanted_of(objects: Objects, asked: Asked) -> Wanted:
    """The one service that is meant. Raises ``LocalError``."""
    name, service = _chosen(objects, asked.service)
    image_name = service.image_ref.name if service.image_ref else ""
    image = objects.images.get(image_name)
    if image is None:
        raise _no_image(name, image_name, objects)
    return Wanted(
        name=name,
        image_name=image_name,
        image=image,
        files=_source(image_name, image, objects),
        service=service,
        models=tuple(_model(one, objects) for one in image.models),
    )


def _chosen(objects: Objects, asked: str | None) -> tuple[str, WebserviceSpec]:
    """A Webservice; where there is none of the name, one that serves the InferenceImage."""
    known = dict(objects.services)
    served = {service.image_ref.name for service in known.values() if service.image_ref}
    for name in objects.images:
        if name not in served:
            ref: Any = {"image_ref": {"name": name}}
            known.setdefault(name, WebserviceSpec.model_validate(ref))
    if asked in known:
        return asked, known[asked]
    if asked is None and len(known) == 1:
        return next(iter(known.items()))
    there = listed(sorted(known)) if known else "no Webservice and no InferenceImage"
    what = "one of them is to be named" if asked is None else f"'{asked}' is not among them"
    raise refusal(
        Reason.SERVICE_NOT_FOUND,
        f"The manifests have {there}; {what}." if known else f"The manifests have {there}.",
        "Name the one that is meant: fairlead local deploy NAME."
        if known
        else "Give the file with the InferenceImage, too; -f takes a folder as well.",
    )


def _no_image(name: str, image_name: str, objects: Objects) -> LocalError:
    if not image_name:
        return refusal(
            Reason.IMAGE_NOT_FOUND,
            f"Webservice '{name}' names an image (spec.image), which was built elsewhere.",
            "A local service is made from an InferenceImage: name it in spec.imageRef.",
        )
    there = listed(sorted(objects.images)) if objects.images else "none"
    return refusal(
        Reason.IMAGE_NOT_FOUND,
        f"Webservice '{name}' serves InferenceImage '{image_name}'; the manifests have {there}.",
        "Give its file, too (-f), or correct spec.imageRef.",
    )


def _source(name: str, image: InferenceImageSpec, objects: Objects) -> Files:
    if image.source.inline:
        return {path: text.encode() for path, text in image.source.inline.files.items()}
    if image.source.config_map:
        where = f"spec.source of InferenceImage '{name}'"
        return _files_of(image.source.config_map.name, where, objects)
    raise refusal(
        Reason.FILE_UNREADABLE,
        f"The source of InferenceImage '{name}' is neither inline nor a ConfigMap.",
        "Fetch it, and deploy its files: fairlead local deploy --source-directory DIR "
        "--entry-script score.py.",
    )


def _files_of(name: str, where: str, objects: Objects) -> Files:
    if name in objects.config_maps:
        return objects.config_maps[name]
    raise refusal(
        Reason.CONFIG_MAP_NOT_FOUND,
        f"{where} names ConfigMap '{name}', and it is not among the manifests.",
        "Give its file, too (-f); where a kustomization makes it, give that one's folder (-k).",
    )


def _model(wanted: ImageModel, objects: Objects) -> WantedModel:
    spec = objects.models.get(wanted.name)
    if spec is None:
        raise refusal(
            Reason.MODEL_NOT_FOUND,
            f"Model '{wanted.name}' is not among the manifests.",
            f"Give its file, too (-f), or a file of this machine: --model {wanted.name}=PATH.",
        )
    name, version = spec.model_name or wanted.name, wanted.version or 1
    if spec.source.config_map:
        where = f"spec.source of Model '{wanted.name}'"
        files = _files_of(spec.source.config_map.name, where, objects)
        return WantedModel(wanted.name, name, version, files=files, spec=spec)
    return WantedModel(wanted.name, name, version, spec=spec)


def _specs(
    documents: Iterable[tuple[str, Manifest]], kind: Kind, spec: type[Spec]
) -> Iterator[tuple[str, Spec]]:
    for place, one in documents:
        if (one.get("apiVersion"), one.get("kind")) == (API_VERSION, kind.kind):
            name = _name(place, one)
            try:
                yield name, spec.model_validate(one.get("spec") or {})
            except ValidationError as error:
                raise _invalid(place, f"{kind.kind} '{name}'", error) from error


def _invalid(place: str, what: str, error: ValidationError) -> LocalError:
    problems = error.errors(include_input=False, include_url=False, include_context=False)
    told = [
        f"spec.{'.'.join(str(step) for step in one['loc'])}: {one['msg']}"
        for one in problems[:MAX_PROBLEMS]
    ]
    message = f"{place}: {what} is not valid: {shown('; '.join(told), 1000)}."
    return refusal(Reason.INVALID_SPEC, message, "Correct these fields.")


def _name(place: str, one: Manifest) -> str:
    metadata = one.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    if not isinstance(name, str) or not name:
        what = shown(str(one.get("kind")))
        message = f"{place}: a {what} has no metadata.name."
        raise refusal(Reason.INVALID_SPEC, message, "Give it a name.")
    return name


def _config_map(place: str, one: Manifest) -> Files:
    data, binary = one.get("data") or {}, one.get("binaryData") or {}
    try:
        text = {str(name): content.encode() for name, content in data.items()}
        found = text | {str(name): base64.b64decode(content) for name, content in binary.items()}
    except (AttributeError, TypeError, ValueError) as error:
        message = f"{place}: ConfigMap '{_name(place, one)}' holds what is no text: {error}."
        remedy = "Its data are texts, its binaryData base64."
        raise refusal(Reason.INVALID_SPEC, message, remedy) from error
    _check_keys(place, one, found)
    return found


def _check_keys(place: str, one: Manifest, keys: Iterable[str]) -> None:
    """The rule of Kubernetes: keys become the names of files."""
    wrong = [key for key in keys if key in (".", "..") or not CONFIG_MAP_KEY.fullmatch(key)]
    if wrong:
        names = listed([f"'{shown(key)}'" for key in wrong[:MAX_PROBLEMS]])
        message = f"{place}: ConfigMap '{_name(place, one)}' has keys that are none: {names}."
        remedy = "A key has letters, digits, '-', '_' and '.', at most 253, and is not '.' or '..'."
        raise refusal(Reason.INVALID_SPEC, message, remedy)


def _paths(given: Iterable[str]) -> Iterator[Path]:
    for path in map(Path, given):
        if path.is_dir():
            yield from sorted(one for one in path.iterdir() if one.suffix in SUFFIXES)
        else:
            yield path


def _text(path: Path) -> str:
    try:
        return read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"{path} is no text: a manifest is YAML in UTF-8."
        remedy = "Give manifests to -f; a model goes to --model, a script to --entry-script."
        raise refusal(Reason.FILE_UNREADABLE, message, remedy) from error


def _documents(place: str, text: str) -> Iterator[tuple[str, Manifest]]:
    try:
        too_much = excess(text, MAX_DEPTH, MAX_EVENTS)
        if too_much:
            said = f"{place}:{too_much[0]} has aliases, is nested too deeply, or is too long."
            raise refusal(Reason.FILE_UNREADABLE, said, "Write it out, or in several files.")
        found = list(yaml.load_all(text, Loader=LOADER))
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{place}:{mark.line + 1}" if mark else place
        what = getattr(error, "problem", None) or str(error)
        remedy = "Correct the line; a manifest is YAML."
        raise refusal(Reason.FILE_UNREADABLE, f"{where}: {shown(what)}.", remedy) from error
    yield from ((place, one) for document in found for one in _flat(place, document))


def _flat(place: str, document: object) -> Iterator[Manifest]:
    """The objects of one document; a List holds several."""
    if document is None:
        return
    if not isinstance(document, dict):
        message = f"{place} holds no object of Kubernetes, but a {type(document).__name__}."
        raise refusal(Reason.FILE_UNREADABLE, message, "Give manifests to -f.")
    if document.get("kind") == "List":
        items = document.get("items") or []
        if not isinstance(items, list):
            message = f"{place}: the items of a List are a {type(items).__name__}."
            raise refusal(Reason.FILE_UNREADABLE, message, "Its items are a list of objects.")
        for item in items:
            yield from _flat(place, item)
    else:
        yield document


def _kustomized(folder: str) -> str:
    """What `kubectl kustomize` makes of the folder."""
    program = next(filter(None, map(shutil.which, ("kubectl", "kustomize"))), None)
    if program is None:
        message = "-k needs kubectl or kustomize, and neither is on this machine."
        remedy = "Install kubectl, or give the files one by one (-f)."
        raise refusal(Reason.PROGRAM_NOT_FOUND, message, remedy)
    verb = "build" if Path(program).name == "kustomize" else "kustomize"
    try:
        done = subprocess.run(
            [program, verb, folder],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=KUSTOMIZE_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        said = f"{Path(program).name} {verb} {folder} did not end in {KUSTOMIZE_TIMEOUT_S:.0f} s."
        remedy = "See what it fetches, and whether it can be reached."
        raise refusal(Reason.FILE_UNREADABLE, said, remedy) from error
    if done.returncode:
        said = shown(done.stderr.decode(errors="replace"), 600)
        message = f"{Path(program).name} {verb} {folder} fails: {said}"
        raise refusal(Reason.FILE_UNREADABLE, message, "Correct the kustomization.")
    return done.stdout.decode(errors="replace")
