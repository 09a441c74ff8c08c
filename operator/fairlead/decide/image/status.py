"""What an InferenceImage has learnt, written into its status; pure, one function per event."""

from collections.abc import Iterable
from datetime import datetime

from fairlead.api.inferenceimage import (
    BaseImageStatus,
    BuildPhase,
    BuildStatus,
    CreationState,
    Durations,
    EnvironmentStatus,
    Hashes,
    HistoryEntry,
    ImageDisplay,
    InferenceImageStatus,
    ResolvedInputs,
    SmokeTestOutcome,
)
from fairlead.contract import (
    AssembleResult,
    EnvironmentResult,
    ResolveResult,
    SmokeResult,
)
from fairlead.decide.display import duration
from fairlead.decide.image.build import attempt_of, version_of
from fairlead.decide.image.inputs import Inputs
from fairlead.decide.image.logs import BuildLog
from fairlead.images.environment_lock import lock_tag

MAX_HISTORY = 10  # versions in status.history that have their tags
MAX_UNTAGGED = 40  # and that have none: a registry may refuse tags for long


def with_resolution(
    status: InferenceImageStatus,
    key: str,
    environments: str,
    inputs: Inputs,
    result: ResolveResult,
) -> InferenceImageStatus:
    """What the registry said of the base image, the environment and earlier versions."""
    base = inputs.recipe.base_image
    digest = result.environment_digest
    untagged = {entry.version for entry in status.history if entry.untagged}
    remembered = {(entry.version, entry.hash, entry.digest) for entry in status.history}
    known = (
        HistoryEntry(version=v.version, hash=v.hash, digest=v.digest)
        for v in result.versions
        if v.version not in untagged  # whose tag it is the task says that puts it
        and (v.version, v.hash, v.digest) not in remembered  # with more than the registry has
    )
    return status.model_copy(
        update={
            "resolved": ResolvedInputs(key=key, last_version=result.last_version),
            "base_image": BaseImageStatus(reference=base, digest=result.base_digest),
            "environment": EnvironmentStatus(
                hash=result.environment_hash,
                image=f"{environments}@{digest}" if digest else None,
                python=result.environment_python,
                lock=_lock(environments, result.environment_hash, there=result.environment_locked),
                unpinned=inputs.unpinned or None,
            ),
            "history": _newest([*status.history, *known]),
        }
    )


def with_environment(
    status: InferenceImageStatus, environments: str, hash_: str, result: EnvironmentResult
) -> InferenceImageStatus:
    """The environment image of that hash is in the registry."""
    environment = EnvironmentStatus(
        hash=hash_,
        image=f"{environments}@{result.digest}",
        python=result.python,
        lock=_lock(environments, hash_, there=result.locked),
        unpinned=status.environment.unpinned if status.environment else None,
    )
    seconds = round(result.seconds) if result.built else None
    durations = Durations(environment=seconds)
    build = status.build.model_copy(update={"durations": durations}) if status.build else None
    return status.model_copy(update={"environment": environment, "build": build})


def _lock(environments: str, hash_: str, *, there: bool | None) -> str | None:
    return f"{environments}:{lock_tag(hash_)}" if there else None


def assembled(build: BuildStatus, result: AssembleResult) -> BuildStatus:
    """The image of the build lies in the registry, with or without a tag."""
    before = build.durations or Durations()
    durations = before.model_copy(update={"assemble": round(result.seconds)})
    return build.model_copy(update={"image_digest": result.digest, "durations": durations})


def tested(build: BuildStatus, result: SmokeResult) -> BuildStatus:
    """It has passed its smoke test."""
    before = build.durations or Durations()
    durations = before.model_copy(update={"smoke_test": round(result.seconds)})
    return build.model_copy(update={"smoke_test": SmokeTestOutcome.PASSED, "durations": durations})


def with_image(
    status: InferenceImageStatus,
    repository: str,
    build: BuildStatus,
    hashes: Hashes,
    now: datetime,
    *,
    untagged_in: str | None = None,
) -> InferenceImageStatus:
    """A new version is in the registry; from now on it is the one that is served.

    ``untagged_in``: the repository, as tasks reach it, where it is still to be given its tag.
    Raises ``ValueError`` where the build has no image.
    """
    if build.image_digest is None:
        raise ValueError(f"build {build.id} has no image")
    done = {"phase": BuildPhase.SUCCEEDED, "finished_at": now}
    entry = HistoryEntry(
        version=version_of(build),
        hash=build.hash,
        digest=build.image_digest,
        attempt=attempt_of(build),
        untagged=True if untagged_in else None,
        repository=untagged_in,
    )
    took = sum((build.durations or Durations()).model_dump(exclude_none=True).values())
    return with_version(
        status.model_copy(
            update={
                "build": build.model_copy(update=done),
                "history": _newest([*status.history, entry]),
                "display": ImageDisplay(build=duration(max(took, 1))),
            }
        ),
        repository,
        entry,
        hashes,
    )


def with_version(
    status: InferenceImageStatus, repository: str, entry: HistoryEntry, hashes: Hashes
) -> InferenceImageStatus:
    """``entry`` is the version that these inputs stand for, whoever built it and when."""
    return status.model_copy(
        update={
            "version": entry.version,
            "image_location": f"{repository}:{entry.version}",
            "image_digest": entry.digest,
            "hashes": hashes,
            "creation_state": CreationState.SUCCEEDED,
        }
    )


def with_build(
    status: InferenceImageStatus, build: BuildStatus, log: BuildLog
) -> InferenceImageStatus:
    """A build is at work, or has failed."""
    failed = build.phase is BuildPhase.FAILED
    state = CreationState.FAILED if failed else CreationState.RUNNING
    build = with_log(build, log)
    took = (
        duration((build.finished_at - build.started_at).total_seconds())
        if build.finished_at
        else None
    )
    return status.model_copy(
        update={
            "build": build,
            "creation_state": state,
            "display": ImageDisplay(build=took) if took else status.display,
        }
    )


def with_log(build: BuildStatus, log: BuildLog) -> BuildStatus:
    """The build, and where its log is."""
    return build.model_copy(update={"log_uri": log.uri, "log_artifact": log.artifact})


def recognised(status: InferenceImageStatus, wanted: str) -> HistoryEntry | None:
    """The version that was made from exactly these inputs, if one is remembered."""
    return next((entry for entry in reversed(status.history) if entry.hash == wanted), None)


def stays(status: InferenceImageStatus) -> str:
    """What still stands while a stage waits."""
    if status.version is None:
        return "Waits for the stage before."
    return f"Version {status.version} stays in use."


def _newest(entries: Iterable[HistoryEntry]) -> tuple[HistoryEntry, ...]:
    by_version = {entry.version: entry for entry in entries}
    ordered = [by_version[version] for version in sorted(by_version)]
    tagged = [entry.version for entry in ordered if not entry.untagged][-MAX_HISTORY:]
    untagged = [entry.version for entry in ordered if entry.untagged][-MAX_UNTAGGED:]
    return tuple(entry for entry in ordered if entry.version in {*tagged, *untagged})
