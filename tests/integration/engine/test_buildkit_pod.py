"""The ``buildkit`` engine as it runs in a cluster: its Job's own pod, on a real node."""

import io
import json
import os
import tarfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from fairlead.api.refs import Manifest
from fairlead.contract import EnvironmentResult, Owner, Task, TaskFailure, TaskResult
from fairlead.desired.task_job import TaskDraft, task_draft
from fairlead.images.oci_layout import new_layers
from fairlead.registry.reference import parse_reference
from fairlead.settings import Settings
from fairlead.task_message import read_message
from tests.cluster.operator_image import name
from tests.integration.engine.conftest import Line

PRIVILEGED = "pod-security.kubernetes.io/enforce=privileged"
OWNER = Owner("InferenceImage", "diabetes", "uid-of-an-image")
RUNS = 'ENV WORD=hello\nRUN echo "$WORD" > /opt/said && id --user > /opt/user\nCOPY tool /opt/\n'
FAILS = "RUN echo one\nRUN echo no such luck >&2; exit 3\n"
PATIENCE_S = 300.0  # to pull BuildKit, to build, on a busy machine


@dataclass(frozen=True)
class Builds:
    """The namespace for builds."""

    line: Line
    settings: Settings
    namespace: str

    def kubectl(self, *arguments: str, text: str | None = None) -> str:
        return self.line.cluster.run_kubectl(
            "--namespace", self.namespace, *arguments, text=text, seconds=PATIENCE_S
        )

    def begin(self, steps: str) -> TaskDraft:
        """Make and release the Job of an environment, as the runner does."""
        request = self.line.request(steps=steps)
        log = request.log.model_copy(update={"repository": self._inside(request.log.repository)})
        environments = self._inside(request.environments)
        request = request.model_copy(
            update={"environments": environments, "log": log, "engine": "buildkit"}
        )
        task = Task(
            id=f"environment-{request.hash}",
            program="environment",
            attempt=1,
            request=request,
            timeout=PATIENCE_S,
            files=self.line.files,
            namespace="demo",
            owner=OWNER,
            apart=self.namespace,
        )
        draft = task_draft(task, OWNER, self.settings)
        made = self.kubectl("create", "--output=json", "--filename=-", text=json.dumps(draft.job))
        asked = draft.config_map(json.loads(made)["metadata"]["uid"])
        self.kubectl("create", "--filename=-", text=json.dumps(asked))
        self.kubectl("patch", "job", draft.name, "--patch", '{"spec": {"suspend": false}}')
        return draft

    def _inside(self, repository: str) -> str:
        """The same place as pods reach it."""
        cluster = self.line.cluster
        return repository.replace(cluster.registry, cluster.registry_from_pods)

    def result(self, draft: TaskDraft) -> TaskResult:
        """What the task left, once it is over; nothing of it runs then."""
        deadline = time.monotonic() + PATIENCE_S
        while not (found := self._told(draft)):
            assert time.monotonic() < deadline, self.kubectl("describe", "pods")
            time.sleep(1)  # poll
        return found

    def _told(self, draft: TaskDraft) -> TaskResult | None:
        for pod in self._pods(draft):
            for status in pod["status"].get("containerStatuses", []):
                ended = status["state"].get("terminated")
                if ended and pod["status"]["phase"] in ("Succeeded", "Failed"):
                    return read_message("environment", ended.get("message", ""))
        return None

    def _pods(self, draft: TaskDraft) -> list[Manifest]:
        selector = f"--selector=batch.kubernetes.io/job-name={draft.name}"
        found: list[Any] = json.loads(self.kubectl("get", "pods", selector, "--output=json"))[
            "items"
        ]
        return found


@pytest.fixture
def builds(line: Line, operator_image: str, buildkit: str) -> Iterator[Builds]:
    cluster, namespace = line.cluster, f"builds{os.getpid()}"
    assert operator_image
    settings = Settings(
        runner="job",
        task_image=name("tasks"),
        task_requests="cpu=50m memory=64Mi ephemeral-storage=16Mi",
        registry=cluster.registry,
        registry_push=cluster.registry_from_pods,
        insecure_hosts=(cluster.registry_from_pods,),
        buildkit_image=buildkit,
        buildkit_namespace=namespace,
    )
    cluster.run_kubectl("create", "namespace", namespace)
    cluster.run_kubectl("label", "namespace", namespace, PRIVILEGED)
    yield Builds(replace(line, files={"tool": b"\x7fELF\xff"}), settings, namespace)
    cluster.run_kubectl("delete", "namespace", namespace, "--wait=false")


def test_steps_run_in_a_pod_without_rights_and_fail_by_their_line(builds: Builds) -> None:
    good, bad = builds.begin(RUNS), builds.begin(FAILS)
    result = builds.result(good)
    assert result.ok, result.failure
    made = EnvironmentResult.model_validate(result.ok)
    files, config = pushed(builds.line, made.digest)
    assert files["opt/said"] == b"hello\n"
    assert files["opt/user"] == b"0\n"
    assert files["opt/tool"] == b"\x7fELF\xff"
    assert "opt/fairlead/env/pyvenv.cfg" in files
    assert "WORD=hello" in config["config"]["Env"]
    assert (config["config"]["User"], made.python[:5]) == ("10001:10001", "3.11.")
    failure = builds.result(bad).failure
    assert isinstance(failure, TaskFailure)
    assert (failure.reason, failure.location) == ("StepFailed", "Dockerfile.steps:2")
    assert "ended with exit code 3: no such luck" in failure.message


def pushed(line: Line, digest: str) -> tuple[dict[str, bytes], dict[str, Any]]:
    """The files of the layers that lie on the base image, and the image's config."""
    manifest, _ = line.registry.manifest(line.environments, digest)
    base = parse_reference(line.cluster.base_image)
    below, _ = line.registry.manifest(base.repository, base.wanted)
    files = dict[str, bytes]()
    for layer in new_layers(manifest, below):
        with line.registry.open_blob(line.environments, layer.digest) as pieces:
            content = io.BytesIO(b"".join(pieces))
        with tarfile.open(fileobj=content) as archive:
            for member in archive:
                file = archive.extractfile(member) if member.isreg() else None
                files |= {member.name: file.read()} if file else {}
    return files, json.loads(line.registry.blob(line.environments, manifest.config.digest))
