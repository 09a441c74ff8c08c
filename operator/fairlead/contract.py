"""What goes into each task and what comes out: the JSON between the operator and its tasks.

A task is started as ``python -m fairlead.tasks.<program> FOLDER``. It reads ``request.json`` (and,
where a source is handed over, the files in ``files/``), logs to standard output, writes
``result.json`` once it is done and exits with 0, or with 1 where the result is a failure. Settings
reach it by the same environment variables as the operator.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from fairlead.api.code_source import FetchedCode, ImageSource
from fairlead.api.failure_class import FailureClass
from fairlead.api.fields import (
    MAX_VERSION,
    EntryName,
    ModelFolder,
    PythonVersion,
    Seconds,
    Sha256,
    SizeBytes,
    StoredDigest,
    VersionNumber,
)
from fairlead.api.latencies import Count, Latencies, Rounded
from fairlead.api.model import ModelSource, ModelVersion
from fairlead.api.reasons import Reason
from fairlead.api.wire import StatusWire, Wire
from fairlead.log_address import LogName
from fairlead.redact import redacted
from fairlead.requirement import CondaRecipe, Requirement

REQUEST_FILE, RESULT_FILE, LOG_FILE, FILES_FOLDER = "request.json", "result.json", "log", "files"
WORK_FOLDER = "work"  # what a task needs while it runs; nothing in it outlives the task
EXIT_NO_SPACE = 73  # the disk had no room, not even for the result (EX_CANTCREAT)
LANES: Mapping[str, str] = {
    "resolve": "resolves_at_once",
    "ingest": "ingests_at_once",
    "source": "ingests_at_once",
    "environment": "tasks_at_once",
    "assemble": "tasks_at_once",
    "smoke": "tasks_at_once",
    "profile": "profiles_at_once",
    "publish": "resolves_at_once",
}
"""The lane of each program: tasks of one lane share its slots. Named by the setting of its size."""

MAX_WORDS_CHARS = 4096  # characters of what a task says in one field
MAX_RESULT_BYTES = 1024 * 1024  # of ``result.json``


def _one_line(text: str) -> str:
    """A task may have run foreign code: what it says is redacted, and forges no line of a log."""
    return " ".join(redacted(text[: 2 * MAX_WORDS_CHARS]).split())[:MAX_WORDS_CHARS]


def _lines(text: str) -> str:
    return redacted(text[-2 * MAX_WORDS_CHARS :], MAX_WORDS_CHARS)


def _start(text: str) -> str:
    return text[:MAX_WORDS_CHARS]


OneLine = Annotated[str, AfterValidator(_one_line)]


def _known(kind: type[StrEnum], otherwise: StrEnum) -> BeforeValidator:
    """A word that another version of us may have written, and that this one does not know."""
    return BeforeValidator(lambda word: word if word in list(kind) else otherwise)


class TaskFailure(StatusWire):
    """Why a task did not succeed, in the user's words. ``retryable``: trying again may help."""

    reason: Annotated[Reason, _known(Reason, Reason.TASK_CRASHED)]
    class_: Annotated[
        FailureClass, _known(FailureClass, FailureClass.UNKNOWN), Field(alias="class")
    ]
    message: OneLine
    remedy: OneLine | None = None
    location: OneLine | None = None
    requirement: Annotated[str, AfterValidator(_start)] | None = None
    """The line of the environment file that is to blame, where one is. ``message`` then begins with
    it, and the operator puts the user's file and line in front."""
    log_tail: Annotated[str, AfterValidator(_lines)] | None = None
    retryable: bool = False
    gone: bool = False
    """What the task was to work on is not in the registry any more: only making it again helps."""


_LONGER = {
    "ingest": "FAIRLEAD_INGEST_TIMEOUT_SECONDS of the operator",
    "source": "FAIRLEAD_CODE_TIMEOUT_SECONDS of the operator",
    "environment": "spec.build.timeoutSeconds",
    "assemble": "spec.build.timeoutSeconds",
}


def timed_out(program: str, seconds: float, log_tail: str | None = None) -> TaskFailure:
    """What is told of a task that was ended because it took longer than it may."""
    longer = _LONGER.get(program)
    return TaskFailure(
        reason=Reason.TASK_TIMED_OUT,
        class_=FailureClass.RESOURCE,
        message=f"The {program} task took longer than {seconds:.0f} s and was ended.",
        remedy="See what it waited for at the end of its log"
        f"{f', or raise {longer}' if longer else ''}. It is tried again.",
        log_tail=log_tail,
        retryable=True,
    )


class TaskResult(StatusWire):
    """``result.json``: exactly one of the two; ``ok`` is the program's own result type."""

    ok: dict[str, object] | None = None
    failure: TaskFailure | None = None


class IngestRequest(Wire):
    """Fetch a model and store it as a version. A ConfigMap's files lie in ``files/``."""

    repository: str
    """``<push registry>/<namespace>/fairlead/models/<object name>``."""
    model_name: str
    source: ModelSource
    unpack: bool = False
    digest: str | None = None
    credentials: str = ""
    """The Secret for the source, mounted into the task; empty for none."""
    identity: bool = False
    """Whether the task may ask as its pod's own identity: never as the operator's."""


class IngestResult(StatusWire):
    """``version`` is the one the content stands for; ``versions`` the newest that the registry has,
    and that one. ``partial``: some that it has were left out."""

    version: VersionNumber
    versions: Annotated[tuple[ModelVersion, ...], Field(max_length=1000)]
    partial: bool = False

    @model_validator(mode="after")
    def _is_one_of_them(self) -> Self:
        if all(version.version != self.version for version in self.versions):
            raise ValueError(f"version {self.version} is not among the versions")
        return self


class EnvironmentRecipe(Wire):
    """All that decides an environment but the base image's digest; file names and lines are for
    messages and no part of the hash."""

    base_image: str
    """The reference as the user (or the setting) gave it."""
    python: str | None = None
    """``3.11``, ``3.11.4`` or ``>=3.9,<3.13`` where the user asked for one."""
    python_line: int | None = None
    requirements: tuple[Requirement, ...] = ()
    """In the user's order."""
    constraints: tuple[Requirement, ...] = ()
    """Versions that hold for whatever is installed."""
    options: tuple[Requirement, ...] = ()
    """pip's, each as ``--name`` or ``--name value``."""
    conda: CondaRecipe | None = None
    """Of a conda file."""
    file: str | None = None
    """The conda or requirements file."""
    steps: str = ""
    """``Dockerfile.steps``, line ends normalised."""
    steps_file: str | None = None
    copied: dict[str, Sha256] = Field(default_factory=dict)
    """The files of the source that the steps copy, path to content's digest."""
    local: dict[str, Sha256] = Field(default_factory=dict)
    """The files of the source that pip installs from, written alike."""
    programs: tuple[str, ...] | None = None
    """Those of both that may be run, where there are any: of a source that was fetched."""

    def place(self, asked: Requirement) -> str:
        """Where the user's files ask for it: ``myenv.yml:7``."""
        return f"{asked.file or self.file}:{asked.line}"


class SourceRequest(Wire):
    """Fetch the source of an image, read what decides about the build, and store it all."""

    repository: str
    """``<push registry>/<namespace>/fairlead/code/<object name>``."""
    source: ImageSource
    entry_script: str
    conda_file: str | None = None
    requirements_file: str | None = None
    docker_file: str | None = None
    base_image: str
    channels: tuple[str, ...] = ()
    """What ``defaults`` stands for among the channels of a conda file."""
    cuda: str = ""
    provides_azureml: bool = True
    """Packages of Azure ML v1 that the runtime answers for are not installed."""
    identity: bool = False
    """Whether the task may ask as its pod's own identity: never as the operator's."""


class SourceResult(StatusWire):
    """``digest`` is that of the artifact that holds the code, and what its files decide."""

    digest: StoredDigest
    code: FetchedCode


class ResolveRequest(Wire):
    """Ask the registry, before anything expensive: may we push, what is the base image, which
    versions exist, is the environment there already."""

    repository: str
    environments: str
    """``<push registry>/<namespace>/fairlead/environments``."""
    recipe: EnvironmentRecipe
    code: str | None = None
    """Of a source that was fetched: the artifact, by digest. What is in it goes before all of
    ``recipe`` but the base image."""
    keep_base: bool = False
    """Copy the base image into ``environments`` where there is something to build: it is built in
    another namespace, which has none of the credentials that this task has."""


class KnownVersion(StatusWire):
    """An image that the registry has: ``hash`` is what it was made from."""

    version: VersionNumber
    digest: StoredDigest
    hash: Sha256


class ResolveResult(StatusWire):
    base_digest: StoredDigest
    environment_hash: Sha256
    environment_digest: StoredDigest | None = None
    environment_python: PythonVersion | None = None
    environment_locked: bool | None = None
    last_version: Annotated[int, Field(ge=0, le=MAX_VERSION)] = 0
    """The highest version that was ever used, builds that failed included."""
    versions: Annotated[tuple[KnownVersion, ...], Field(max_length=10)] = ()
    """The newest ten at most."""


class LogTarget(Wire):
    """Where a task keeps its log: appended to what ``<repository>:<tag>`` holds already."""

    repository: str
    tag: str
    owner: str
    """``<namespace>/<name>`` of the InferenceImage, which removes its own old logs; of an
    environment's log ``<namespace>/environments``."""


class EnvironmentRequest(Wire):
    recipe: EnvironmentRecipe
    base_digest: str
    hash: str
    environments: str
    log: LogTarget
    """Of the build that it is made for: it tells which versions were ever used."""
    shared_log: LogTarget | None = None
    """Of the environment itself, for all who wait for it."""
    engine: Literal["docker", "pod", "buildkit"] = "docker"
    base_kept: bool = False
    """The base image lies in ``environments``, too, and is read there."""
    conda_file: bool | None = Field(default=None, exclude_if=lambda value: value is None)
    """The environment file is conda's, and may bring a Python where the base image has none: for
    the ``pod`` engine."""
    code: str | None = None
    """As in a ``ResolveRequest``."""


class EnvironmentResult(StatusWire):
    digest: StoredDigest
    python: PythonVersion
    """``3.11.2``."""
    seconds: Seconds
    built: bool
    """False where the registry had it already."""
    locked: bool | None = None
    """The registry has its lock."""


class ModelLayer(Wire):
    """A model version to mount into the image."""

    repository: str
    layer: StoredDigest
    size: SizeBytes
    model_name: ModelFolder
    version: VersionNumber
    path: EntryName


class AssembleRequest(Wire):
    """Put models, code (``files/``) and the runtime on an environment, push it as a version."""

    repository: str
    version: int
    hash: str
    environments: str
    environment_digest: str
    runtimes: str
    """``<push registry>/<namespace>/fairlead/runtimes``."""
    python: str
    models: tuple[ModelLayer, ...] = ()
    entry_script: str
    environment_variables: dict[str, str] = Field(default_factory=dict)
    log: LogTarget
    code: str | None = None
    """Of a source that was fetched: the artifact, by digest, in the place of ``files/``."""
    tag: bool = True
    """Whether it gets its version's tag at once; else it lies there by its digest."""
    debugger: bool = False
    """Whether the runtime brings debugpy."""


class AssembleResult(StatusWire):
    digest: StoredDigest
    size_bytes: SizeBytes
    seconds: Seconds
    tagged: bool = False
    """Whether the version's tag stands for it: also where none was asked for, and it was there."""


class SmokeRequest(Wire):
    """Try an image: its own runtime imports the script, calls ``init()`` and ``run()``.

    In a Job no program of ours runs: the image's container reads this file, and leaves its result.
    """

    image: str
    """By digest, as the nodes name it."""
    timeout_seconds: int
    sample: str | None = None
    """The body of the request for ``run()``; None: it is not called."""
    sample_file: str | None = None
    """The file of the source that holds it, where only the image has that."""
    name: str = ""
    """The InferenceImage's; like ``limits``, where tasks are child processes."""
    limits: Mapping[str, str] = Field(default_factory=dict)
    """What the container may use."""


class SmokeResult(StatusWire):
    seconds: Seconds


class ProfileRequest(SmokeRequest):
    """Run an image under load: its own runtime is the service, and the client."""

    requests: int
    """The most that are measured."""
    seconds: int
    """The longest that they are."""
    max_concurrent_requests: int


class ProfileResult(StatusWire):
    """What the image's own runtime measured, in seconds, cores and bytes."""

    seconds: Seconds
    start_seconds: Rounded
    requests: Annotated[Count, Field(ge=1)]
    errors: Count
    first_error: OneLine | None = None
    restarts: Count
    requests_per_second: Rounded
    latency_milliseconds: Latencies
    cpu_cores: Rounded | None = None
    highest_cpu_cores: Rounded | None = None
    throttled_percent: Annotated[int, Field(ge=0, le=100)] = 0
    memory_bytes: SizeBytes


class PublishRequest(Wire):
    """Give an image that lies in the registry by its digest the tag of its version."""

    repository: str
    version: int
    digest: str


class PublishResult(StatusWire):
    digest: StoredDigest
    seconds: Seconds


RESULTS: Mapping[str, type[StatusWire]] = {
    "ingest": IngestResult,
    "source": SourceResult,
    "resolve": ResolveResult,
    "environment": EnvironmentResult,
    "assemble": AssembleResult,
    "smoke": SmokeResult,
    "profile": ProfileResult,
    "publish": PublishResult,
}


def read_result(program: str, content: bytes) -> TaskResult:
    """Return the result that ``program`` wrote. Raises ``ValueError`` where it is none of its.

    The program may have run foreign code: what it writes flows into status and into later requests,
    so that it is taken only as what it is to be.
    """
    if len(content) > MAX_RESULT_BYTES:
        raise ValueError(f"it is longer than {MAX_RESULT_BYTES} bytes")
    result = TaskResult.model_validate_json(content)
    if (result.ok is None) == (result.failure is None):
        raise ValueError("it says neither what was done nor why not, or both")
    if result.ok is not None and program in RESULTS:
        return TaskResult(ok=RESULTS[program].model_validate(result.ok).to_wire())
    return result


class TaskPhase(StrEnum):
    QUEUED = "Queued"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    INTERRUPTED = "Interrupted"  # the operator went away meanwhile; never adopted, started again


@dataclass(frozen=True)
class Owner:
    """An object of ours that wants a task."""

    kind: str
    name: str
    uid: str


@dataclass(frozen=True)
class Access:
    """What lets a task into registries and sources: names in its namespace, empty for none."""

    push_secret: str = ""
    pull_secret: str = ""
    service_account: str = ""
    source_secret: str = ""
    source_claim: str = ""
    package_secret: str = ""


NO_ACCESS = Access()


@dataclass(frozen=True)
class Task:
    """One piece of work. ``id`` names the work by its content: equal ids are the same work, and a
    higher ``attempt`` is the same work tried again."""

    id: str
    program: str
    attempt: int
    request: Wire
    timeout: float
    files: Mapping[str, bytes] = field(default_factory=dict)
    build: str = ""
    """``<namespace>/<name>/<build id>`` of the InferenceImage whose log this is, else empty."""
    namespace: str = field(kw_only=True)
    """Whose turn it is: namespaces take turns for the slots of a lane."""
    owner: Owner | None = field(default=None, kw_only=True)
    """Who wants it: the object that a Job of the task goes with."""
    log: LogName | None = field(default=None, kw_only=True)
    """The log that it writes, where one is kept."""
    log_elsewhere: bool = field(default=False, kw_only=True)
    """It is kept in a registry that is not the operator's."""
    log_if_failed: bool = field(default=False, kw_only=True)
    """The operator keeps its end where it failed."""
    config_map: str = field(default="", kw_only=True)
    """The ConfigMap of the namespace that holds ``files``; empty where the spec holds them."""
    requests: Mapping[str, str] = field(default_factory=dict, kw_only=True)
    """What the container that runs foreign code asks for, beyond the settings."""
    limits: Mapping[str, str] = field(default_factory=dict, kw_only=True)
    """What it may use, alike."""
    apart: str = field(default="", kw_only=True)
    """The namespace of its Job, where builds have one of their own: nothing of ``namespace`` can be
    mounted there."""
    architecture: str = field(default="", kw_only=True)
    """``arm64``: of the nodes that its Job may run on; empty for any."""
    access: Access = field(default=NO_ACCESS, kw_only=True)
    """Where tasks are Jobs: what is mounted into this one, and which ServiceAccount it has."""


@dataclass(frozen=True)
class TaskState:
    """How one task stands, or how its latest attempt ended. Times are UTC."""

    id: str
    attempt: int
    phase: TaskPhase
    build: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None
    result: Mapping[str, object] | None = None
    failure: TaskFailure | None = None
    """Why it failed; of one that waits or runs: what keeps it from beginning."""
    position: int | None = None
    """Of a queued task: 1 is the next to begin in its lane."""
