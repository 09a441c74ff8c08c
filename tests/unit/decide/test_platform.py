"""``spec.platform`` of an image: where its tasks run, and where what it is served by runs."""

from typing import Any

import pytest

from fairlead.contract import Task, TaskPhase, TaskState
from fairlead.decide.decision import Apply
from fairlead.decide.image.stages import decide_image
from fairlead.decide.platform import not_this_platform
from fairlead.desired.child_kinds import DEPLOYMENT
from fairlead.desired.task_job import task_draft
from fairlead.registry.oci import PLATFORM
from fairlead.settings import Settings
from tests.unit.decide.webservices import DIGEST, changes, decided, evidence
from tests.unit.image_evidence import image_evidence
from tests.unit.objects import NOW, image, webservice

JOBS = Settings(runner="job", task_image="tasks:1")
LOCAL = Settings(runner="local")
ARM64 = "linux/arm64"
RESULTS: dict[str, dict[str, Any]] = {
    "resolve": {"baseDigest": DIGEST, "environmentHash": "e" * 64, "lastVersion": 0},
    "environment": {"digest": DIGEST, "python": "3.11.2", "seconds": 1, "built": True},
    "assemble": {"digest": DIGEST, "sizeBytes": 1, "seconds": 1},
    "smoke": {"seconds": 1},
}
FILES = {"score.py": b"def init(): ...\ndef run(data): ...\n"}


def built(**spec: Any) -> tuple[list[Task], str | None]:
    """The tasks of a build, in their order, and what is told of the image then."""
    found, states, seen = list[Task](), dict[str, TaskState](), image(**spec)
    while len(found) < len(RESULTS):
        decision = decide_image(image_evidence(seen, {}, FILES, states, JOBS), NOW)
        [task] = [task for task in decision.tasks if task.program in RESULTS]
        result = RESULTS[task.program]
        states[task.id] = TaskState(task.id, 1, TaskPhase.SUCCEEDED, result=result)
        found.append(task)
    decision = decide_image(image_evidence(seen, {}, FILES, states, JOBS), NOW)
    assert decision.status.image_digest == DIGEST
    return found, decision.status.platform


def nodes(task: Task) -> Any:
    assert task.owner
    pod = task_draft(task, task.owner, JOBS).job["spec"]["template"]["spec"]
    return pod.get("nodeSelector")


def test_all_that_build_run_on_nodes_of_the_platform() -> None:
    tasks, told = built(platform=ARM64)
    assert [task.program for task in tasks] == list(RESULTS)
    assert [nodes(task) for task in tasks] == [{"kubernetes.io/arch": "arm64"}] * 4
    assert told == ARM64
    anywhere, told = built()
    assert [nodes(task) for task in anywhere] == [None] * 4
    assert told is None
    assert anywhere[0].id != tasks[0].id  # the registry is asked again, by another node


def test_another_platform_is_refused_where_tasks_run_beside_the_operator(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mine = str(PLATFORM)
    other = next(one for one in (ARM64, "linux/amd64") if one != mine)
    refused = decide_image(image_evidence(image(platform=other), {}, FILES, {}, LOCAL), NOW)
    assert refused.failure
    assert refused.failure.reason == "PlatformUnsupported"
    assert refused.failure.message.startswith(f"spec.platform asks for {other}, and this operator")
    assert not_this_platform(image(platform=other).spec, JOBS) is None
    assert not_this_platform(image().spec, LOCAL) is None
    monkeypatch.setattr("fairlead.decide.platform.PLATFORM", other)
    assert not_this_platform(image(platform=other).spec, LOCAL) is None


@pytest.mark.parametrize(
    ("spec", "selector"),
    [
        ({}, {"kubernetes.io/arch": "arm64"}),
        ({"nodeSelector": {"disk": "ssd"}}, {"kubernetes.io/arch": "arm64", "disk": "ssd"}),
        ({"nodeSelector": {"kubernetes.io/arch": "amd64"}}, {"kubernetes.io/arch": "amd64"}),
    ],
)
def test_pods_run_where_the_image_does(spec: dict[str, Any], selector: dict[str, str]) -> None:
    status = {"imageLocation": "localhost:5000/demo/diabetes:3", "imageDigest": DIGEST}
    of = image({**status, "platform": ARM64})
    wanted = webservice(imageRef={"name": "diabetes"}, **spec)
    [pod] = [
        action.manifest["spec"]["template"]["spec"]
        for action in changes(decided(evidence(wanted, of)))
        if isinstance(action, Apply) and action.manifest["kind"] == DEPLOYMENT.kind
    ]
    assert pod["nodeSelector"] == selector
