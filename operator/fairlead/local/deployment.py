"""A web service as it is wanted, wherever it was read from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from fairlead.api.inferenceimage import InferenceImageSpec, InferenceImageStatus
from fairlead.api.meta import INFERENCE_IMAGE, WEBSERVICE
from fairlead.api.model import ModelSpec
from fairlead.api.objects import InferenceImage, Resource, Webservice
from fairlead.api.webservice import WebserviceSpec, WebserviceStatus

HERE = "local"  # the namespace of what is in no cluster
NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class WantedModel:
    """``resource`` is the Model object's name; exactly one of ``path``, ``files`` and ``spec`` is
    set: a file or folder of this machine, files of a ConfigMap, or what is to be fetched."""

    resource: str
    name: str
    version: int = 1
    path: Path | None = None
    files: Mapping[str, bytes] | None = None
    spec: ModelSpec | None = None


@dataclass(frozen=True)
class Wanted:
    """``files`` is the source; ``differences`` are sentences: what the cluster does with this, and
    a local service does not."""

    name: str
    image_name: str
    image: InferenceImageSpec
    files: Mapping[str, bytes]
    service: WebserviceSpec
    models: tuple[WantedModel, ...] = ()
    differences: tuple[str, ...] = field(default=())

    @property
    def image_object(self) -> InferenceImage:
        """As the operator sees it."""
        kind, status = INFERENCE_IMAGE, InferenceImageStatus()
        return Resource(kind, HERE, self.image_name, "", 1, NEVER, self.image, status)

    @property
    def service_object(self) -> Webservice:
        """As the operator sees it."""
        kind, status = WEBSERVICE, WebserviceStatus()
        return Resource(kind, HERE, self.name, "", 1, NEVER, self.service, status)
