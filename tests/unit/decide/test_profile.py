"""The profile of an image: when it is measured, what is told, and that nothing waits for it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from fairlead.api.profile import ProfileStatus
from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.contract import ProfileRequest, Task, TaskFailure, TaskPhase
from fairlead.decide.decision import Decision
from fairlead.settings import Settings
from tests.unit.decide.test_image import FILES, IMAGE, SCRIPT, Story, said
from tests.unit.decide.test_smoke_test import DRAINED, JOBS, OTHER
from tests.unit.objects import NOW

SAMPLE = {"inline": '{"data": [[1]]}'}
FOUND = {
    "seconds": 4.0,
    "startSeconds": 1.5,
    "requests": 1000,
    "errors": 0,
    "restarts": 0,
    "requestsPerSecond": 250.0,
    "latencyMilliseconds": {
        "mean": 4.1, "p50": 4, "p90": 5, "p95": 6, "p99": 7, "p999": 8, "highest": 9,
    },
    "cpuCores": 0.5,
    "highestCpuCores": 0.6,
    "throttledPercent": 0,
    "memoryBytes": 100 * 2**20,
}  # fmt: skip
RAISED = TaskFailure(
    reason=Reason.USER_SCRIPT_RUN_FAILED,
    class_=FailureClass.USER,
    message="Profile: run() raised KeyError at score.py:6 for the sample: 'bias'",
    remedy="Correct it.",
    location="score.py:6",
    log_tail="Traceback …",
)


def built(settings: Settings | None = JOBS, **profile: Any) -> Story:
    """Its image is there, and a profile is wanted."""
    wanted = {"sample": SAMPLE, **profile}
    story = Story({**FILES, "sample.json": b"[1]"}, smokeTest={"enabled": False}, profile=wanted)
    story.evidence = {"settings": settings} if settings else {}
    story.resolve()
    story.build()
    assert said(story.look())["Profiled"] == "Unknown/Pending"
    story.assemble()
    return story


def request_of(task: Task) -> ProfileRequest:
    assert isinstance(task.request, ProfileRequest)
    return task.request


def profile_of(story: Story) -> ProfileStatus:
    assert story.status.profile
    return story.status.profile


def told(decision: Decision[Any]) -> str:
    [condition] = [one for one in decision.conditions if one.type == "Profiled"]
    return condition.message


def test_the_newest_good_image_is_measured_and_nothing_waits_for_it() -> None:
    story = built(cpu="500m", memory="1Gi", gpu=1, maxConcurrentRequests=2)
    task = story.wanted()
    assert (task.program, task.timeout) == ("profile", 900.0)
    assert task.requests == {"cpu": "500m", "memory": "1Gi"}
    assert task.limits == {**task.requests, "nvidia.com/gpu": "1"}
    request = request_of(task)
    assert request.image == f"localhost:5000/demo/diabetes@{IMAGE}"
    assert (request.sample, request.max_concurrent_requests) == (SAMPLE["inline"], 2)
    assert task.log
    assert task.build == f"demo/diabetes/{task.log.build}"
    running = story.look()
    assert said(running)["Ready"] == "True/Built"
    assert said(running)["Profiled"] == "Unknown/Profiling"
    assert "Reconciling" not in said(running)
    story.ends(task, **FOUND)
    done = story.look()
    assert task.id in done.taken
    assert said(done)["Profiled"] == "True/Profiled"
    assert told(done) == (
        "Version 1 needs 600m cpu and 128Mi of memory; p50 4 ms, p99 7 ms, 250 requests a second "
        "with 2 at the same time."
    )
    found = profile_of(story)
    assert (found.image_digest, found.version, found.measured_at) == (IMAGE, 1, NOW)
    assert found.given
    assert (found.given.cpu, found.given.memory) == ("500m", "1Gi")
    assert found.memory_peak == "100Mi"
    assert found.advice is None
    assert found.arithmetic
    assert "0.5 cores on average while 2 requests ran" in found.arithmetic


def test_it_is_not_measured_again_before_something_changes() -> None:
    story = built()
    task = story.wanted()
    story.ends(task, **FOUND)
    story.look()
    del story.tasks[task.id]
    assert not story.look().tasks
    changes: tuple[dict[str, Any], ...] = (
        {"sample": {"inline": "[2]"}},
        {"sample": SAMPLE, "cpu": "2"},
        {"sample": SAMPLE, "memory": "3Gi"},
        {"sample": SAMPLE, "seconds": 5},
        {"sample": SAMPLE, "timeoutSeconds": 100},
    )
    for change in changes:
        story.spec["profile"] = change
        again = story.wanted()
        assert again.id != task.id
        assert said(story.look())["Ready"] == "True/Built"
        assert profile_of(story).version == 1  # what was found stays meanwhile
    story.spec["profile"] = {"sample": SAMPLE}
    assert not story.look().tasks
    assert said(story.look())["Profiled"] == "True/Profiled"


def test_a_new_image_is_measured_anew() -> None:
    story = built()
    story.ends(story.wanted(), **FOUND)
    story.look()
    story.files["score.py"] = SCRIPT + b"\n"
    assert said(story.look())["Profiled"] == "Unknown/Pending"
    story.assemble(OTHER)
    assert request_of(story.wanted()).image.endswith(OTHER)
    assert profile_of(story).image_digest == IMAGE


def test_a_result_that_the_status_holds_already_is_given_up() -> None:
    story = built()
    task = story.wanted()
    story.ends(task, **FOUND)
    story.look()
    assert task.id in story.look().taken
    del story.tasks[task.id]
    assert task.id not in story.look().taken


def test_what_the_script_cannot_do_is_told_once_and_blocks_nothing() -> None:
    story = built()
    task = story.wanted()
    story.fails(task, RAISED)
    failed = story.look()
    assert said(failed)["Ready"] == "True/Built"
    assert said(failed)["Profiled"] == "False/UserScriptRunFailed"
    assert "Stalled" not in said(failed)
    assert failed.failure is None
    assert told(failed) == f"{RAISED.message} Correct it."
    failure = profile_of(story).failure
    assert failure
    assert (failure.location, failure.log_tail) == ("score.py:6", "Traceback …")
    assert failure.log_uri
    assert task.log
    assert task.log.build in failure.log_uri
    del story.tasks[task.id]  # its Job does not stay for ever
    again = story.look()
    assert not again.tasks
    assert said(again)["Profiled"] == "False/UserScriptRunFailed"
    story.spec["profile"] = {"sample": {"inline": "[2]"}}
    assert story.wanted().id != task.id
    assert said(story.look())["Profiled"] == "Unknown/Profiling"


def test_a_failure_leaves_the_numbers_of_before() -> None:
    story = built()
    story.ends(story.wanted(), **FOUND)
    story.look()
    story.spec["profile"] = {"sample": {"inline": "[2]"}}
    story.fails(story.wanted(), RAISED)
    assert told(story.look()).endswith("The numbers are those of version 1.")
    assert profile_of(story).requests == 1000


def test_what_was_the_clusters_fault_is_tried_again() -> None:
    story = built()
    first = story.wanted()
    story.fails(first, DRAINED)
    waiting = story.look()
    assert said(waiting)["Profiled"] == "False/TaskInterrupted"
    assert 0 < waiting.requeue_after < 10
    assert not waiting.tasks
    failure = profile_of(story).failure
    assert failure
    assert failure.next_retry_at
    story.tasks[first.id] = replace(story.tasks[first.id], finished_at=NOW - timedelta(minutes=1))
    again = story.wanted()
    assert (again.id, again.attempt) == (first.id, 2)
    repeated = story.look()
    assert said(repeated)["Profiled"] == "False/TaskInterrupted"  # until it is known to be well
    story.ends(again, **FOUND)
    assert said(story.look())["Profiled"] == "True/Profiled"
    assert profile_of(story).failure is None


def test_a_profile_waits_for_its_turn() -> None:
    story = built()
    task = story.wanted()
    state = story.tasks[task.id]
    story.tasks[task.id] = replace(state, phase=TaskPhase.QUEUED, position=3)
    waiting = story.look()
    assert said(waiting)["Profiled"] == "Unknown/Queued"
    assert "at most FAIRLEAD_PROFILES_AT_ONCE run at the same time" in told(waiting)


@pytest.mark.parametrize(
    ("sample", "message"),
    [
        ({"inline": "[1"}, "spec.profile.sample.inline is no JSON"),
        ({"file": "nowhere.json"}, "spec.profile.sample.file"),
    ],
)
def test_a_sample_that_cannot_be_sent_is_told_and_blocks_nothing(
    sample: dict[str, str], message: str
) -> None:
    story = built(sample=sample)
    refused = story.look()
    assert said(refused)["Ready"] == "True/Built"
    assert said(refused)["Profiled"].startswith("False/")
    assert message in told(refused)
    assert not refused.tasks


def test_the_sample_may_be_a_file_and_that_of_the_smoke_test() -> None:
    story = built(sample={"file": "sample.json"})
    assert request_of(story.wanted()).sample == "[1]"
    story.spec["smokeTest"] = {"enabled": False, "sample": {"inline": "[7]"}}
    story.spec["profile"] = {}
    assert request_of(story.wanted()).sample == "[7]"


def test_without_numbers_of_the_kernel_the_words_say_so() -> None:
    story = built()
    unknown = {"cpuCores": None, "highestCpuCores": None, "memoryBytes": 0}
    story.ends(story.wanted(), **{**FOUND, **unknown})
    assert told(story.look()).startswith("Version 1 needs unknown cpu and unknown of memory;")
    assert profile_of(story).memory_peak is None


def test_what_nobody_wants_any_more_is_gone() -> None:
    story = built()
    story.ends(story.wanted(), **FOUND)
    story.look()
    del story.spec["profile"]
    decision = story.look()
    assert "Profiled" not in said(decision)
    assert story.status.profile is None


def test_where_tasks_are_processes_docker_engine_runs_the_image() -> None:
    story = built(settings=None, cpu="500m", memory="1Gi")
    request = request_of(story.wanted())
    assert request.image == f"registry:5000/demo/diabetes@{IMAGE}"  # as Docker Engine reaches it
    assert (request.name, request.limits) == ("diabetes", {"cpu": "500m", "memory": "1Gi"})


def test_the_schema_of_a_result_is_all_that_is_taken() -> None:
    """The image's own container wrote it."""
    story = built()
    story.ends(story.wanted(), **{**FOUND, "latencyMilliseconds": {"p50": -1}})
    assert said(story.look())["Profiled"] == "False/TaskCrashed"
