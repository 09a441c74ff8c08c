"""What goes into each task and what comes out: the JSON between the operator and its tasks.

A task is started as ``python -m fairlead.tasks.<program> FOLDER``. It reads ``request.json`` (and,
where a source is handed over, the files in ``files/``), logs to standard output, writes
``result.json`` as its last deed and exits with 0, or with 1 where the result is a failure.
Settings reach it by the same environment variables as the operator.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from fairlead.api.model import ModelVersion
from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.api.wire import StatusWire, Wire

REQUEST_FILE, RESULT_FILE, LOG_FILE, FILES_FOLDER = "request.json", "result.json", "log", "files"
WORK_FOLDER = "work"  # what a task needs while it runs; nothing in it outlives the task


class TaskFailure(StatusWire):
    """Why a task did not succeed, in the user's words. ``retryable``: trying again may help."""

    reason: Reason
    class_: Annotated[FailureClass, Field(alias="class")]
    message: str
    remedy: str | None = None
    location: str | None = None
    requirement: str | None = None
    """The line of the environment file that is to blame, where one is. ``message`` then begins with
    it, and the operator puts the user's file and line in front."""
    log_tail: str | None = None
    retryable: bool = False


class TaskResult(StatusWire):
    """``result.json``: exactly one of the two; ``ok`` is the program's own result type."""

    ok: dict[str, object] | None = None
    failure: TaskFailure | None = None


class IngestRequest(Wire):
    """Fetch a model and store it as a version. Without ``uri`` its files lie in ``files/``."""

    repository: str
    """``<push registry>/<namespace>/fairlead/models/<object name>``."""
    model_name: str
    source: str
    """Where it comes from, as status shows it: the address, or ``configmap/<name>``."""
    uri: str | None = None
    unpack: bool = False
    digest: str | None = None


class IngestResult(StatusWire):
    """``version`` is the one the content stands for; ``versions`` all that the registry has."""

    version: int
    versions: tuple[ModelVersion, ...]


class Requirement(Wire):
    """One PEP 508 requirement (hashes may follow), and its line in the user's file."""

    text: str
    line: int


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
    file: str | None = None
    """The conda or requirements file."""
    steps: str = ""
    """``Dockerfile.steps``, line ends normalised."""
    steps_file: str | None = None


class ResolveRequest(Wire):
    """Ask the registry, before anything expensive: may we push, what is the base image, which
    versions exist, is the environment there already."""

    repository: str
    environments: str
    """``<push registry>/<namespace>/fairlead/environments``."""
    recipe: EnvironmentRecipe


class KnownVersion(StatusWire):
    """An image that the registry has: ``hash`` is what it was made from."""

    version: int
    digest: str
    hash: str


class ResolveResult(StatusWire):
    base_digest: str
    environment_hash: str
    environment_digest: str | None = None
    environment_python: str | None = None
    last_version: int = 0
    """The highest version that was ever used, builds that failed included."""
    versions: tuple[KnownVersion, ...] = ()
    """The newest ten at most."""


class LogTarget(Wire):
    """Where a task keeps its log: appended to what ``<repository>:<tag>`` holds already."""

    repository: str
    tag: str


class EnvironmentRequest(Wire):
    recipe: EnvironmentRecipe
    base_digest: str
    hash: str
    environments: str
    log: LogTarget
    engine: Literal["docker"] = "docker"


class EnvironmentResult(StatusWire):
    digest: str
    python: str
    """``3.11.2``."""
    seconds: float
    built: bool
    """False where the registry had it already."""


class ModelLayer(Wire):
    """A model version to mount into the image."""

    repository: str
    layer: str
    size: int
    model_name: str
    version: int
    path: str


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


class AssembleResult(StatusWire):
    digest: str
    size_bytes: int
    seconds: float


class TaskPhase(StrEnum):
    QUEUED = "Queued"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    INTERRUPTED = "Interrupted"  # the operator went away meanwhile; never adopted, started again


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
