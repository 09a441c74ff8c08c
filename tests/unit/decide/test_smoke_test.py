"""An image is tried before it gets its tag: what that is done with, and what comes of it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from fairlead.api.inferenceimage import (
    BuildPhase,
    BuildStatus,
    InferenceImageSpec,
    SmokeTestOutcome,
)
from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.contract import (
    AssembleRequest,
    PublishRequest,
    SmokeRequest,
    Task,
    TaskFailure,
    TaskPhase,
)
from fairlead.decide.image.sample import (
    MAX_FILE_BYTES,
    sample_file,
    sample_finding,
    sample_text,
    smoke_test,
)
from fairlead.decide.image.smoke_test import PULL_ALLOWANCE_S
from fairlead.decide.image.taken import MAX_VERSIONS_TAKEN
from fairlead.settings import Settings
from tests.unit.decide.test_image import ENV, FILES, IMAGE, RESOLVED, SCRIPT, Story, said
from tests.unit.objects import NOW

JOBS = Settings(registry_push="registry:5000", runner="job", task_image="tasks:1")
OTHER = f"sha256:{'4' * 64}"
RAISED = TaskFailure(
    reason=Reason.USER_SCRIPT_INIT_FAILED,
    class_=FailureClass.USER,
    message="Smoke test: init() raised ValueError at score.py:2: bad weights",
    location="score.py:2",
    log_tail="Traceback …",
)
DRAINED = TaskFailure(
    reason=Reason.TASK_INTERRUPTED,
    class_=FailureClass.INFRASTRUCTURE,
    message="The pod of the task was taken away.",
    retryable=True,
)
NEVER_BEGAN = TaskFailure(
    reason=Reason.TASK_TIMED_OUT,
    class_=FailureClass.RESOURCE,
    message="The Job of the task took longer than the task and its start may take.",
    retryable=True,
)
DENIED = TaskFailure(
    reason=Reason.REGISTRY_DENIED, class_=FailureClass.AUTH, message="No.", retryable=True
)
TAKEN = TaskFailure(
    reason=Reason.VERSION_TAKEN,
    class_=FailureClass.DEPENDENCY,
    message="registry:5000/demo/diabetes:1 was pushed by somebody else.",
    retryable=True,
)
FAULT = TaskFailure(
    reason=Reason.REGISTRY_FAULT,
    class_=FailureClass.INFRASTRUCTURE,
    message="The answer is no manifest.",
    retryable=True,
)
GONE = FAULT.model_copy(update={"message": "There is no such manifest.", "gone": True})


def under_jobs(**spec: Any) -> Story:
    """An image of an operator whose tasks are Jobs."""
    files = {**FILES, "sample.json": b'{"data": [[1]]}', "sample.bin": b"\xff"}
    story = Story(files, **spec)
    story.evidence = {"settings": JOBS}
    return story


def assembled(**spec: Any) -> Story:
    """Its image is put together, and has no tag."""
    story = under_jobs(**spec)
    story.resolve()
    story.build()
    request = story.wanted().request
    assert isinstance(request, AssembleRequest)
    assert not request.tag
    story.assemble()
    return story


def passed(**spec: Any) -> Story:
    """It has passed, and is given its tag."""
    story = assembled(**spec)
    story.ends(story.wanted(), seconds=2.4)
    return story


def ready(**spec: Any) -> Story:
    story = passed(**spec)
    story.ends(story.wanted(), digest=IMAGE, seconds=0.3)
    story.look()
    return story


def build_of(story: Story) -> BuildStatus:
    assert story.status.build
    return story.status.build


def smoke_request(task: Task) -> SmokeRequest:
    assert isinstance(task.request, SmokeRequest)
    return task.request


def test_it_is_tried_by_its_digest_and_then_gets_its_tag() -> None:
    story = assembled()
    task = story.wanted()
    assert (task.program, task.timeout, task.build) == ("smoke", 310.0, "demo/diabetes/1-1")
    assert smoke_request(task).image == f"localhost:5000/demo/diabetes@{IMAGE}"
    assert said(story.look())["Assembled"] == "Unknown/SmokeTesting"
    assert (build_of(story).phase, build_of(story).image_digest) == (BuildPhase.SMOKE_TEST, IMAGE)
    assert not story.status.image_location  # it is not announced
    story.ends(task, seconds=2.4)
    publishing = story.wanted()
    assert publishing.request == PublishRequest(
        repository="registry:5000/demo/diabetes", version=1, digest=IMAGE
    )
    assert (story.status.version, story.status.image_digest) == (1, IMAGE)  # it serves already
    assert said(story.look())["Ready"] == "Unknown/Assembling"
    build = build_of(story)
    assert (build.smoke_test, build.phase) == (SmokeTestOutcome.PASSED, BuildPhase.SUCCEEDED)
    assert build.durations
    assert build.durations.smoke_test == 2
    story.ends(publishing, digest=IMAGE, seconds=0.3)
    done = story.look()
    assert done.taken[:1] == (publishing.id,)
    assert said(done)["Ready"] == "True/Built"
    assert done.conditions[0].message.endswith("Its smoke test has passed.")
    assert [entry.untagged for entry in story.status.history] == [None]
    assert not story.look().tasks


def test_each_image_that_has_passed_gets_its_tag_whatever_is_wanted_then() -> None:
    story = passed()
    task = story.wanted()
    story.files["score.py"] = SCRIPT + b"\n"
    assert {one.program for one in story.look().tasks} == {"publish", "assemble"}
    story.spec["entryScript"] = "nowhere.py"
    assert story.wanted().id == task.id
    story.ends(task, digest=IMAGE, seconds=0.3)
    assert story.look().taken[:1] == (task.id,)
    assert not story.look().tasks


def test_a_registry_that_does_not_take_the_tag_is_told_and_tried_again() -> None:
    story = passed()
    task = story.wanted()
    story.fails(task, DENIED)
    waiting = story.look()
    assert said(waiting)["Assembled"] == "False/RegistryDenied"
    assert not waiting.tasks
    assert 0 < waiting.requeue_after < 10
    assert story.status.image_digest == IMAGE
    story.tasks[task.id] = replace(story.tasks[task.id], finished_at=NOW - timedelta(minutes=1))
    assert (story.wanted().id, story.wanted().attempt) == (task.id, 2)


def test_what_fails_is_the_users_and_what_served_stays() -> None:
    story = ready()
    story.files["score.py"] = SCRIPT + b"\n"
    story.assemble(OTHER)
    story.fails(story.wanted(), RAISED)
    failed = story.look()
    assert said(failed)["Assembled"] == "False/UserScriptInitFailed"
    assert said(failed)["Stalled"] == "True/UserScriptInitFailed"
    assert failed.failure
    assert failed.failure.location == "score.py:2"
    assert failed.failure.log_tail == "Traceback …"
    assert failed.failure.message.endswith("Version 2 failed; version 1 stays in use.")
    assert (story.status.version, story.status.image_digest) == (1, IMAGE)
    assert build_of(story).smoke_test is SmokeTestOutcome.FAILED
    assert not story.look().tasks


def test_inputs_that_come_back_after_they_failed_are_a_version_of_their_own() -> None:
    story = assembled()
    story.fails(story.wanted(), RAISED)
    story.look()
    story.files["score.py"] = SCRIPT + b"\n"
    story.look()
    story.files["score.py"] = SCRIPT
    request = story.wanted().request
    assert isinstance(request, AssembleRequest)
    assert request.version == 3


def test_a_status_that_could_not_hold_the_image_costs_no_other_assembly() -> None:
    """Definitions that are older than the operator have no field for it."""
    story = assembled()
    task = story.wanted()
    made = next(key for key in story.tasks if key.startswith("assemble"))
    story.status = story.status.model_copy(
        update={"build": build_of(story).model_copy(update={"image_digest": None})}
    )
    assert story.wanted().id == task.id
    assert made not in story.look().taken
    story.ends(task, seconds=2.4)
    assert {made, task.id} <= set(story.look().taken)


def test_what_was_the_clusters_fault_is_tried_again_with_a_log_of_its_own() -> None:
    story = assembled()
    first = story.wanted()
    story.fails(first, DRAINED)
    state = story.tasks[first.id]
    story.tasks[first.id] = replace(state, finished_at=None)
    assert not story.look().tasks  # not at once
    assert build_of(story).smoke_test is None
    story.tasks[first.id] = replace(state, phase=TaskPhase.INTERRUPTED)
    again = story.wanted()
    assert (again.id, again.attempt, again.build) == (first.id, 2, "demo/diabetes/1-2")
    assert again.log != first.log


def test_an_image_that_no_node_could_pull_is_put_together_again_once_for_each_attempt() -> None:
    story = assembled()
    first = story.wanted()
    made = next(key for key in story.tasks if key.startswith("assemble"))
    for attempt in (1, 2):
        before = story.tasks[first.id]
        assert before.attempt == attempt
        ended = NOW - timedelta(minutes=20 - attempt)
        failed = replace(before, phase=TaskPhase.FAILED, failure=NEVER_BEGAN, finished_at=ended)
        story.tasks[first.id] = failed
        story.tasks[made] = replace(story.tasks[made], finished_at=ended - timedelta(minutes=1))
        told = story.look()
        assert said(told)["Assembled"] == "False/TaskTimedOut"
        assert (told.tasks, told.requeue_after) == ((), 0.0)
        assert made in told.taken
        assert build_of(story).image_digest is None
        story.tasks = {first.id: failed}  # what was taken is forgotten
        story.resolve(environmentDigest=ENV, environmentPython="3.11.2")
        again = story.wanted()
        assert (again.id, again.program) == (made, "assemble")
        story.assemble()
        task = story.wanted()
        assert (task.id, task.attempt) == (first.id, attempt + 1)
        assert build_of(story).image_digest == IMAGE
    story.ends(story.wanted(), seconds=2.4)
    assert story.wanted().program == "publish"


def test_one_that_was_put_together_again_waits_for_its_next_attempt() -> None:
    story = assembled()
    task = story.wanted()
    story.fails(task, NEVER_BEGAN)
    waiting = story.look()  # it was put together no earlier than that
    assert not waiting.tasks
    assert 0 < waiting.requeue_after < 10
    assert build_of(story).image_digest == IMAGE


@pytest.mark.parametrize(
    "change",
    [
        {"sample": {"inline": "[1]"}},
        {"timeoutSeconds": 60},
        {"resources": {"cpu": "1"}},
        {"resources": {"limits": {"memory": "9Gi"}}},
    ],
)
def test_another_test_of_the_same_image_is_made_without_putting_it_together_again(
    change: dict[str, Any],
) -> None:
    story = assembled(smokeTest={})
    story.fails(story.wanted(), RAISED)
    story.look()
    story.spec["smokeTest"] = change
    task = story.wanted()
    assert (task.program, task.build) == ("smoke", "demo/diabetes/1-2")


def test_one_that_failed_gets_its_tag_where_no_test_is_wanted_any_more() -> None:
    story = assembled()
    story.fails(story.wanted(), RAISED)
    story.look()
    story.spec["smokeTest"] = {"enabled": False}
    task = story.wanted()
    assert task.program == "publish"
    story.ends(task, digest=IMAGE, seconds=0.3)
    assert "spec.smokeTest.enabled is false" in story.look().conditions[0].message
    assert build_of(story).smoke_test is SmokeTestOutcome.SKIPPED


def test_where_none_is_wanted_it_gets_its_tag_at_once() -> None:
    story = under_jobs(smokeTest={"enabled": False})
    story.resolve()
    story.build()
    request = story.wanted().request
    assert isinstance(request, AssembleRequest)
    assert request.tag
    story.assemble()
    done = story.look()
    assert done.conditions[0].message.endswith(
        "It was not smoke-tested: spec.smokeTest.enabled is false."
    )
    assert build_of(story).smoke_test is SmokeTestOutcome.SKIPPED


def test_where_no_kubelet_runs_tasks_it_is_said_that_there_is_none_unasked() -> None:
    story = Story()
    story.resolve()
    story.build()
    story.assemble()
    assert "FAIRLEAD_RUNNER=local" in story.look().conditions[0].message
    assert build_of(story).smoke_test is SmokeTestOutcome.SKIPPED


def test_where_no_kubelet_runs_tasks_docker_engine_tries_what_is_asked_for() -> None:
    story = Story(smokeTest={"resources": {"limits": {"memory": "2Gi"}}})
    story.resolve()
    story.build()
    story.assemble()
    task = story.wanted()
    request = smoke_request(task)
    assert request.image == f"registry:5000/demo/diabetes@{IMAGE}"  # as Docker Engine reaches it
    assert (request.name, request.limits) == ("diabetes", {"memory": "2Gi"})
    assert task.timeout == 310.0 + PULL_ALLOWANCE_S
    story.fails(task, RAISED)
    assert said(story.look())["Assembled"] == "False/UserScriptInitFailed"


@pytest.mark.parametrize("over", [False, True])
def test_what_an_older_operator_puts_together_with_its_tag_is_announced_as_it_is(
    *, over: bool
) -> None:
    story = under_jobs(smokeTest={"enabled": False})
    story.resolve()
    story.build()
    task = story.wanted()
    if over:
        story.assemble()
    del story.spec["smokeTest"]  # as if there had been none
    if not over:
        assert story.wanted().id == task.id
        story.assemble()
    done = story.look()
    assert said(done)["Ready"] == "True/Built"
    assert task.id in done.taken
    assert (story.status.version, story.status.image_digest) == (1, IMAGE)
    assert [entry.untagged for entry in story.status.history] == [None]
    assert build_of(story).smoke_test is SmokeTestOutcome.SKIPPED
    assert not story.look().tasks


def test_a_tag_that_was_there_already_is_announced_as_it_is() -> None:
    story = under_jobs()
    story.resolve()
    story.build()
    story.ends(story.wanted(), digest=IMAGE, sizeBytes=1, seconds=1.2, tagged=True)
    assert said(story.look())["Ready"] == "True/Built"
    assert [entry.untagged for entry in story.status.history] == [None]


def test_a_result_of_an_earlier_version_is_none_of_this_one() -> None:
    story = under_jobs(smokeTest={"enabled": False})
    story.resolve(lastVersion=4)
    story.build()
    task = story.wanted()
    story.assemble()
    story.tasks[task.id] = replace(story.tasks[task.id], build="demo/diabetes/1-1")
    del story.spec["smokeTest"]
    request = story.wanted().request
    assert isinstance(request, AssembleRequest)
    assert (request.version, request.tag) == (5, False)


@pytest.mark.parametrize(
    ("sample", "text"),
    [
        (None, None),
        ({"inline": '{"data": []}'}, '{"data": []}'),
        ({"file": "sample.json"}, '{"data": [[1]]}'),
    ],
)
def test_the_sample_goes_with_the_request(sample: object, text: str | None) -> None:
    story = assembled(smokeTest={"sample": sample} if sample else {})
    assert smoke_request(story.wanted()).sample == text
    words = story.look().conditions[0].message
    assert ("run() with the sample" in words) == (text is not None)


def test_the_image_alone_has_the_sample_of_a_source_that_a_task_fetched() -> None:
    source = {"uri": "https://code.example.com/credit.tar.gz"}
    test = {"sample": {"file": "sample.json"}}
    given = {"source": source, "entryScript": "score.py", "smokeTest": test}
    spec = InferenceImageSpec.model_validate(given)
    assert sample_finding(spec, {}) is None
    sample = smoke_test(spec).sample
    assert (sample_text(sample, {}), sample_file(sample, spec)) == (None, "sample.json")


@pytest.mark.parametrize(
    ("sample", "reason", "words"),
    [
        ({"inline": "{data: 1}"}, Reason.INVALID_SPEC, "sample.inline is no JSON"),
        ({"inline": "[" * 60_000}, Reason.INVALID_SPEC, "sample.inline is no JSON"),
        ({"file": "smple.json"}, Reason.SOURCE_FILE_NOT_FOUND, "Did you mean sample.json?"),
        ({"file": "sample.bin"}, Reason.INVALID_SPEC, "no text in UTF-8"),
        ({"file": "large.json"}, Reason.INVALID_SPEC, f"more than {MAX_FILE_BYTES:,} bytes"),
    ],
)
def test_a_sample_that_cannot_be_one_is_refused_before_anything_is_built(
    sample: object, reason: Reason, words: str
) -> None:
    story = under_jobs(smokeTest={"sample": sample})
    story.files["large.json"] = b"1" * (MAX_FILE_BYTES + 1)
    failure = story.look().failure
    assert failure
    assert failure.reason == reason
    assert words in failure.message


def test_the_pod_has_what_a_service_has_by_default_and_limits() -> None:
    task = assembled().wanted()
    assert task.requests == {"cpu": "100m", "memory": "512Mi"}
    assert task.log_if_failed
    [model] = assembled().look().tasks  # the model's size counts: see the limit
    assert int(task.limits["memory"]) > 2 * 1024**3
    assert model.limits == task.limits
    given = {"cpu": "1", "memory": "4Gi", "gpu": 1, "limits": {"cpu": "2", "memory": "8Gi"}}
    task = assembled(smokeTest={"resources": given}).wanted()
    assert task.requests == {"cpu": "1", "memory": "4Gi"}
    assert task.limits == {"cpu": "2", "memory": "8Gi", "nvidia.com/gpu": "1"}


def test_without_models_the_limits_are_those_of_tasks() -> None:
    story = assembled(models=[])
    assert story.wanted().limits == {}


def test_a_version_that_somebody_pushed_meanwhile_is_left_to_them() -> None:
    story = passed()
    task = story.wanted()
    story.fails(task, TAKEN)
    story.tasks = {task.id: story.tasks[task.id]}  # what was taken is forgotten
    asked = story.wanted()
    assert asked.program == "resolve"  # which versions are there now?
    assert (build_of(story).id, build_of(story).image_digest) == ("2-1", None)
    assert story.status.image_digest == IMAGE  # it serves until the next is there
    known = {"environmentDigest": ENV, "environmentPython": "3.11.2", "lastVersion": 1}
    story.ends(asked, **{**RESOLVED, **known})
    del story.tasks[task.id]
    again = next(one.request for one in story.look().tasks if one.program == "assemble")
    assert isinstance(again, AssembleRequest)
    assert again.version == 2


def test_versions_are_taken_so_often_and_no_more() -> None:
    story = passed()
    task = story.wanted()
    taken = build_of(story).model_copy(update={"versions_taken": MAX_VERSIONS_TAKEN})
    story.status = story.status.model_copy(update={"build": taken})
    story.fails(task, TAKEN)
    assert said(story.look())["Assembled"] == "False/VersionTaken"


def test_an_image_that_the_registry_has_lost_is_put_together_again() -> None:
    story = passed()
    task = story.wanted()
    story.fails(task, GONE)
    story.tasks = {task.id: story.tasks[task.id]}
    assert story.wanted().program == "resolve"
    assert (build_of(story).id, build_of(story).image_digest) == ("1-1", None)
    assert story.status.history == ()


def test_one_that_is_made_again_is_not_lost_by_the_answer_of_the_time_before() -> None:
    story = passed()
    task = story.wanted()
    story.fails(task, GONE)
    story.tasks = {task.id: story.tasks[task.id]}  # what was taken is forgotten
    lost = story.look()
    assert lost.taken == (task.id,)
    del story.tasks[task.id]
    story.resolve(environmentDigest=ENV, environmentPython="3.11.2")
    story.assemble()
    story.ends(story.wanted(), seconds=2.4)
    again = story.wanted()
    assert (again.id, again.attempt) == (task.id, 1)
    story.ends(again, digest=IMAGE, seconds=0.3)
    assert said(story.look())["Ready"] == "True/Built"


@pytest.mark.parametrize(
    "moved",
    [
        {"repository": "registry.example.com/team/credit"},
        {"settings": JOBS.model_copy(update={"registry": "r:1", "registry_push": "r:2"})},
    ],
)
def test_the_tag_is_put_where_the_image_lies_whatever_the_spec_names_by_now(
    moved: dict[str, Any],
) -> None:
    story = passed()
    first = story.wanted().request
    assert isinstance(first, PublishRequest)
    story.spec.update({key: value for key, value in moved.items() if key == "repository"})
    story.evidence.update({key: value for key, value in moved.items() if key == "settings"})
    task = next(one for one in story.look().tasks if one.program == "publish")
    assert task.request == first
    story.ends(task, digest=IMAGE, seconds=0.3)
    story.look()
    [entry] = story.status.history
    assert (entry.untagged, entry.repository) == (None, None)


def test_what_the_registry_says_of_a_version_does_not_replace_one_that_waits_for_its_tag() -> None:
    story = passed()
    task = story.wanted()
    story.spec["baseImage"] = "python:3.10"  # the registry is asked again
    asked = next(one for one in story.look().tasks if one.program == "resolve")
    theirs = {"version": 1, "hash": "9" * 64, "digest": OTHER}
    known = {"environmentHash": "d" * 64, "lastVersion": 1, "versions": [theirs]}
    story.ends(asked, **{**RESOLVED, **known})
    assert task.id in {one.id for one in story.look().tasks}
    assert [(one.digest, one.untagged) for one in story.status.history] == [(IMAGE, True)]


def test_one_that_waits_for_its_tag_is_kept_beside_ever_so_many_others() -> None:
    story = passed()
    task = story.wanted()
    story.spec["baseImage"] = "python:3.10"
    asked = next(one for one in story.look().tasks if one.program == "resolve")
    others = [{"version": n, "hash": f"{n:064}", "digest": OTHER} for n in range(2, 12)]
    story.ends(asked, **{**RESOLVED, "lastVersion": 11, "versions": others})
    assert task.id in {one.id for one in story.look().tasks}
    assert [one.version for one in story.status.history] == list(range(1, 12))


def test_another_fault_of_the_registry_loses_no_image_and_is_tried_again_later() -> None:
    story = passed()
    task = story.wanted()
    story.fails(task, FAULT)
    waiting = story.look()
    assert said(waiting)["Assembled"] == "False/RegistryFault"
    assert not waiting.tasks
    assert 0 < waiting.requeue_after < 10
    assert [entry.untagged for entry in story.status.history] == [True]
    story.tasks[task.id] = replace(story.tasks[task.id], finished_at=NOW - timedelta(minutes=1))
    assert (story.wanted().id, story.wanted().attempt) == (task.id, 2)


def test_an_earlier_image_that_the_registry_has_lost_changes_nothing_about_the_build() -> None:
    story = passed()
    task = story.wanted()
    story.files["score.py"] = SCRIPT + b"\n"
    story.look()
    building = build_of(story)
    story.fails(task, GONE)
    story.look()
    assert (build_of(story).id, build_of(story).hash) == (building.id, building.hash)
    assert story.status.history == ()


def test_the_log_of_another_registry_is_kept_where_the_test_or_the_build_failed() -> None:
    story = under_jobs(repository="registry.example.com/team/credit")
    story.resolve()
    story.build()
    task = story.wanted()
    assert (task.log_elsewhere, task.log_if_failed) == (True, True)
