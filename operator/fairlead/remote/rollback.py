"""An earlier version of the image, served in place of what the InferenceImage stands for. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fairlead.api.meta import GROUP
from fairlead.api.reasons import Reason
from fairlead.api.refs import Manifest
from fairlead.finding import listed
from fairlead.local.errors import LocalError, refusal
from fairlead.remote.client import FIELD_MANAGER
from fairlead.remote.state import line, mapping, mappings, name_in, number
from fairlead.remote.targets import NAME

ROLLED_BACK = f"{GROUP}/rolled-back-from"  # annotation: the InferenceImage that it followed
EXCLUSIVE = ("imageRef", "image", "pullSecretRef", "replicas", "autoscale")


@dataclass(frozen=True)
class Version:
    number: int
    digest: str


def followed(service: Mapping[str, Any]) -> str:
    """The InferenceImage that a service follows, or followed until it was rolled back."""
    reference = mapping(mapping(service.get("spec")).get("imageRef")).get("name")
    annotations = mapping(mapping(service.get("metadata")).get("annotations"))
    return name_in(reference) or name_in(annotations.get(ROLLED_BACK))


def versions(image: Mapping[str, Any]) -> list[Version]:
    """Those that have a tag, the newest last."""
    found = mappings(mapping(image.get("status")).get("history"))
    kept = [
        Version(number(one.get("version")), line(one.get("digest")))
        for one in found
        if not one.get("untagged")
    ]
    return sorted((one for one in kept if one.number), key=lambda one: one.number)


def chosen(service: Mapping[str, Any], image: Mapping[str, Any], asked: int | None) -> Version:
    """The version that was asked for, or the one before what serves. Raises ``LocalError``."""
    known = versions(image)
    active = line(mapping(mapping(service.get("status")).get("revision")).get("active"))
    serving = next((one for one in known if one.digest and active.endswith(one.digest)), None)
    if asked is None:
        before = [one for one in known if serving and one.number < serving.number]
        if before:
            return before[-1]
        what = f"serves version {serving.number}" if serving else "serves none of its versions"
        raise _none(f"There is no version to roll back to: it {what}", known)
    wanted = next((one for one in known if one.number == asked), None)
    if wanted is None:
        raise _none(f"There is no version {asked}", known)
    if wanted == serving:
        raise _none(f"Version {asked} serves already", known)
    return wanted


def _none(message: str, known: Sequence[Version]) -> LocalError:
    there = listed([str(one.number) for one in known]) or "none"
    whole = f"{message}. status.history has {there}."
    return refusal(Reason.NOT_FOUND, whole, "Name one of them: --to VERSION.")


def reference(image: Mapping[str, Any], version: Version) -> str:
    """What nodes pull: the repository of the newest image, the version, and its digest."""
    location = line(mapping(image.get("status")).get("imageLocation"))
    head, colon, tag = location.rpartition(":")
    repository = head if colon and "/" not in tag else location
    if not repository or not version.digest:
        message = "The status of the InferenceImage names no repository, or no digest."
        raise refusal(Reason.NOT_FOUND, message, "See: fairlead describe image/NAME.")
    return f"{repository}:{version.number}@{version.digest}"


def to_version(service: Mapping[str, Any], image: Mapping[str, Any], version: Version) -> Manifest:
    """The patch that has the service serve a version, whatever becomes of its InferenceImage."""
    pull = name_in(mapping(mapping(image.get("spec")).get("pullSecretRef")).get("name"))
    spec: Manifest = {"imageRef": None, "image": reference(image, version)}
    if pull:
        spec["pullSecretRef"] = {"name": pull}
    return {"metadata": {"annotations": {ROLLED_BACK: followed(service)}}, "spec": spec}


def back(service: Mapping[str, Any]) -> Manifest:
    """The patch that has it follow its InferenceImage again. Raises ``LocalError``."""
    present = name_in(mapping(mapping(service.get("spec")).get("imageRef")).get("name"))
    if present:
        message = f"It follows InferenceImage '{present}': nothing is to be undone."
        raise refusal(Reason.NOT_FOUND, message, "Another one: change spec.imageRef.")
    annotations = mapping(mapping(service.get("metadata")).get("annotations"))
    name = name_in(annotations.get(ROLLED_BACK))
    if not NAME.fullmatch(name):
        message = "It was not rolled back by this program: nothing is to be undone."
        raise refusal(Reason.NOT_FOUND, message, "See what it serves: fairlead describe NAME.")
    spec: Manifest = {"imageRef": {"name": name}, "image": None, "pullSecretRef": None}
    return {"metadata": {"annotations": {ROLLED_BACK: None}}, "spec": spec}


def leftovers(present: Mapping[str, Any], wanted: Mapping[str, Any]) -> Manifest | None:
    """The patch that takes back what `rollback` and `scale` have put into or beside a manifest, so
    that it can be applied again; None where there is nothing of it.

    Applying alone would leave fields beside the manifest's, which the schema refuses, and would
    conflict with others: to the API server this program's patches are another manager.
    """
    spec, own = mapping(wanted.get("spec")), _patched(present)
    stale = [name for name in EXCLUSIVE if name in own and name not in spec]
    changed = {name: _over(own[name], spec[name]) for name in own if name in spec}
    if not stale and _holds(mapping(present.get("spec")), changed):
        return None
    given = {name: spec[name] for name in EXCLUSIVE if name in spec} if stale else {}
    gone: Manifest = dict.fromkeys(stale)
    return {
        "metadata": {"annotations": {ROLLED_BACK: None}},
        "spec": {**gone, **given, **changed},
    }


def _patched(present: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Fields of the spec that this program has patched, each with those inside of it."""
    found = dict[str, Mapping[str, Any]]()
    for entry in mappings(mapping(present.get("metadata")).get("managedFields")):
        if (entry.get("manager"), entry.get("operation")) == (FIELD_MANAGER, "Update"):
            fields = mapping(mapping(entry.get("fieldsV1")).get("f:spec"))
            found |= {name.removeprefix("f:"): mapping(inner) for name, inner in fields.items()}
    return found


def _over(patched: Mapping[str, Any], wanted: Any) -> Any:
    """What is to be in place of fields that were patched, and of no others."""
    inner = {name.removeprefix("f:"): one for name, one in patched.items() if name[:2] == "f:"}
    if not inner or not isinstance(wanted, Mapping):
        return wanted
    return {
        name: _over(mapping(one), wanted[name]) if name in wanted else None
        for name, one in inner.items()
    }


def _holds(present: object, patch: object) -> bool:
    """Whether a patch would change nothing."""
    if isinstance(patch, Mapping):
        return all(_holds(mapping(present).get(name), one) for name, one in patch.items())
    return present == patch
