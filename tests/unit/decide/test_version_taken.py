"""Several InferenceImages push to one repository: who comes second takes the next version."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from fairlead.api.inferenceimage import InferenceImageStatus
from fairlead.api.reasons import Reason
from fairlead.contract import AssembleRequest, Task, TaskFailure, TaskPhase, TaskState
from fairlead.decide.decision import Decision
from fairlead.decide.image.stages import decide_image
from fairlead.decide.image.taken import MAX_VERSIONS_TAKEN
from fairlead.registry.errors import TagTakenError
from fairlead.registry.reference import parse_repository
from fairlead.tasks.failures import registry_failure
from tests.unit.decide.test_image import BASE, CONDA, ENV, SCRIPT, SETTINGS, STORED
from tests.unit.image_evidence import image_evidence
from tests.unit.objects import NOW, image

SHARED = "registry.example.com/team/credit"
STEP = timedelta(seconds=1)
HORIZON = timedelta(days=1)
OTHER = "9" * 64  # the hash of what somebody else made


@dataclass
class Repository:
    """Versions by number, as hashes of what they were made from; logs of builds count as used."""

    versions: dict[int, str] = field(default_factory=dict)
    logs: set[int] = field(default_factory=set)

    def resolved(self) -> dict[str, Any]:
        known = sorted(self.versions.items(), reverse=True)[:10]
        return {
            "baseDigest": BASE,
            "environmentHash": "e" * 64,
            "environmentDigest": ENV,
            "environmentPython": "3.11.2",
            "lastVersion": max([*self.versions, *self.logs], default=0),
            "versions": [{"version": n, "digest": digest(h), "hash": h} for n, h in known],
        }

    def assembled(self, request: AssembleRequest) -> dict[str, Any] | TaskFailure:
        self.logs.add(request.version)
        there = self.versions.setdefault(request.version, request.hash)
        if there != request.hash:
            said = f"{SHARED}:{request.version} exists and was made from something else."
            return registry_failure(TagTakenError(parse_repository(SHARED), said))
        return {"digest": digest(request.hash), "sizeBytes": 1, "seconds": 1.0}


def digest(hash_: str) -> str:
    return f"sha256:{hash_}"


@dataclass
class Loop:
    """One object, reconciled again and again; its tasks end when ``run`` is called."""

    name: str
    repository: Repository
    status: InferenceImageStatus = field(default_factory=InferenceImageStatus)
    tasks: dict[str, TaskState] = field(default_factory=dict)
    attempts: int = 0
    decision: Decision[InferenceImageStatus] | None = None
    before_push: Callable[[AssembleRequest], None] = lambda _: None
    writes_status: bool = True

    def reconcile(self, now: datetime) -> tuple[Task, ...]:
        seen = image(
            self.status.to_wire(),
            condaFile="myenv.yml",
            repository=SHARED,
            models=[{"name": "diabetes"}],
        )
        files = {"score.py": SCRIPT + f"# {self.name}\n".encode(), "myenv.yml": CONDA}
        seen = replace(seen, name=self.name, uid=f"uid-of-{self.name}")
        evidence = image_evidence(seen, {"diabetes": STORED}, files, dict(self.tasks), SETTINGS)
        decision = self.decision = decide_image(evidence, now)
        for identifier in decision.taken:
            self.tasks.pop(identifier, None)
        for task in decision.tasks:
            known = self.tasks.get(task.id)
            if known is None or known.attempt < task.attempt:
                running = TaskState(task.id, task.attempt, TaskPhase.RUNNING, task.build, now)
                self.tasks[task.id] = running
        if self.writes_status:
            self.status = decision.status.model_copy(update={"failure": decision.failure})
        return decision.tasks

    def run(self, task: Task, now: datetime) -> None:
        state = self.tasks[task.id]
        if state.phase is not TaskPhase.RUNNING:
            return
        outcome: dict[str, Any] | TaskFailure = self.repository.resolved()
        if isinstance(task.request, AssembleRequest):
            assert task.build.rpartition("/")[2].startswith(f"{task.request.version}-")
            self.attempts += 1
            self.before_push(task.request)
            outcome = self.repository.assembled(task.request)
        if isinstance(outcome, TaskFailure):
            ended = replace(state, phase=TaskPhase.FAILED, failure=outcome)
        else:
            ended = replace(state, phase=TaskPhase.SUCCEEDED, result=outcome)
        self.tasks[task.id] = replace(ended, finished_at=now)

    @property
    def reason(self) -> str:
        assert self.decision
        return str(self.decision.conditions[0].reason)

    @property
    def requeue_after(self) -> float:
        assert self.decision
        return self.decision.requeue_after

    @property
    def stalled(self) -> bool:
        assert self.decision
        return any(c.type == "Stalled" for c in self.decision.conditions)


def run_until_settled(loops: Sequence[Loop]) -> None:
    """All of them in step, so that they meet as often as they can."""
    now = NOW
    while now < NOW + HORIZON:
        wanted = [(loop, loop.reconcile(now)) for loop in loops]
        if all(loop.stalled or loop.reason == "Built" for loop in loops):
            return
        for loop, tasks in wanted:
            for task in tasks:
                loop.run(task, now)
        idle = min(loop.requeue_after for loop in loops if loop.reason != "Built")
        at_once = any(tasks for _, tasks in wanted)
        now += STEP if at_once else max(STEP, timedelta(seconds=idle))
    pytest.fail(f"not settled in {HORIZON}: {[loop.reason for loop in loops]}")


@pytest.mark.parametrize("count", [2, 5, MAX_VERSIONS_TAKEN])
def test_images_that_push_to_one_repository_each_get_a_version_of_their_own(count: int) -> None:
    repository = Repository()
    loops = [Loop(f"image-{number}", repository) for number in range(count)]
    run_until_settled(loops)
    versions = [loop.status.version for loop in loops]
    assert sorted(version or 0 for version in versions) == sorted(repository.versions)
    assert len(set(versions)) == count
    for loop in loops:
        assert loop.status.hashes
        assert repository.versions[loop.status.version or 0] == loop.status.hashes.image
        assert loop.status.image_location == f"{SHARED}:{loop.status.version}"
        assert loop.status.build
        assert loop.status.build.id.partition("-")[0] == str(loop.status.version)
        assert loop.status.failure is None


def test_a_taken_version_is_told_and_the_registry_is_asked_before_the_next_is_taken() -> None:
    repository = Repository()
    loop = Loop("mine", repository)
    seen: list[str] = []

    def somebody_else(request: AssembleRequest) -> None:
        if not seen:
            repository.versions |= dict.fromkeys(range(1, 8), OTHER)
        seen.append(f"{request.version}")

    loop.before_push = somebody_else
    reasons: list[str] = []
    for second in range(60):
        now = NOW + second * STEP
        for task in loop.reconcile(now):
            loop.run(task, now)
        if loop.reason not in reasons[-1:]:
            reasons.append(loop.reason)
    assert seen == ["1", "8"]
    assert reasons == [
        "Resolving",
        "Assembling",
        "VersionTaken",
        "Resolving",
        "Assembling",
        "Built",
    ]
    assert loop.status.build
    assert (loop.status.version, loop.status.build.versions_taken) == (8, 1)


def test_who_takes_every_version_ends_the_tries() -> None:
    repository = Repository()
    loop = Loop("mine", repository)

    def somebody_else(request: AssembleRequest) -> None:
        repository.versions[request.version] = OTHER

    loop.before_push = somebody_else
    run_until_settled([loop])
    assert (loop.reason, loop.stalled) == ("VersionTaken", True)
    assert loop.attempts == MAX_VERSIONS_TAKEN + 1
    assert loop.status.failure
    assert loop.status.failure.next_retry_at is None
    assert loop.reconcile(NOW + 2 * HORIZON) == ()


def test_a_status_that_could_not_be_written_leaves_the_version_at_work_in_place() -> None:
    """The task is one version ahead of the status: its result counts for the version it made."""
    repository = Repository({1: OTHER}, set())
    loop = Loop("mine", repository)
    [task] = loop.reconcile(NOW)
    loop.run(task, NOW)
    repository.versions[2] = OTHER
    [task] = loop.reconcile(NOW)
    loop.run(task, NOW)  # finds version 2 taken
    loop.reconcile(NOW)
    assert loop.reason == Reason.VERSION_TAKEN
    later = NOW + timedelta(minutes=1)
    [task] = loop.reconcile(later)  # asks the registry
    loop.run(task, later)
    loop.writes_status = False
    [task] = loop.reconcile(later)
    assert task.build == "demo/mine/3-1"
    loop.writes_status = True
    [again] = loop.reconcile(later)
    assert (again.attempt, again.build) == (task.attempt, "demo/mine/3-1")
    loop.run(task, later)
    loop.reconcile(later)
    assert loop.status.version == 3
    assert loop.status.build
    assert loop.status.build.id == "3-1"


def test_a_tag_pushed_by_hand_leaves_room_for_versions() -> None:
    """Nine digits are no version; the highest of eight still has a next one."""
    repository = Repository({99_999_999: "9" * 64}, set())
    loop = Loop("mine", repository)
    run_until_settled([loop])
    assert (loop.reason, loop.status.version) == ("Built", 100_000_000)
