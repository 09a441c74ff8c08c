"""InferenceImage: models, a scoring script and its environment, built into one image."""

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from fairlead.api.build_options import BuildEngine, BuildOptions
from fairlead.api.code_source import ImageSource, SourceStatus
from fairlead.api.debug import ImageDebug
from fairlead.api.fields import (
    MAX_PATH_CHARS,
    MAX_VERSION,
    BuildId,
    ImageReference,
    ObjectName,
    PythonVersion,
    RelativePath,
    Repository,
    Sha256,
    StoredDigest,
    StoredReference,
    StoredRepository,
    VersionNumber,
)
from fairlead.api.platform import TargetPlatform
from fairlead.api.profile import Profile, ProfileStatus
from fairlead.api.secret_ref import SecretRef
from fairlead.api.shape import Shape
from fairlead.api.smoke_test import SmokeTest
from fairlead.api.status import Cell, CommonStatus, Timestamp
from fairlead.api.variables import ImageVariables
from fairlead.api.wire import StatusWire, Wire, rules


class ImageModel(Wire):
    """A Model object; without a version the latest is followed."""

    name: ObjectName
    """Name of a Model in the same namespace."""
    version: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """A version of it; without one the image follows the version that the Model stands for."""


class InferenceImageSpec(Wire):
    """A script, its packages and its models, built into one image."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "!(has(self.condaFile) && has(self.requirementsFile))",
                "condaFile and requirementsFile exclude each other: keep one of the two",
            ),
            (
                "!has(self.profile) || has(self.profile.sample) || "
                "(has(self.smokeTest) && has(self.smokeTest.sample))",
                "profile needs a request to send: give profile.sample or smokeTest.sample",
            ),
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
    """The models to put into the image. The script finds them with Model.get_model_path() or below
    AZUREML_MODEL_DIR."""
    source: ImageSource
    """The script and the files beside it: exactly one of inline, configMap, git and
    uri."""
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
    """The file with init() and run(): a path inside the source."""
    conda_file: RelativePath | None = None
    """A conda file inside the source. What it asks conda for is solved from its channels, and its
    pip list is installed."""
    requirements_file: RelativePath | None = None
    """A requirements file of pip inside the source, instead of a conda file. It may name others
    (-r, -c), indexes, and packages of the source."""
    docker_file: RelativePath | None = None
    """Extra Dockerfile instructions (Dockerfile.steps); they run before the packages install. COPY
    takes files of the source."""
    base_image: ImageReference | None = None
    """The image to build on; it has the Python that is used. Default: the operator's
    defaultBaseImage."""
    platform: TargetPlatform | None = None
    """What the image is for: of a base image for several platforms that one's is taken, and the
    Jobs that build run on its nodes, as do the pods of Webservices. Default: the platform of the
    node that a Job comes to."""
    environment_variables: ImageVariables | None = None
    """Variables of every container that is started from the image. A Webservice may set others."""
    repository: Repository | None = None
    """Where the image is pushed, without a tag. Default: <registry>/<namespace>/<name>."""
    push_secret_ref: SecretRef | None = None
    """Credentials of the registries that the tasks push to: a Secret of type
    kubernetes.io/dockerconfigjson, mounted into them and read by nobody else."""
    pull_secret_ref: SecretRef | None = None
    """Credentials of the registries that are read from: the tasks read the base image with it, and
    nodes pull the image with it for the Webservices that serve it."""
    build: BuildOptions | None = None
    """How the image is built."""
    smoke_test: SmokeTest | None = None
    """What is tried before a new version gets its tag: by default that the script can be imported,
    and that init() returns. A Webservice's own variables are not there."""
    profile: Profile | None = None
    """How much a container of the newest good image needs, and how fast it answers: found out by
    running it under load, told in status.profile. It never holds up the image or what serves it."""
    debug: ImageDebug | None = None
    """A debugger (debugpy) for spec.debug of a Webservice, in a folder of its own: the packages
    stay as they are."""

    @property
    def has_debugger(self) -> bool:
        return self.debug is not None and self.debug.enabled


class CreationState(StrEnum):
    """Azure ML v1's words for an image's operation."""

    NOT_STARTED = "NotStarted"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    CANCELLED = "Cancelled"


class BaseImageStatus(StatusWire):
    """What the base image's name stood for when it was asked for."""

    reference: Annotated[str, Field(max_length=512)]
    """The image's name, as given or by default."""
    digest: StoredDigest
    """The digest that it stood for; builds start from this."""


Unpinned = Annotated[str, Field(max_length=80)]


class EnvironmentStatus(StatusWire):
    """The packages, built once per content and shared within the namespace."""

    hash: Sha256
    """What it is made from: base image, platform, Dockerfile.steps, requirements."""
    image: StoredReference | None = None
    """The environment's own image in the registry, once it is built."""
    python: PythonVersion | None = None
    """The version of its Python."""
    lock: StoredReference | None = None
    """All that was installed, with versions: conda's explicit list and pip's. `oras pull` opens
    it."""
    unpinned: Annotated[tuple[Unpinned, ...], Field(max_length=20)] | None = None
    """What the file leaves a choice of versions of; at most 20. They stay as they were found."""


class Hashes(StatusWire):
    """What the last good image was made from; each is a sha256 of canonical content."""

    image: Sha256
    """Environment, models with their paths, code, and variables."""
    environment: Sha256
    """Base image, platform, Dockerfile.steps, and requirements in their order."""
    code: Sha256
    """Every file of the source with its path, and which one is the script."""


class BuildPhase(StrEnum):
    """How far the build is."""

    ENVIRONMENT = "Environment"
    ASSEMBLING = "Assembling"
    SMOKE_TEST = "SmokeTest"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"


class SmokeTestOutcome(StrEnum):
    """What came of it."""

    PASSED = "Passed"
    FAILED = "Failed"
    SKIPPED = "Skipped"


class Durations(StatusWire):
    """Whole seconds."""

    environment: Annotated[int, Field(ge=0)] | None = None
    """Seconds to build the environment; absent where it was there already."""
    assemble: Annotated[int, Field(ge=0)] | None = None
    """Seconds to put models and code on it, and to push the image."""
    smoke_test: Annotated[int, Field(ge=0)] | None = None
    """Seconds that import, init() and run() took; absent where they were not tried."""


class BuildStatus(StatusWire):
    """The newest build: ``id`` is ``<version>-<attempt>``, ``hash`` what it is made from."""

    id: BuildId
    """<version>-<attempt>."""
    hash: Sha256
    """Hash of everything that the version is made from."""
    phase: BuildPhase
    """How far the build is."""
    engine: BuildEngine | None = None
    """What builds its environment; absent where that was there already."""
    started_at: Timestamp
    """When this attempt began."""
    finished_at: Timestamp | None = None
    """When it ended, whichever way."""
    durations: Durations | None = None
    image_digest: StoredDigest | None = None
    """The image that was put together. It has no tag before its smoke test has passed."""
    smoke_test: SmokeTestOutcome | None = None
    """What came of its smoke test; Skipped where none was wanted, or none is possible."""
    log_uri: Annotated[str, Field(max_length=512)] | None = None
    """Where the whole log of this attempt can be read, also after it failed: `kubectl get --raw
    '<logUri>'` where it begins with a slash. Whoever can read this can read the log."""
    log_artifact: Annotated[str, Field(max_length=512)] | None = None
    """Where the log is kept in the registry, for those who may read there."""
    versions_taken: Annotated[int, Field(ge=0)] | None = None
    """How many versions before this one somebody else pushed first."""


class HistoryEntry(StatusWire):
    """A version that was built, so that its inputs are recognised when they come back."""

    version: VersionNumber
    """The version, which is the image's tag."""
    hash: Sha256
    """Hash of everything that it was made from."""
    digest: StoredDigest
    """The image's digest."""
    attempt: Annotated[int, Field(ge=1, le=999_999_999)] | None = None
    """Which attempt at the version it was; absent where that is not known any more."""
    log_uri: Annotated[str, Field(max_length=512)] | None = None
    """Where the log of its build can be read, as that of build.logUri."""
    untagged: bool | None = None
    """True while it is given its tag, after its smoke test."""
    repository: StoredRepository | None = None
    """Where it lies, as tasks reach it, while it has no tag: the spec may name another by now."""


class ResolvedInputs(StatusWire):
    """What the registry said about the inputs, and for which inputs it was asked."""

    key: Sha256
    """Hash of the inputs that the registry was asked about."""
    last_version: Annotated[int, Field(ge=0, le=MAX_VERSION)] = 0
    """The highest version that the repository had then; 0 for none."""


class ImageDisplay(StatusWire):
    """Short texts for the columns of `kubectl get`."""

    build: Cell | None = None
    """How long the newest build took, or how far it is."""


class InferenceImageStatus(CommonStatus):
    """What Fairlead found and did."""

    version: VersionNumber | None = None
    """The newest version that was built: the tag of imageLocation."""
    image_location: StoredReference | None = None
    """The newest good image, with its tag."""
    image_digest: StoredDigest | None = None
    """Its digest, which is what Webservices run."""
    platform: TargetPlatform | None = None
    """What it is for, where spec.platform says so."""
    creation_state: CreationState | None = None
    base_image: BaseImageStatus | None = None
    """What the base image's name stood for when it was asked for."""
    environment: EnvironmentStatus | None = None
    hashes: Hashes | None = None
    source: SourceStatus | None = None
    """Of a source that is fetched: what was found there."""
    resolved: ResolvedInputs | None = None
    build: BuildStatus | None = None
    history: Annotated[tuple[HistoryEntry, ...], Field(max_length=50)] = ()
    """The latest versions that were built: at most 10, and those that have no tag yet."""
    profile: ProfileStatus | None = None
    """What running it under load has found."""
    display: ImageDisplay | None = None
