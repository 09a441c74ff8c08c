"""Model: a trained model, stored once as a versioned layer in the registry."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

from fairlead.api.fields import (
    ConfigMapName,
    Description,
    Digest,
    EntryName,
    Labels,
    ModelFolder,
    Sha256,
    SizeBytes,
    StoredDigest,
    StoredReference,
    VersionNumber,
)
from fairlead.api.shape import Shape
from fairlead.api.status import Cell, CommonStatus, Text, Timestamp
from fairlead.api.wire import StatusWire, Wire, rules

MAX_VERSIONS = 100  # that status shows


class Framework(StrEnum):
    """Azure ML v1's words."""

    CUSTOM = "Custom"
    TENSORFLOW = "TensorFlow"
    SCIKIT_LEARN = "ScikitLearn"
    ONNX = "Onnx"
    TF_KERAS = "TfKeras"
    PYTORCH = "PyTorch"
    MULTI = "Multi"


class ConfigMapSource(Wire):
    """Every key of the ConfigMap is a file."""

    name: ConfigMapName


class ModelSource(Wire):
    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "(has(self.uri) ? 1 : 0) + (has(self.configMap) ? 1 : 0) == 1",
                "exactly one of uri and configMap must be given",
            )
        )
    )

    uri: (
        Annotated[
            str,
            Field(max_length=2048),
            Shape(
                r"https?://[^/@?#\s]+(/[^\s]*)?",
                "must be an https:// address without user name or password",
            ),
        ]
        | None
    ) = None
    config_map: ConfigMapSource | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if sum(getattr(self, name) is not None for name in type(self).model_fields) != 1:
            raise ValueError("exactly one of uri and configMap must be given")
        return self

    @property
    def given(self) -> str:
        """The name of the field that is set; ``sources/kinds.py`` has a row for each."""
        fields = type(self).model_fields
        return next(name for name in fields if getattr(self, name) is not None)


class ModelSpec(Wire):
    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "!has(self.frameworkVersion) || has(self.framework)",
                "frameworkVersion needs framework: name the framework, or remove the version",
            ),
            (
                "!has(oldSelf.properties) || (has(self.properties) && "
                "oldSelf.properties.all(key, key in self.properties && "
                "self.properties[key] == oldSelf.properties[key]))",
                "properties cannot be changed or removed once set; new ones may be added "
                "(tags can be changed)",
            ),
        )
    )

    model_name: (
        Annotated[
            str,
            Field(min_length=1, max_length=255),
            Shape(
                "[a-zA-Z0-9][a-zA-Z0-9._-]*",
                "model name is invalid: it must only consist of letters, numbers, dashes, "
                "periods, or underscores, start with a letter or number, and be between 1 "
                "and 255 characters long",
            ),
        ]
        | None
    ) = None
    """The v1 name, which ``get_model_path`` asks for. Default: the object's name."""
    source: ModelSource
    digest: Digest | None = None
    """What the fetched file must have. For a folder: the digest that status shows."""
    unpack: bool = False
    """The file is an archive (zip or tar); its content is the model."""
    framework: Framework | None = None
    framework_version: Text | None = None
    description: Description | None = None
    tags: Labels | None = None
    properties: Labels | None = None


class ModelVersion(StatusWire):
    """One immutable version, as the registry records it."""

    version: VersionNumber
    model_name: ModelFolder
    """The folder that it lies in: the name it was stored under."""
    digest: StoredDigest
    size_bytes: SizeBytes
    files: Annotated[int, Field(ge=1)]
    source: Annotated[str, Field(max_length=2048)]
    artifact: StoredReference
    layer: StoredDigest
    path: EntryName
    """The one file or folder, below ``azureml-models/<modelName>/<version>/``."""
    registered_at: Timestamp


class Ingest(StatusWire):
    """What the latest look at the source was, so that the same source is not fetched again."""

    key: Sha256


class ModelDisplay(StatusWire):
    size: Cell | None = None


class ModelStatus(CommonStatus):
    model_name: ModelFolder | None = None
    latest_version: VersionNumber | None = None
    versions: Annotated[tuple[ModelVersion, ...], Field(max_length=MAX_VERSIONS)] = ()
    ingest: Ingest | None = None
    display: ModelDisplay | None = None
