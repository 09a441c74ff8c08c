"""Which engine builds an environment: one rule, and a refusal before any work."""

from typing import Any

import pytest

from fairlead.api.build_options import BuildEngine
from fairlead.api.inferenceimage import InferenceImageSpec
from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.contract import (
    NO_ACCESS,
    EnvironmentRequest,
    ResolveRequest,
    Task,
    TaskFailure,
    TaskPhase,
    TaskState,
)
from fairlead.decide.decision import Decision
from fairlead.decide.image.engine import EngineChoice, chosen_engine
from fairlead.decide.image.stages import decide_image
from fairlead.decide.image.tasks import KEEP_BASE_TIMEOUT_S
from fairlead.finding import Finding
from fairlead.inputs.dockerfile_steps import first_run
from fairlead.settings import Settings
from tests.unit.decide.test_image import BASE, ENV, FILES, RESOLVED, SPEC, STORED
from tests.unit.image_evidence import image_evidence
from tests.unit.objects import NOW, image

STEPS = "# needs it\nENV A=1\nRUN apt-get install -y vim\n"
JOBS: dict[str, Any] = {"runner": "job", "task_image": "tasks"}
APART: dict[str, Any] = {**JOBS, "buildkit_namespace": "builds"}
BUILT: dict[str, Any] = {
    "environment": {"hash": "e" * 64, "image": f"localhost:5000/e@{ENV}", "python": "3.11.2"},
    "baseImage": {"reference": "python:3.11-slim", "digest": BASE},
}


def chosen(steps: str, asked: str | None, **settings: Any) -> EngineChoice | Finding:
    spec = InferenceImageSpec.model_validate(
        {
            "source": {"inline": {"files": {"score.py": ""}}},
            "entryScript": "score.py",
            "dockerFile": "Dockerfile.steps",
            "build": {"engine": asked} if asked else None,
        }
    )
    return chosen_engine(spec, Settings(**settings), first_run(steps))


@pytest.mark.parametrize(
    ("engine", "settings", "choice"),
    [
        (None, {}, EngineChoice(BuildEngine.DOCKER, "tasks run beside the operator")),
        (None, JOBS, EngineChoice(BuildEngine.POD, "tasks run as Jobs")),
        ("Auto", JOBS, EngineChoice(BuildEngine.POD, "tasks run as Jobs")),
        ("pod", JOBS, EngineChoice(BuildEngine.POD, "spec.build.engine asks for it")),
        (
            None,
            {**JOBS, "engine": "pod"},
            EngineChoice(BuildEngine.POD, "FAIRLEAD_ENGINE asks for it"),
        ),
        ("docker", {}, EngineChoice(BuildEngine.DOCKER, "spec.build.engine asks for it")),
    ],
)
def test_the_runner_decides_unless_somebody_asks(
    engine: str | None, settings: dict[str, Any], choice: EngineChoice
) -> None:
    assert chosen("ENV A=1", engine, **settings) == choice


@pytest.mark.parametrize(
    ("engine", "settings", "class_", "said"),
    [
        ("docker", JOBS, FailureClass.USER, "The docker engine does not work here (spec."),
        ("pod", {}, FailureClass.USER, "The pod engine does not work here (spec.build.engine asks"),
        (None, {**JOBS, "engine": "docker"}, FailureClass.INFRASTRUCTURE, "(FAIRLEAD_ENGINE asks"),
        ("buildkit", {}, FailureClass.USER, "asks for it): tasks run beside the operator."),
        ("buildkit", JOBS, FailureClass.USER, "asks for it): it is not turned on."),
    ],
)
def test_an_engine_that_the_runner_does_not_have_is_refused(
    engine: str | None, settings: dict[str, Any], class_: FailureClass, said: str
) -> None:
    found = chosen("", engine, **settings)
    assert isinstance(found, Finding)
    assert (found.reason, found.class_) == ("EngineUnsupported", class_)
    assert said in found.message


@pytest.mark.parametrize(
    ("steps", "engine", "settings", "choice"),
    [
        (STEPS, None, APART, EngineChoice(BuildEngine.BUILDKIT, "Dockerfile.steps:3 has RUN")),
        ("ENV A=1", None, APART, EngineChoice(BuildEngine.POD, "tasks run as Jobs")),
        (
            "ENV A=1",
            "buildkit",
            APART,
            EngineChoice(BuildEngine.BUILDKIT, "spec.build.engine asks for it"),
        ),
        (
            "",
            None,
            {**APART, "engine": "buildkit"},
            EngineChoice(BuildEngine.BUILDKIT, "FAIRLEAD_ENGINE asks for it"),
        ),
        (
            STEPS,
            None,
            {"buildkit_namespace": "builds"},
            EngineChoice(BuildEngine.DOCKER, "tasks run beside the operator"),
        ),
    ],
)
def test_run_is_for_buildkit_where_that_is_turned_on(
    steps: str, engine: str | None, settings: dict[str, Any], choice: EngineChoice
) -> None:
    assert chosen(steps, engine, **settings) == choice


def test_who_refuses_run_says_who_takes_it() -> None:
    off, on = chosen(STEPS, None, **JOBS), chosen(STEPS, "pod", **APART)
    assert isinstance(off, Finding)
    assert isinstance(on, Finding)
    assert "can turn on the buildkit engine" in (off.remedy or "")
    assert "Set spec.build.engine to buildkit, which runs them." in (on.remedy or "")
    there = chosen("", "docker", **APART)
    assert isinstance(there, Finding)
    assert "Set spec.build.engine to pod or buildkit or Auto" in (there.remedy or "")


def test_what_buildkit_builds_has_its_job_apart_and_its_files_with_it() -> None:
    steps = b"RUN make\nCOPY lib/tool /opt/\n"
    files = {**FILES, "Dockerfile.steps": steps, "lib/tool": b"\x7fELF"}
    seen = image(
        {}, **{**SPEC, "dockerFile": "Dockerfile.steps", "pushSecretRef": {"name": "mine"}}
    )
    settings = Settings(**APART)

    def tasks(known: dict[str, TaskState]) -> tuple[Task, ...]:
        evidence = image_evidence(seen, {"diabetes": STORED}, files, known, settings)
        return tuple(decide_image(evidence, NOW).tasks)

    [first] = tasks({})
    assert (first.apart, first.access.push_secret) == ("", "mine")
    [task] = tasks({first.id: TaskState(first.id, 1, TaskPhase.SUCCEEDED, result=RESOLVED)})
    assert isinstance(task.request, EnvironmentRequest)
    assert (task.request.engine, task.apart, task.namespace) == ("buildkit", "builds", "demo")
    assert (task.files, task.config_map) == ({"lib/tool": b"\x7fELF"}, "")
    assert task.access == NO_ACCESS  # Secrets of another namespace cannot be mounted
    assert isinstance(first.request, ResolveRequest)
    assert (first.request.keep_base, task.request.base_kept) == (True, True)
    assert first.timeout == KEEP_BASE_TIMEOUT_S  # it may be large


def test_a_base_image_is_kept_for_buildkit_alone_and_asked_for_anew_where_that_begins() -> None:
    keys = dict[str, str]()
    for engine in ("pod", "buildkit"):
        seen = image({}, **{**SPEC, "build": {"engine": engine}})
        evidence = image_evidence(seen, {"diabetes": STORED}, FILES, {}, Settings(**APART))
        [task] = decide_image(evidence, NOW).tasks
        assert isinstance(task.request, ResolveRequest)
        assert task.request.keep_base == (engine == "buildkit")
        keys[engine] = task.id
    assert keys["pod"] != keys["buildkit"]


@pytest.mark.parametrize(
    ("engine", "reason", "said"),
    [
        ("buildkit", Reason.REGISTRY_AUTH, "builds in namespace builds, where no Secret of demo"),
        ("buildkit", Reason.REGISTRY_DENIED, "push localhost:5000/demo/fairlead/environments (do"),
        ("buildkit", Reason.REGISTRY_UNREACHABLE, "as it was"),
        ("pod", Reason.REGISTRY_AUTH, "as it was"),
    ],
)
def test_what_the_namespace_for_builds_may_not_push_is_told_as_that(
    engine: str, reason: Reason, said: str
) -> None:
    seen = image({}, **{**SPEC, "build": {"engine": engine}})
    known = dict[str, TaskState]()

    def decided_now() -> Decision[Any]:
        evidence = image_evidence(seen, {"diabetes": STORED}, FILES, known, Settings(**APART))
        return decide_image(evidence, NOW)

    [first] = decided_now().tasks
    known[first.id] = TaskState(first.id, 1, TaskPhase.SUCCEEDED, result=RESOLVED)
    [build] = decided_now().tasks
    failure = TaskFailure(
        reason=reason, class_=FailureClass.AUTH, message="No.", remedy="as it was", retryable=True
    )
    known[build.id] = TaskState(
        build.id, 1, TaskPhase.FAILED, build.build, failure=failure, finished_at=NOW
    )
    told = decided_now().failure
    assert told
    assert told.reason == reason
    assert said in (told.remedy or "")


def test_a_secret_for_packages_is_not_mounted_in_another_namespace() -> None:
    build = {"engine": "buildkit", "packageSecretRef": {"name": "channel"}}
    for engine, reason in (("buildkit", "SecretUnsupported"), ("pod", None)):
        seen = image({}, **{**SPEC, "build": {**build, "engine": engine}})
        evidence = image_evidence(seen, {"diabetes": STORED}, FILES, {}, Settings(**APART))
        failure = decide_image(evidence, NOW).failure
        assert (failure.reason if failure else None) == reason


def test_a_secret_for_packages_is_refused_there_of_an_image_with_an_environment_too() -> None:
    build = {"engine": "buildkit", "packageSecretRef": {"name": "channel"}}
    seen = image(BUILT, **{**SPEC, "build": build})

    def decided_with(known: dict[str, TaskState]) -> Decision[Any]:
        evidence = image_evidence(seen, {"diabetes": STORED}, FILES, known, Settings(**APART))
        return decide_image(evidence, NOW)

    [task] = decided_with({}).tasks
    assert task.program == "resolve"  # the environment may be there, built in another way
    resolved = TaskState(task.id, 1, TaskPhase.SUCCEEDED, result=RESOLVED)
    refused = decided_with({task.id: resolved})
    assert (refused.tasks, refused.failure and refused.failure.reason) == ((), "SecretUnsupported")


def test_run_is_refused_in_jobs_with_its_line_and_what_to_do() -> None:
    found = chosen(STEPS, None, **JOBS)
    assert isinstance(found, Finding)
    assert found.location == "Dockerfile.steps:3"
    assert found.message == (
        "Dockerfile.steps:3: RUN does not work here: environments are built by the pod engine "
        "(tasks run as Jobs), which runs no steps."
    )
    assert found.remedy
    assert "spec.baseImage" in found.remedy
    assert chosen(STEPS, None) == EngineChoice(BuildEngine.DOCKER, "tasks run beside the operator")


def decided(
    status: dict[str, Any] | None = None,
    files: dict[str, bytes] | None = None,
    tasks: dict[str, TaskState] | None = None,
    **spec: Any,
) -> Decision[Any]:
    seen = image(status or {}, **{**SPEC, "dockerFile": "Dockerfile.steps", **spec})
    all_files = {**FILES, "Dockerfile.steps": STEPS.encode(), **(files or {})}
    settings = Settings(**JOBS)
    evidence = image_evidence(seen, {"diabetes": STORED}, all_files, tasks or {}, settings)
    return decide_image(evidence, NOW)


def test_run_is_refused_before_any_task_together_with_all_else_that_is_wrong() -> None:
    decision = decided(files={"score.py": b"def init(): ...\n"})
    assert decision.tasks == ()
    assert decision.failure
    assert decision.failure.reason == "EntryScriptIncomplete"
    assert "Also: Dockerfile.steps:3: RUN does not work here" in decision.failure.message
    alone = decided()
    assert (alone.tasks, alone.requeue_after) == ((), alone.requeue_after)
    assert {c.type: c.reason for c in alone.conditions}["InputsReady"] == "EngineUnsupported"
    assert "Stalled" in {c.type for c in alone.conditions}


def test_an_environment_that_is_there_is_good_whatever_built_it() -> None:
    [task] = decided(BUILT).tasks
    assert task.program == "resolve"
    resolved = TaskState(task.id, 1, TaskPhase.SUCCEEDED, result=RESOLVED)
    refused = decided(BUILT, tasks={task.id: resolved})
    assert (refused.tasks, refused.failure and refused.failure.reason) == ((), "EngineUnsupported")


@pytest.mark.parametrize(
    ("file", "engine", "told"),
    [("condaFile", "pod", True), ("requirementsFile", "pod", None), ("condaFile", "docker", None)],
)
def test_a_job_of_the_pod_engine_is_told_whether_the_file_may_bring_a_python(
    file: str,
    engine: str,
    told: bool | None,  # noqa: FBT001
) -> None:
    spec = {**SPEC, "condaFile": None, file: "env.txt"}
    files = {**FILES, "env.txt": b"dependencies:\n- python=3.11\n"}
    files["env.txt"] = files["env.txt"] if file == "condaFile" else b"flask\n"
    settings = Settings(**(JOBS if engine == "pod" else {}))
    seen = image({}, **spec)

    def task(known: dict[str, TaskState]) -> Task:
        evidence = image_evidence(seen, {"diabetes": STORED}, files, known, settings)
        return decide_image(evidence, NOW).tasks[0]

    first = task({})
    request = task({first.id: TaskState(first.id, 1, TaskPhase.SUCCEEDED, result=RESOLVED)}).request
    assert isinstance(request, EnvironmentRequest)
    assert (request.engine, request.conda_file) == (engine, told)
    assert ("condaFile" in request.model_dump_json(by_alias=True)) is bool(told)


def test_the_task_has_the_engine_the_resources_and_the_time_of_the_spec() -> None:
    build = {
        "timeoutSeconds": 120,
        "resources": {"memory": "4Gi", "limits": {"memory": "8Gi", "ephemeralStorage": "9Gi"}},
    }
    files = {"Dockerfile.steps": b"ENV A=1\n"}
    [first] = decided(files=files).tasks
    answers = {first.id: TaskState(first.id, 1, TaskPhase.SUCCEEDED, result=RESOLVED)}
    [usual] = decided(files=files, tasks=answers).tasks
    decision = decided(files=files, tasks=answers, build=build)
    [task] = decision.tasks
    assert isinstance(task.request, EnvironmentRequest)
    assert (task.request.engine, task.timeout) == ("pod", 120.0)
    assert task.request.conda_file is True
    assert task.requests == {"memory": "4Gi"}
    assert task.limits == {"memory": "8Gi", "ephemeral-storage": "9Gi"}
    assert task.id != usual.id  # what ran out of memory is tried again
    assert decision.status.build
    assert decision.status.build.engine == "pod"
    said = {c.type: c.message for c in decision.conditions}["EnvironmentReady"]
    assert "with the pod engine: tasks run as Jobs." in said
