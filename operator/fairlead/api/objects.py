"""One object of ours as it was read: typed spec and status, and the metadata that matters."""

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from pydantic import BaseModel, ValidationError

from fairlead.api.inferenceimage import InferenceImageSpec, InferenceImageStatus
from fairlead.api.meta import API_VERSION, INFERENCE_IMAGE, MODEL, WEBSERVICE, Kind
from fairlead.api.model import ModelSpec, ModelStatus
from fairlead.api.reasons import Reason
from fairlead.api.refs import Manifest
from fairlead.api.status import CommonStatus, read_status
from fairlead.api.webservice import WebserviceSpec, WebserviceStatus
from fairlead.errors import StalledError

MAX_PROBLEMS = 12  # that one message tells
MAX_STEP_CHARS = 100  # characters of one key that a message shows
Spec = TypeVar("Spec", bound=BaseModel, covariant=True)
Status = TypeVar("Status", bound=CommonStatus, covariant=True)


@dataclass(frozen=True)
class Resource(Generic[Spec, Status]):
    """A Model, an InferenceImage or a Webservice."""

    kind: Kind
    namespace: str
    name: str
    uid: str
    generation: int
    created_at: datetime
    spec: Spec
    status: Status

    @property
    def owner_reference(self) -> Manifest:
        return {
            "apiVersion": API_VERSION,
            "kind": self.kind.kind,
            "name": self.name,
            "uid": self.uid,
            "controller": True,
            "blockOwnerDeletion": True,
        }


Model = Resource[ModelSpec, ModelStatus]
InferenceImage = Resource[InferenceImageSpec, InferenceImageStatus]
Webservice = Resource[WebserviceSpec, WebserviceStatus]


def read(
    kind: Kind, body: Manifest, spec: type[Spec], status: type[Status]
) -> Resource[Spec, Status]:
    """Read an object as the API returned it.

    Raises ``StalledError`` (InvalidSpec) naming every field that is wrong: objects stored before a
    rule existed pass the API server unseen. Fields that are unknown here (the API server refuses
    them, unless they are of a newer version) are ignored; a status that cannot be read is empty.
    """
    meta = body["metadata"]
    try:
        return Resource(
            kind=kind,
            namespace=meta["namespace"],
            name=meta["name"],
            uid=meta["uid"],
            generation=meta["generation"],
            created_at=datetime.fromisoformat(meta["creationTimestamp"]),
            spec=spec.model_validate(body.get("spec"), extra="ignore"),
            status=read_status(status, body.get("status")),
        )
    except ValidationError as error:
        raise StalledError(Reason.INVALID_SPEC, _words(error)) from error


def read_model(body: Manifest) -> Model:
    return read(MODEL, body, ModelSpec, ModelStatus)


def read_image(body: Manifest) -> InferenceImage:
    return read(INFERENCE_IMAGE, body, InferenceImageSpec, InferenceImageStatus)


def read_webservice(body: Manifest) -> Webservice:
    return read(WEBSERVICE, body, WebserviceSpec, WebserviceStatus)


def _words(error: ValidationError) -> str:
    problems = error.errors(include_input=False, include_url=False, include_context=False)
    told = [f"{'.'.join(map(_step, p['loc']))}: {p['msg']}" for p in problems[:MAX_PROBLEMS]]
    if len(problems) > MAX_PROBLEMS:
        told.append(f"and {len(problems) - MAX_PROBLEMS} more")
    return f"The object cannot be read: {'; '.join(told)}. Correct these fields."


def _step(step: str | int) -> str:
    """One part of a field's path; the key of a map may hold anything."""
    shown = "".join(sign if sign.isprintable() else "?" for sign in str(step)[:MAX_STEP_CHARS])
    return shown if len(str(step)) <= MAX_STEP_CHARS else f"{shown}…"
