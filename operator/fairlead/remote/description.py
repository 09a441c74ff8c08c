"""`fairlead describe`: everything that is known of one object, in lines. Pure."""

import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from fairlead.api.refs import Manifest
from fairlead.remote.ages import age, moment
from fairlead.remote.gitops import owner_of
from fairlead.remote.state import State, line, mapping, mappings, state_of, word

MAX_EVENTS = 10
MAX_VERSIONS = 10
INDENT = "  "
Pairs = Iterator[tuple[str, str]]


def pairs_of(manifest: Manifest, now: datetime) -> Pairs:
    """Names and values of what the status says but for conditions and failure."""
    metadata, status = mapping(manifest.get("metadata")), mapping(manifest.get("status"))
    state = state_of(manifest)
    yield state.kind, state.name
    yield "Namespace", word(metadata.get("namespace"))
    yield "Age", age(metadata.get("creationTimestamp"), now)
    yield "Ready", f"{state.ready.truth} ({state.ready.reason})"
    if state.observed < state.generation:
        yield "Seen", "the operator has not looked at the newest spec yet"
    if metadata.get("deletionTimestamp"):
        yield "Deletion", f"asked for {age(metadata['deletionTimestamp'], now)} ago"
    yield from PARTS.get(state.kind, _none)(mapping(manifest.get("spec")), status)
    if mapping(status.get("build")):
        yield "Build's log", f"fairlead logs image/{state.name}"
    owner = owner_of(manifest)
    if owner:
        yield "Applied by", owner.words


def _none(_: Mapping[str, Any], __: Mapping[str, Any]) -> Pairs:
    yield from ()


def _model(spec: Mapping[str, Any], status: Mapping[str, Any]) -> Pairs:
    versions = mappings(status.get("versions"))
    yield "Model name", line(status.get("modelName"))
    yield "Version", line(status.get("latestVersion"))
    newest = versions[-1] if versions else {}
    yield "Size", line(mapping(status.get("display")).get("size"))
    yield "Files", line(newest.get("files"))
    yield "Digest", line(newest.get("digest"))
    yield "Stored as", line(newest.get("artifact"))
    yield "Source", _source(spec) or line(newest.get("source"))
    told = [f"{line(one.get('version'))} ({line(one.get('registeredAt'))})" for one in versions]
    yield "Versions", ", ".join(told[-MAX_VERSIONS:])


def _image(spec: Mapping[str, Any], status: Mapping[str, Any]) -> Pairs:
    build, environment = mapping(status.get("build")), mapping(status.get("environment"))
    yield "Image", line(status.get("imageLocation"))
    yield "Digest", line(status.get("imageDigest"))
    yield "Models", ", ".join(_versioned(one) for one in mappings(spec.get("models")))
    yield "Source", _source(spec)
    yield "Entry script", line(spec.get("entryScript"))
    yield "Base image", line(mapping(status.get("baseImage")).get("reference"))
    yield "Python", line(environment.get("python"))
    yield "Environment", line(environment.get("hash"))[:12]
    if build:
        yield "Build", _build(build)
    told = [line(one.get("version")) for one in mappings(status.get("history"))]
    yield "Versions", ", ".join(told[-MAX_VERSIONS:])


def _build(build: Mapping[str, Any]) -> str:
    begun, ended = moment(build.get("startedAt")), moment(build.get("finishedAt"))
    took = f", {(ended - begun).total_seconds():.0f} s" if begun and ended else ""
    engine = f", engine {word(build['engine'])}" if build.get("engine") else ""
    return f"{word(build.get('id'))}: {word(build.get('phase'))}{took}{engine}"


def _service(spec: Mapping[str, Any], status: Mapping[str, Any]) -> Pairs:
    replicas, revision = mapping(status.get("replicas")), mapping(status.get("revision"))
    yield "State", line(status.get("state"))
    if replicas:
        ready, desired = line(replicas.get("ready")), line(replicas.get("desired"))
        yield "Replicas", f"{ready} of {desired} ready, {line(replicas.get('updated'))} up to date"
    yield "Scoring URI", line(status.get("scoringUri"))
    yield "Swagger URI", line(status.get("swaggerUri"))
    reference = mapping(spec.get("imageRef")).get("name")
    yield (
        "Image of",
        f"InferenceImage '{word(reference)}'" if reference else line(spec.get("image")),
    )
    active, target = line(revision.get("active")), line(revision.get("target"))
    yield "Serves", active
    yield "Rolls out", target if target != active else ""
    for name, content in mapping(status.get("capacity")).items():
        shown = content if isinstance(content, str | int | float) else json.dumps(content)
        yield f"Capacity, {word(name)}", line(shown)


def _source(spec: Mapping[str, Any]) -> str:
    source = mapping(spec.get("source"))
    for name, content in source.items():
        if name == "inline":
            return f"{len(mapping(mapping(content).get('files')))} files in the object itself"
        if name == "configMap":
            return f"ConfigMap '{word(mapping(content).get('name'))}'"
        if name in ("git", "uri"):
            return line(mapping(content).get("url") or content)
    return ""


def _versioned(one: Mapping[str, Any]) -> str:
    version = one.get("version")
    return word(one.get("name")) + (f":{word(version)}" if version else "")


PARTS = {"Model": _model, "InferenceImage": _image, "Webservice": _service}


def condition_lines(state: State, width: int) -> Iterator[str]:
    """A table of the conditions, each with its message below it where that does not fit."""
    told = [(one.type, one.truth, one.reason, one.message) for one in state.conditions]
    widths = [max((len(row[at]) for row in told), default=0) for at in range(3)]
    for *cells, message in told:
        begin = INDENT + "  ".join(
            cell.ljust(wide) for cell, wide in zip(cells, widths, strict=True)
        )
        if len(begin) + 2 + len(message) <= width:
            yield f"{begin}  {message}".rstrip()
        else:
            yield begin.rstrip()
            yield from wrapped(message, width, INDENT * 3)


def event_lines(events: Sequence[Manifest], width: int, now: datetime) -> Iterator[str]:
    """The newest last."""
    ordered = sorted(events, key=lambda one: str(_last(one)))
    for event in ordered[-MAX_EVENTS:]:
        count = mapping(event.get("series")).get("count") or event.get("count")
        often = f" ({word(count)} times)" if isinstance(count, int) and count > 1 else ""
        what = f"{word(event.get('type'))} {word(event.get('reason'))}"
        yield f"{INDENT}{age(_last(event), now):>4}  {what}{often}"
        yield from wrapped(line(event.get("message") or event.get("note")), width, INDENT * 3)


def _last(event: Manifest) -> object:
    series = mapping(event.get("series"))
    metadata = mapping(event.get("metadata"))
    return (
        series.get("lastObservedTime")
        or event.get("lastTimestamp")
        or event.get("eventTime")
        or metadata.get("creationTimestamp")
    )


def wrapped(text: str, width: int, indent: str) -> list[str]:
    return textwrap.wrap(
        text,
        width,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
