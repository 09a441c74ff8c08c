"""The whole way of a Model whose task is a Job: reconcile, Job, result, status; no kubelet."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from fairlead.api.meta import MODEL
from fairlead.api.model import ModelVersion
from fairlead.api.refs import Manifest
from fairlead.contract import IngestResult, TaskFailure, TaskResult
from fairlead.controller.controller import Controller
from fairlead.decide import task_progress
from fairlead.observe.cache import Cache
from fairlead.observe.config_maps import ConfigMaps
from fairlead.observe.namespaces import Namespaces
from fairlead.runners.job import runner
from fairlead.runners.job.runner import JobRunner
from fairlead.settings import Settings
from fairlead.task_message import written_message
from tests.unit.controller.world import World
from tests.unit.job_objects import condition, ended

DIGEST = f"sha256:{'ab' * 32}"
SETTINGS = Settings(runner="job", task_image="tasks", external_host="")
SOURCE = {"source": {"configMap": {"name": "weights"}}}
QUOTA = 'Error creating: pods "x" is forbidden: exceeded quota: small'


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "ACTIVE_TICK_S", 0.05)
    monkeypatch.setattr(task_progress, "FIRST_RETRY_S", 0.05)


class JobWorld(World):
    """A world whose tasks are Jobs; the test is the Job controller and the kubelet."""

    def __init__(self) -> None:
        super().__init__()
        self.tasks = JobRunner(SETTINGS, self.cluster)
        self.cache = Cache(self.cluster, self.queue.add, lambda uid: self.tasks.want(uid, ()))
        self.context = replace(
            self.context,
            cache=self.cache,
            runner=self.tasks,
            settings=SETTINGS,
            config_maps=ConfigMaps(self.cluster, self.cache),
            namespaces=Namespaces(self.cluster, self.cache),
        )
        self.controller = Controller(self.context, self.queue)
        self.tasks.on_change(self.controller.wake)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with self.tasks, super().running():
            yield

    def weights(self, content: str = "weights") -> None:
        head = {"apiVersion": "v1", "kind": "ConfigMap"}
        metadata = {"name": "weights", "namespace": "demo"}
        self.cluster.put({**head, "metadata": metadata, "data": {"model.pkl": content}})

    def jobs(self) -> list[Manifest]:
        return [found for (plural, _, _), found in self.cluster.objects.items() if plural == "jobs"]

    def released(self) -> list[Manifest]:
        return [job for job in self.jobs() if not job["spec"]["suspend"]]

    def start(self, job: Manifest) -> None:
        self.cluster.put({**job, "status": {"startTime": "2026-01-01T00:00:00Z"}})

    def end(self, job: Manifest, result: TaskResult) -> None:
        meta = job["metadata"]
        state = ended(0 if result.ok else 1, written_message(result).decode())
        container = {"name": "task", "ready": False, "state": state}
        labels = {"batch.kubernetes.io/job-name": meta["name"], "fairlead.dev/task": "x"}
        owner = {"kind": "Job", "name": meta["name"], "uid": meta["uid"], "controller": True}
        self.cluster.put(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {
                    "name": f"{meta['name']}-p",
                    "namespace": "demo",
                    "labels": labels,
                    "ownerReferences": [owner],
                },
                "status": {"phase": "Succeeded", "containerStatuses": [container]},
            }
        )
        self.cluster.put({**job, "status": {"conditions": [condition("Complete")]}})


def stored(number: int = 1) -> TaskResult:
    version = ModelVersion(
        version=number,
        model_name="diabetes",
        digest=DIGEST,
        size_bytes=7,
        files=1,
        source="configmap/weights",
        artifact=f"localhost:5000/demo/fairlead/models/diabetes:{number}",
        layer=DIGEST,
        path="model.pkl",
        registered_at=datetime.now(UTC),
    )
    return TaskResult(ok=IngestResult(version=number, versions=(version,)).to_wire())


async def test_a_model_is_stored_by_a_job_which_stays_for_its_log() -> None:
    world = JobWorld()
    world.weights()
    world.apply(MODEL, "diabetes", SOURCE)
    async with world.running():
        await world.until(world.released)
        [job] = world.released()
        await world.until(lambda: world.reason(MODEL, "diabetes", "Stored") == "Ingesting")
        [source] = [one for one in volumes(job) if one["name"] == "source"]
        assert source["configMap"]["name"] == "weights"
        world.end(job, stored())
        await world.until(lambda: world.reason(MODEL, "diabetes") == "Stored")
        await world.until(lambda: world.jobs()[0]["spec"].get("ttlSecondsAfterFinished") == 600)
        assert len(world.jobs()) == 1


async def test_versions_that_did_not_fit_stay_in_status() -> None:
    world = JobWorld()
    world.weights()
    world.apply(MODEL, "diabetes", SOURCE)
    async with world.running():
        await world.until(world.released)
        world.end(world.released()[0], stored())
        await world.until(lambda: world.reason(MODEL, "diabetes") == "Stored")
        world.weights("other")
        await world.until(lambda: len(world.released()) == 2)
        second = stored(2)
        assert second.ok
        world.end(world.released()[1], TaskResult(ok={**second.ok, "partial": True}))
        await world.until(lambda: world.status(MODEL, "diabetes").get("latestVersion") == 2)
        assert [one["version"] for one in world.status(MODEL, "diabetes")["versions"]] == [1, 2]


async def test_what_keeps_the_job_from_beginning_is_in_the_status_until_it_begins() -> None:
    world = JobWorld()
    world.weights()
    world.apply(MODEL, "diabetes", SOURCE)
    async with world.running():
        await world.until(world.released)
        [job] = world.released()
        about = {"involvedObject": {"uid": job["metadata"]["uid"]}, "type": "Warning"}
        event = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": "e", "namespace": "demo"},
        }
        world.cluster.put({**event, **about, "reason": "FailedCreate", "message": QUOTA})
        world.start(job)
        await world.until(lambda: world.reason(MODEL, "diabetes") == "PodRefused")
        failure = world.status(MODEL, "diabetes")["failure"]
        assert QUOTA in failure["message"]
        world.end(job, stored())
        await world.until(lambda: world.reason(MODEL, "diabetes") == "Stored")
        assert "failure" not in world.status(MODEL, "diabetes")


async def test_a_failure_is_tried_again_as_another_job() -> None:
    said = TaskFailure.model_validate(
        {"reason": "RegistryDenied", "class": "Auth", "message": "No.", "retryable": True}
    )
    world = JobWorld()
    world.weights()
    world.apply(MODEL, "diabetes", SOURCE, creationTimestamp="2020-01-01T00:00:00Z")
    async with world.running():
        await world.until(world.released)
        world.end(world.released()[0], TaskResult(failure=said))
        await world.until(lambda: world.reason(MODEL, "diabetes") == "RegistryDenied")
        await world.until(lambda: len(world.released()) == 2)
        names = sorted(job["metadata"]["name"] for job in world.jobs())
        assert [name[-2:] for name in names] == ["-1", "-2"]
        assert names[0][:-1] == names[1][:-1]
        world.end(world.released()[1], stored())
        await world.until(lambda: world.reason(MODEL, "diabetes") == "Stored")


async def test_a_changed_source_ends_the_job_of_the_one_before() -> None:
    world = JobWorld()
    world.weights()
    world.apply(MODEL, "diabetes", SOURCE)
    async with world.running():
        await world.until(world.released)
        [before] = world.released()
        world.weights("other")
        await world.until(
            lambda: (
                [job["metadata"]["uid"] for job in world.released()]
                not in ([], [before["metadata"]["uid"]])
            )
        )
        await world.until(lambda: len(world.jobs()) == 1)


async def test_a_job_ends_with_its_model() -> None:
    world = JobWorld()
    world.weights()
    world.apply(MODEL, "diabetes", SOURCE)
    async with world.running():
        await world.until(world.released)
        world.cluster.remove("models", "demo", "diabetes")
        await world.until(lambda: not world.jobs())


def volumes(job: Manifest) -> list[Manifest]:
    found: list[Manifest] = job["spec"]["template"]["spec"]["volumes"]
    return found
