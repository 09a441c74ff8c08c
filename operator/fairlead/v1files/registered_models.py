"""Models that v1 had registered, as Model objects."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from fairlead.api.model import Framework
from fairlead.finding import quoted
from fairlead.redact import redacted
from fairlead.v1files.carried import MAX_FILE_BYTES, fits_config_map
from fairlead.v1files.document import Document
from fairlead.v1files.fields import Fields, Said
from fairlead.v1files.found_files import Lookup
from fairlead.v1files.names import object_name
from fairlead.v1files.notes import Notes
from fairlead.v1files.secrecy import is_secret
from fairlead.v1files.tree import Unread, clean, joined

NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{0,254}")
WRONG_NAME = (
    "provided model name is invalid. It must only consist of letters, numbers, dashes, periods, or "
    "underscores, start with a letter or number, and be between 1 and 255 characters long."
)
NOWHERE = "https://models.invalid"  # a name that no server will ever have
MAX_MODELS = 32
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://")


@dataclass(frozen=True)
class Registered:
    """``source``: a path or an address, where one was given; ``more``: what its record says."""

    name: str
    said: Said[str]
    version: int | None = None
    source: str | None = None
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ModelObject:
    """``files``: of a model that is small, and goes into a ConfigMap of this name."""

    name: str
    spec: dict[str, Any]
    files: Mapping[str, bytes] = field(default_factory=dict)


def named_model(said: Said[str], notes: Notes) -> Registered | None:
    """`NAME:VERSION` as `az` has it, or `NAME=PATH` and `NAME=ADDRESS`."""
    before, equals, source = said.value.partition("=")
    name, _, version = before.partition(":")
    if not NAME.fullmatch(name) or (version and not version.isdecimal()):
        notes.problem(said.place, f"{quoted(before)}: {WRONG_NAME}", "Write NAME:VERSION.")
        return None
    number = int(version) if version and len(version) < 10 else None  # noqa: PLR2004  (digits)
    return Registered(name, said, number, source if equals else None)


def recorded_model(document: Document, notes: Notes) -> Registered | None:
    """What `az ml model register -t` and `az ml model show` wrote."""
    fields = Fields(document, notes)
    identity = fields.text("modelId") or fields.text("id")
    name, version = fields.text("name"), fields.text("version")
    said = identity or name
    if said is None:
        what = "it names no model (modelId)"
        notes.problem(document.file, what, "Give the file of `az ml model register -t`.")
        return None
    text = said.value if identity or not version else f"{said.value}:{version.value}"
    found = named_model(Said(text, said.place), notes)
    if found is None:
        return None
    return Registered(found.name, said, found.version, None, _record(fields, notes))


def _record(fields: Fields, notes: Notes) -> dict[str, Any]:
    found = dict[str, Any]()
    framework = fields.text("framework") or fields.text("modelFramework")
    if framework and framework.value in tuple(Framework):
        found["framework"] = framework.value
        version = fields.text("frameworkVersion") or fields.text("modelFrameworkVersion")
        found |= {"frameworkVersion": version.value} if version else {}
    elif framework:
        words = f"the framework {quoted(framework.value)} is none of v1's"
        notes.remark(framework.place, words, "Set spec.framework, or leave it out.")
    description = fields.text("description")
    if description and _is_open("description", description, notes):
        found["description"] = description.value
    for block in ("tags", "properties"):
        pairs = {
            key: str(one.value)
            for key, one in fields.below(block).pairs()
            if _is_open(key, Said(str(one.value), one.place), notes)
        }
        found |= {block: pairs} if pairs else {}
    return found


def _is_open(name: str, said: Said[str], notes: Notes) -> bool:
    """Whether everybody may read it."""
    if not is_secret(name, said.value):
        return True
    words = f"{quoted(name)} seems to hold a key or a password, and is left out"
    notes.remark(said.place, words, "Keys belong in a Secret.")
    return False


def model_objects(models: list[Registered], lookup: Lookup) -> Iterator[ModelObject]:
    """One for each name; the same model named twice is one."""
    taken = set[str]()
    seen = dict[str, Registered]()
    for model in models:
        first = seen.setdefault(model.name, model)
        if first is not model:
            if first.version != model.version and None not in (first.version, model.version):
                words = f"model {quoted(model.name)} is named with two versions"
                remedy = "Make a Model of its own for each, with another name."
                lookup.notes.problem(model.said.place, words, remedy)
            continue
        name = object_name(model.name, taken)
        taken.add(name)
        yield _object(name, model, lookup)


def _object(name: str, model: Registered, lookup: Lookup) -> ModelObject:
    _tell_version(model, lookup.notes)
    files = dict[str, bytes]()
    if model.source is None:
        source = _nowhere(model, lookup.notes)
    elif _SCHEME.match(model.source):
        source = _address(model, model.source, lookup.notes)
    else:
        files = _files(model, model.source, lookup)
        source = {"configMap": {"name": f"{name}-model"}} if files else _nowhere(model, None)
    spec: dict[str, Any] = {"source": source, **model.more}
    if model.name != name:
        spec = {"modelName": model.name, **spec}
    return ModelObject(name, spec, files)


def _tell_version(model: Registered, notes: Notes) -> None:
    if model.version is not None and model.version != 1:
        words = f"version {model.version} of {quoted(model.name)} becomes version 1 here"
        remedy = "In the script, ask get_model_path for the name alone, or for version 1."
        notes.remark(model.said.place, words, remedy)


def _nowhere(model: Registered, notes: Notes | None) -> dict[str, Any]:
    version = model.version or 1
    if notes is not None:
        notes.remark(
            model.said.place,
            f"where the files of model {quoted(model.name)} are now is not known: "
            f"{NOWHERE}/… stands in its place",
            f"Download it (az ml model download -i {model.name}:{version} -t .) and say where it "
            f"is: --model {model.name}=PATH, or an address (docs/model-sources.md).",
        )
    return {"uri": f"{NOWHERE}/{model.name}/{version}"}


def _address(model: Registered, address: str, notes: Notes) -> dict[str, Any]:
    if redacted(address) != address:
        words = f"the address of model {quoted(model.name)} holds a key"
        remedy = "Give it without, and a Secret in spec.credentialsSecretRef."
        notes.problem(model.said.place, words, remedy)
    return {"uri": address}


def _files(model: Registered, source: str, lookup: Lookup) -> dict[str, bytes]:
    """Those of a small model; none of one that no ConfigMap holds, and the notes say what to do."""
    path = clean(source)
    if lookup.tree.is_folder(path):
        walk = lookup.tree.walk(path)
        paths = {name: joined(path, name) for name in walk.files}
        size = sum(walk.files.values())
        if walk.too_large or size > MAX_FILE_BYTES:
            return _too_large(model, lookup.notes)
    elif lookup.tree.is_file(path):
        paths = {path.rpartition("/")[2]: path}
    else:
        words = f"the model {quoted(path)} is not there"
        lookup.notes.problem(model.said.place, words, "Correct the path.")
        return {}
    found = dict[str, bytes]()
    for name, one in paths.items():
        content = lookup.tree.read(one, MAX_FILE_BYTES)
        if isinstance(content, Unread):
            return _too_large(model, lookup.notes)
        found[name] = content
    return found if fits_config_map(found) else _too_large(model, lookup.notes)


def _too_large(model: Registered, notes: Notes) -> dict[str, bytes]:
    notes.remark(
        model.said.place,
        f"model {quoted(model.name)} fits into no ConfigMap: {NOWHERE}/… stands in its place",
        "Put it where the cluster can read it (a blob, a bucket, a registry, a volume), and write "
        "that address into spec.source of the Model: docs/model-sources.md.",
    )
    return {}
