"""A task's result as its container's termination message: it always fits, and is read again."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairlead.api.model import MlflowModel, ModelVersion
from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.contract import (
    AssembleResult,
    IngestResult,
    KnownVersion,
    ResolveResult,
    TaskFailure,
    TaskResult,
)
from fairlead.task_message import MAX_MESSAGE_BYTES, read_message, written_message

DIGEST = f"sha256:{'ab' * 32}"
INJECTED = 4  # containers that others add
KUBELETS_BYTES = 12 * 1024  # of all containers of a pod
texts = st.text(max_size=5000)


def version(number: int, source: str = "https://models.example.com/m.pkl") -> ModelVersion:
    return ModelVersion(
        version=number,
        model_name="diabetes",
        digest=DIGEST,
        size_bytes=1,
        files=1,
        source=source,
        artifact=f"localhost:5000/demo/fairlead/models/diabetes:{number}",
        layer=DIGEST,
        path="m.pkl",
        registered_at=datetime(2026, 11, 26, tzinfo=UTC),
    )


def test_what_mlflow_says_gives_way_before_a_version_does() -> None:
    told = MlflowModel(flavors=("sklearn",), requirements=("x" * 100,) * 6)
    for chars, kept in ((100, True), (1300, False), (2000, False)):
        own = version(2, f"https://h/{'s' * chars}").model_copy(update={"mlflow": told})
        result = IngestResult(version=2, versions=(version(1), own))
        message = written_message(TaskResult(ok=result.to_wire()))
        assert len(message) <= MAX_MESSAGE_BYTES
        read = IngestResult.model_validate(read_message("ingest", message.decode()).ok)
        assert (read.versions[-1].mlflow is not None) is kept


def resolved(versions: int) -> ResolveResult:
    return ResolveResult(
        base_digest=DIGEST,
        environment_hash="cd" * 32,
        environment_digest=DIGEST,
        environment_python="3.11.2",
        last_version=versions,
        versions=tuple(
            KnownVersion(version=number, digest=DIGEST, hash="ef" * 32)
            for number in range(versions, 0, -1)
        ),
    )


def failure(message: str = "It failed.", **others: str | None) -> TaskFailure:
    return TaskFailure(
        reason=Reason.OUT_OF_DISK,
        class_=FailureClass.RESOURCE,
        message=message,
        retryable=True,
        **others,
    )


def through(program: str, result: TaskResult) -> TaskResult:
    content = written_message(result)
    assert len(content) <= MAX_MESSAGE_BYTES
    return read_message(program, content.decode())


def test_a_short_result_arrives_whole() -> None:
    result = AssembleResult(digest=DIGEST, size_bytes=7, seconds=1.5)
    assert through("assemble", TaskResult(ok=result.to_wire())).ok == result.to_wire()


@pytest.mark.parametrize("count", [1, 2, 50, 1000])
def test_of_many_versions_the_newest_and_the_own_one_arrive(count: int) -> None:
    mine = max(1, count // 2)
    versions = tuple(version(number) for number in range(1, count + 1))
    result = IngestResult(version=mine, versions=versions)
    read = IngestResult.model_validate(through("ingest", TaskResult(ok=result.to_wire())).ok)
    kept = [one.version for one in read.versions]
    assert mine in kept
    assert kept == sorted(kept)
    assert read.partial == (len(kept) < count)
    others = [number for number in kept if number != mine]
    newest = [number for number in range(count, 0, -1) if number != mine][: len(others)]
    assert others == newest[::-1]


@settings(deadline=None)
@given(st.text(min_size=1, max_size=2048))
def test_a_long_address_is_cut_and_nothing_else(source: str) -> None:
    stored = version(3, source=source)
    result = IngestResult(version=3, versions=(version(2), stored))
    read = IngestResult.model_validate(through("ingest", TaskResult(ok=result.to_wire())).ok)
    mine = next(one for one in read.versions if one.version == 3)
    assert mine.model_copy(update={"source": stored.source}) == stored
    assert stored.source.encode(errors="replace").startswith(
        mine.source.removesuffix("…").encode(errors="replace")
    )


def test_of_known_images_the_newest_arrive() -> None:
    read = through("resolve", TaskResult(ok=resolved(10).to_wire()))
    result = ResolveResult.model_validate(read.ok)
    kept = [known.version for known in result.versions]
    assert kept == list(range(10, 10 - len(kept), -1))
    assert len(kept) >= 5
    assert result.last_version == 10


@settings(deadline=None)
@given(texts, st.none() | texts, st.none() | texts, st.none() | texts)
def test_whatever_a_failure_says_it_fits_and_arrives(
    message: str, remedy: str | None, location: str | None, log_tail: str | None
) -> None:
    said = failure(message, remedy=remedy, location=location, log_tail=log_tail)
    read = through("ingest", TaskResult(failure=said)).failure
    assert read is not None
    assert (read.reason, read.class_, read.retryable) == (said.reason, said.class_, True)
    assert said.message.startswith(read.message.removesuffix("…").rstrip()[:50])


def test_the_end_of_a_log_fills_the_room_that_is_left() -> None:
    said = failure(log_tail="\n".join(f"line {number}" for number in range(1000)))
    content = written_message(TaskResult(failure=said))
    assert MAX_MESSAGE_BYTES - 10 <= len(content) <= MAX_MESSAGE_BYTES
    tail = json.loads(content)["failure"]["logTail"]
    assert tail.endswith("line 999")


def test_half_a_requirement_names_no_line_of_the_users_file() -> None:
    said = failure(requirement="a" * 500)
    read = through("environment", TaskResult(failure=said)).failure
    assert read is not None
    assert read.requirement is None


@settings(max_examples=200, deadline=None)
@given(st.integers(min_value=0, max_value=MAX_MESSAGE_BYTES))
def test_a_failure_that_was_cut_is_read_as_far_as_it_goes(length: int) -> None:
    said = failure("The disk is full. " * 20, remedy="Make room.", log_tail="x" * 3000)
    cut = written_message(TaskResult(failure=said)).decode()[:length]
    try:
        read = read_message("ingest", cut).failure
    except ValueError:
        assert '"message":"' not in cut
        return
    assert read is not None
    assert read.reason is Reason.OUT_OF_DISK
    assert said.message.startswith(read.message)


@settings(deadline=None)
@given(st.integers(min_value=0, max_value=MAX_MESSAGE_BYTES))
def test_an_ok_that_was_cut_is_none(length: int) -> None:
    whole = written_message(TaskResult(ok=resolved(3).to_wire())).decode()
    if length >= len(whole):
        return
    with pytest.raises(ValueError):  # noqa: PT011  (pydantic's is one)
        read_message("resolve", whole[:length])


@settings(deadline=None)
@given(st.text())
def test_whatever_a_message_holds_it_is_read_or_refused(message: str) -> None:
    for text in (message, f'{{"failure":{message}', f'{{"ok":{message}'):
        try:
            read_message("ingest", text)
        except ValueError:
            continue


def test_the_message_stays_whole_beside_injected_containers() -> None:
    """The kubelet gives each container an equal share."""
    assert KUBELETS_BYTES // (1 + INJECTED) >= MAX_MESSAGE_BYTES
