"""Objects for tests, as the API would return them; what a test does not care about is filled in."""

from datetime import UTC, datetime
from typing import Any

from fairlead.api.meta import API_VERSION, INFERENCE_IMAGE, MODEL, WEBSERVICE, Kind
from fairlead.api.objects import (
    InferenceImage,
    Model,
    Webservice,
    read_image,
    read_model,
    read_webservice,
)
from fairlead.api.refs import Manifest

THEN = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


def body(kind: Kind, spec: Manifest, status: Manifest | None = None, **metadata: Any) -> Manifest:
    """The object as the API returns it."""
    meta = {
        "name": "diabetes",
        "namespace": "demo",
        "uid": f"uid-of-{kind.plural}",
        "generation": 1,
        "creationTimestamp": THEN.strftime("%Y-%m-%dT%H:%M:%SZ"),
        **metadata,
    }
    head = {"apiVersion": API_VERSION, "kind": kind.kind, "metadata": meta}
    return {**head, "spec": spec, **({"status": status} if status else {})}


def model(status: Manifest | None = None, **spec: Any) -> Model:
    whole = {"source": {"uri": "https://models.example.com/diabetes.pkl"}, **spec}
    return read_model(body(MODEL, whole, status))


def image(status: Manifest | None = None, **spec: Any) -> InferenceImage:
    whole = {"source": {"inline": {"files": {"score.py": ""}}}, "entryScript": "score.py", **spec}
    return read_image(body(INFERENCE_IMAGE, whole, status))


def webservice(status: Manifest | None = None, **spec: Any) -> Webservice:
    image = {} if "image" in spec else {"imageRef": {"name": "diabetes"}}
    whole = {**image, **spec}
    return read_webservice(body(WEBSERVICE, whole, status))
