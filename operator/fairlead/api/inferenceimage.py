"""InferenceImage: models, a scoring script and its environment, built into one image."""

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from fairlead.api.fields import (
    MAX_PATH_CHARS,
    MAX_VERSION,
    BuildId,
    Files,
    ImageReference,
    ObjectName,
    PythonVersion,
    RelativePath,
    Repository,
    Sha256,
    StoredDigest,
    StoredReference,
    VersionNumber,
)
from fairlead.api.model import ConfigMapSource
from fairlead.api.shape import Shape
from fairlead.api.status import Cell, CommonStatus, Timestamp
from fairlead.api.variables import ImageVariables
from fairlead.api.wire import StatusWire, Wire, rules


class ImageModel(Wire):
    """A Model object; without a version the latest is followed."""

    name: ObjectName
    version: Annotated[int, Field(ge=1, le=1_000_000)] | None = None


class InlineSource(Wire):
    files: Files
    """Path to text."""


class ImageSource(Wire):
    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "(has(self.inline) ? 1 : 0) + (has(self.configMap) ? 1 : 0) == 1",
                "exactly one of inline and configMap must be given",
            )
        )
    )

    inline: InlineSource | None = None
    config_map: ConfigMapSource | None = None


class InferenceImageSpec(Wire):
    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "!(has(self.condaFile) && has(self.requirementsFile))",
                "condaFile and requirementsFile exclude each other: keep one of the two",
            )
        )
    )

    models: Annotated[
        tuple[ImageModel, ...],
        Field(
            max_length=32,
            json_schema_extra=rules(
                (
                    "self.all(m, self.exists_one(o, o.name == m.name))",
                    "the same model is listed twice: keep one entry for each name",
                )
            ),
        ),
    ] = ()
    source: ImageSource
    entry_script: Annotated[
        str,
        Field(min_length=4, max_length=MAX_PATH_CHARS),
        Shape(
            "([A-Za-z0-9_.-]+/)*[A-Za-z_][A-Za-z0-9_]*[.]py",
            "must be a relative path to a Python file that can be imported as a module, "
            "such as score.py or src/score.py",
            never="(^|/)[.][.]?/",
        ),
    ]
    conda_file: RelativePath | None = None
    requirements_file: RelativePath | None = None
    docker_file: RelativePath | None = None
    """Extra Dockerfile instructions (Dockerfile.steps); they run before the packages install."""
    base_image: ImageReference | None = None
    environment_variables: ImageVariables | None = None
    repository: Repository | None = None


class CreationState(StrEnum):
    """Azure ML v1's words for an image's operation."""

    NOT_STARTED = "NotStarted"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    CANCELLED = "Cancelled"


class BaseImageStatus(StatusWire):
    reference: Annotated[str, Field(max_length=512)]
    digest: StoredDigest


class EnvironmentStatus(StatusWire):
    hash: Sha256
    image: StoredReference | None = None
    python: PythonVersion | None = None


class Hashes(StatusWire):
    """What the last good image was made from; each is a sha256 of canonical content."""

    image: Sha256
    environment: Sha256
    code: Sha256


class BuildPhase(StrEnum):
    ENVIRONMENT = "Environment"
    ASSEMBLING = "Assembling"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"


class Durations(StatusWire):
    """Whole seconds."""

    environment: Annotated[int, Field(ge=0)] | None = None
    assemble: Annotated[int, Field(ge=0)] | None = None


class BuildStatus(StatusWire):
    """The newest build: ``id`` is ``<version>-<attempt>``, ``hash`` what it is made from."""

    id: BuildId
    hash: Sha256
    phase: BuildPhase
    started_at: Timestamp
    finished_at: Timestamp | None = None
    durations: Durations | None = None
    log_uri: Annotated[str, Field(max_length=512)] | None = None
    versions_taken: Annotated[int, Field(ge=0)] | None = None
    """How many versions before this one somebody else pushed first."""


class HistoryEntry(StatusWire):
    """A version that was built, so that its inputs are recognised when they come back."""

    version: VersionNumber
    hash: Sha256
    digest: StoredDigest


class ResolvedInputs(StatusWire):
    """What the registry said about the inputs, and for which inputs it was asked."""

    key: Sha256
    last_version: Annotated[int, Field(ge=0, le=MAX_VERSION)] = 0


class ImageDisplay(StatusWire):
    build: Cell | None = None


class InferenceImageStatus(CommonStatus):
    version: VersionNumber | None = None
    image_location: StoredReference | None = None
    image_digest: StoredDigest | None = None
    creation_state: CreationState | None = None
    base_image: BaseImageStatus | None = None
    environment: EnvironmentStatus | None = None
    hashes: Hashes | None = None
    resolved: ResolvedInputs | None = None
    build: BuildStatus | None = None
    history: Annotated[tuple[HistoryEntry, ...], Field(max_length=10)] = ()
    display: ImageDisplay | None = None
