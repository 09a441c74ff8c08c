"""Model: a trained model, stored once as a versioned layer in the registry."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

from fairlead.api.fields import (
    ClaimName,
    ConfigMapName,
    Description,
    Digest,
    EntryName,
    Labels,
    ModelFolder,
    PythonVersion,
    RelativePath,
    SecretName,
    ServiceAccountName,
    Sha256,
    SizeBytes,
    StoredDigest,
    StoredReference,
    VersionNumber,
)
from fairlead.api.shape import HiddenShape, Shape
from fairlead.api.source_uri import TAKES_CREDENTIALS, SourceUri
from fairlead.api.status import Cell, CommonStatus, Text, Timestamp
from fairlead.api.wire import StatusWire, Wire, rules

Flavor = Annotated[str, Field(max_length=64), HiddenShape("[A-Za-z0-9_.-]+")]
ShownRequirement = Annotated[str, Field(max_length=100), HiddenShape(r"[^\x00-\x1f\x7f]+")]
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
    """Name of a ConfigMap in the same namespace; a change of it is noticed."""


class VolumeClaimSource(Wire):
    """A file or a folder of a volume, which is mounted into the task, read-only."""

    claim_name: ClaimName
    """Name of a PersistentVolumeClaim in the same namespace; it is read once, and a change of it is
    not noticed. Only where tasks run as Jobs."""
    path: RelativePath | None = None
    """The file or folder in it, such as models/credit. Default: all of it."""


class SourceSecretRef(Wire):
    """A Secret in the same namespace with the credentials for the source."""

    name: SecretName
    """Its name. Its keys are named as the cloud's own variables are, such as
    AWS_ACCESS_KEY_ID or AZURE_STORAGE_KEY."""


class ModelSource(Wire):
    """Where the model comes from: exactly one of the fields."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "(has(self.uri) ? 1 : 0) + (has(self.configMap) ? 1 : 0) + "
                "(has(self.persistentVolumeClaim) ? 1 : 0) == 1",
                "exactly one of uri, configMap and persistentVolumeClaim must be given",
            )
        )
    )

    uri: SourceUri | None = None
    """An https:// address of one file; or of a file or a folder s3://BUCKET/KEY, gs://BUCKET/NAME,
    abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/PATH, https://ACCOUNT.blob…/CONTAINER/PATH,
    hf://ORG/NAME@REVISION/PATH, oci://REGISTRY/REPOSITORY:TAG. It is fetched once; a new content
    needs a new address."""
    config_map: ConfigMapSource | None = None
    """A ConfigMap whose keys are the files; for models that are small."""
    persistent_volume_claim: VolumeClaimSource | None = None
    """A PersistentVolumeClaim that holds the file or the folder."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if sum(getattr(self, name) is not None for name in type(self).model_fields) != 1:
            raise ValueError(
                "exactly one of uri, configMap and persistentVolumeClaim must be given"
            )
        return self

    @property
    def given(self) -> str:
        """The name of the field that is set; ``sources/kinds.py`` has a row for each."""
        fields = type(self).model_fields
        return next(name for name in fields if getattr(self, name) is not None)


class ModelSpec(Wire):
    """A trained model: fetched once, digested, and stored as a versioned layer in the registry."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "!has(self.frameworkVersion) || has(self.framework)",
                "frameworkVersion needs framework: name the framework, or remove the version",
            ),
            (
                "!has(self.credentialsSecretRef) || (has(self.source.uri) && "
                f"self.source.uri.matches({TAKES_CREDENTIALS}))",
                "credentialsSecretRef goes with an s3://, gs://, abfss://, az://, hf:// or oci:// "
                "uri, or with that of a blob: no other source takes credentials",
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
    """Where the model comes from: exactly one of uri, configMap and persistentVolumeClaim."""
    credentials_secret_ref: SourceSecretRef | None = None
    """A Secret with the credentials for spec.source.uri; it is mounted into the pod that fetches
    the model. Default: the identity of that pod's ServiceAccount, else none."""
    digest: Digest | None = None
    """What the fetched file must have. For a folder: the digest that status shows."""
    unpack: bool = False
    """The file is an archive (zip or tar); its content is the model."""
    service_account_name: ServiceAccountName | None = None
    """The ServiceAccount of the pod that fetches and stores the model, with whose workload identity
    the registry is logged in to; it is given no API token. Default: the operator's
    taskServiceAccount."""
    framework: Framework | None = None
    """What it was trained with, in Azure ML v1's words; shown, and decides nothing."""
    framework_version: Text | None = None
    """The framework's version; shown, and decides nothing."""
    description: Description | None = None
    """For people."""
    tags: Labels | None = None
    """Words for people and searches; they can be changed, and change no version."""
    properties: Labels | None = None
    """As tags, but what is set once cannot be changed or removed; new ones may be added."""


class MlflowModel(StatusWire):
    """What an MLflow model folder says of itself; it decides nothing."""

    flavors: Annotated[tuple[Flavor, ...], Field(min_length=1, max_length=16)]
    """How it can be loaded, such as python_function and sklearn."""
    python_version: PythonVersion | None = None
    """The Python that it was made with."""
    requirements: Annotated[tuple[ShownRequirement, ...], Field(max_length=64)] = ()
    """The beginning of its requirements.txt: what its environment wants."""


class ModelVersion(StatusWire):
    """One immutable version, as the registry records it."""

    version: VersionNumber
    """1 for the first content, and one more for each new content."""
    model_name: ModelFolder
    """The folder that it lies in: the name it was stored under."""
    digest: StoredDigest
    """sha256 of the content: of the file, or of the list of files in a folder."""
    size_bytes: SizeBytes
    """Bytes of all files together, as unpacked."""
    files: Annotated[int, Field(ge=1)]
    """How many files it has."""
    source: Annotated[str, Field(max_length=2048)]
    """Where the content came from when it was stored."""
    artifact: StoredReference
    """What the registry calls it: images mount its layer, nothing is copied."""
    layer: StoredDigest
    """Digest of the layer that holds the files, with the paths they have in images; where files of
    more than 1 GiB are layers of their own, of the digests of all."""
    path: EntryName
    """The one file or folder, below ``azureml-models/<modelName>/<version>/``."""
    registered_at: Timestamp
    """When it was stored."""
    mlflow: MlflowModel | None = None
    """Of an MLflow model folder: what its MLmodel and its requirements.txt say."""


class Ingest(StatusWire):
    """What the latest look at the source was, so that the same source is not fetched again."""

    key: Sha256
    """Hash of the source and of everything else in the spec that decides what is stored."""


class ModelDisplay(StatusWire):
    """Short texts for the columns of `kubectl get`."""

    size: Cell | None = None
    """Size of the version that the Model stands for."""


class ModelStatus(CommonStatus):
    """What Fairlead found and did."""

    model_name: ModelFolder | None = None
    """The name that scripts ask for, as it is used."""
    latest_version: VersionNumber | None = None
    """The version that the Model stands for: the one with the source's content."""
    versions: Annotated[tuple[ModelVersion, ...], Field(max_length=MAX_VERSIONS)] = ()
    """Versions that the registry has, the newest last; at most 100 are shown."""
    ingest: Ingest | None = None
    display: ModelDisplay | None = None
