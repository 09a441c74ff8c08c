"""What objects name for their tasks and pods to be let into registries."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fairlead.api.objects import InferenceImage
from fairlead.contract import Access, IngestRequest, Task, TaskPhase, TaskState
from fairlead.decide.decision import Apply
from fairlead.decide.image.stages import decide_image
from fairlead.decide.model import decide_model
from fairlead.desired.child_kinds import DEPLOYMENT
from fairlead.evidence import ModelEvidence, WebserviceEvidence
from fairlead.settings import Settings
from tests.unit.decide.webservices import BUILT, decided, evidence, made
from tests.unit.image_evidence import image_evidence
from tests.unit.objects import NOW, image, model, webservice

JOBS = Settings(runner="job", task_image="tasks:1")
LOCAL = Settings(runner="local")
DIGEST = f"sha256:{'1' * 64}"
RESOLVED: dict[str, Any] = {"baseDigest": DIGEST, "environmentHash": "e" * 64, "lastVersion": 0}
ENVIRONMENT: dict[str, Any] = {"digest": DIGEST, "python": "3.11.2", "seconds": 1, "built": True}
FILES = {"score.py": b"def init(): ...\ndef run(data): ...\n"}
SECRETS: dict[str, Any] = {
    "pushSecretRef": {"name": "push"},
    "pullSecretRef": {"name": "pull"},
    "build": {"serviceAccountName": "builder"},
}


def image_task(seen: InferenceImage, settings: Settings = JOBS) -> Task:
    [task] = decide_image(image_evidence(seen, {}, FILES, {}, settings), NOW).tasks
    return task


def test_the_tasks_of_an_image_have_what_it_names() -> None:
    task = image_task(image(**SECRETS))
    assert (task.program, task.access) == ("resolve", Access("push", "pull", "builder"))
    assert image_task(image()).access == Access()


@pytest.mark.parametrize("field", SECRETS)
def test_with_other_credentials_it_is_other_work(field: str) -> None:
    """A Job that waits for a Secret that is not there is ended when another one is named."""
    some, other = image_task(image()).id, image_task(image(**{field: SECRETS[field]})).id
    assert some != other


def test_the_secret_for_packages_is_for_the_task_that_fetches_them_alone() -> None:
    named = {"build": {"packageSecretRef": {"name": "channel"}}}
    found = dict[bool, list[Task]]()
    for build in (named, {}):
        tasks, seen = dict[str, TaskState](), image(**build)
        for result in (RESOLVED, ENVIRONMENT, None):
            [task] = decide_image(image_evidence(seen, {}, FILES, tasks, JOBS), NOW).tasks
            tasks[task.id] = TaskState(task.id, 1, TaskPhase.SUCCEEDED, result=result)
            found.setdefault(bool(build), []).append(task)
    with_secret = found[True]
    assert [task.program for task in with_secret] == ["resolve", "environment", "assemble"]
    assert [task.access.package_secret for task in with_secret] == ["", "channel", ""]
    same = [one.id == other.id for one, other in zip(*found.values(), strict=True)]
    assert same == [True, False, True]
    refused = decide_image(image_evidence(image(**named), {}, FILES, {}, LOCAL), NOW)
    assert refused.failure
    assert refused.failure.reason == "SecretUnsupported"
    assert refused.failure.message.startswith("spec.build.packageSecretRef cannot be used: ")


def test_the_task_of_a_model_has_its_service_account() -> None:
    given = ModelEvidence(model(serviceAccountName="store"), None, {}, {}, JOBS)
    [task] = decide_model(given, NOW).tasks
    assert task.access == Access(service_account="store")
    [usual] = decide_model(replace(given, model=model()), NOW).tasks
    assert usual.id != task.id


S3: dict[str, Any] = {
    "source": {"uri": "s3://models/credit"},
    "credentialsSecretRef": {"name": "bucket"},
}


def test_the_task_of_a_model_has_its_secret_and_may_ask_as_its_pod() -> None:
    given = ModelEvidence(model(**S3), None, {}, {}, JOBS)
    [task] = decide_model(given, NOW).tasks
    assert task.access == Access(source_secret="bucket")
    request = task.request
    assert isinstance(request, IngestRequest)
    assert (request.credentials, request.identity) == ("bucket", True)
    other = {**S3, "credentialsSecretRef": {"name": "other"}}
    [changed] = decide_model(replace(given, model=model(**other)), NOW).tasks
    assert changed.id != task.id


def test_a_volume_is_mounted_by_a_kubelet_and_by_nobody_else() -> None:
    seen = model(source={"persistentVolumeClaim": {"claimName": "models"}})
    given = ModelEvidence(seen, None, {}, {}, JOBS)
    [task] = decide_model(given, NOW).tasks
    assert task.access == Access(source_claim="models")
    refused = decide_model(replace(given, settings=LOCAL), NOW)
    [said] = [stage.failure for stage in refused.stages if stage.failure]
    assert (said.reason, refused.tasks) == ("VolumeUnsupported", ())


def test_a_child_process_asks_as_nobody(tmp_path: Path) -> None:
    """It would be the operator's own identity, and a stranger's address."""
    file = tmp_path / "config.json"
    file.write_text("{}")
    given = ModelEvidence(model(source=S3["source"]), None, {}, {}, LOCAL)
    [task] = decide_model(given, NOW).tasks
    assert isinstance(task.request, IngestRequest)
    assert task.request.identity is False
    for settings in (LOCAL, Settings(docker_config=file)):
        refused = decide_model(replace(given, model=model(**S3), settings=settings), NOW)
        [said] = [stage.failure for stage in refused.stages if stage.failure]
        assert (said.reason, refused.tasks) == ("SecretUnsupported", ())
        assert said.message.startswith("spec.credentialsSecretRef cannot be used: ")


def test_child_processes_cannot_be_given_a_secret_and_one_message_says_so() -> None:
    decision = decide_image(image_evidence(image(**SECRETS), {}, FILES, {}, LOCAL), NOW)
    failure = next(stage.failure for stage in decision.stages if stage.failure)
    assert (failure.reason, decision.tasks) == ("SecretUnsupported", ())
    assert failure.message.startswith(
        "spec.pushSecretRef and spec.build.serviceAccountName cannot be used: "
    )
    assert "FAIRLEAD_DOCKER_CONFIG" in str(failure.remedy)
    given = ModelEvidence(model(serviceAccountName="store"), None, {}, {}, LOCAL)
    [said] = [stage.failure for stage in decide_model(given, NOW).stages if stage.failure]
    assert said.message.startswith("spec.serviceAccountName cannot be used: ")


def test_a_docker_config_of_the_operators_own_takes_their_place(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text("{}")
    assert image_task(image(**SECRETS), Settings(docker_config=file))


def test_a_pull_secret_is_for_nodes_too_and_does_not_need_jobs() -> None:
    assert image_task(image(pullSecretRef={"name": "pull"}), LOCAL)


def pulled_with(given: WebserviceEvidence) -> list[str]:
    """The Secrets that the Deployment's pods are pulled with."""
    [applied] = [
        action.manifest
        for action in decided(given).actions
        if isinstance(action, Apply) and action.manifest["kind"] == DEPLOYMENT.kind
    ]
    secrets = applied["spec"]["template"]["spec"].get("imagePullSecrets", [])
    return [secret["name"] for secret in secrets]


def private(name: str) -> InferenceImage:
    spec = BUILT.spec.model_validate({**BUILT.spec.to_wire(), "pullSecretRef": {"name": name}})
    return replace(BUILT, spec=spec)


def test_pods_are_pulled_with_the_secret_of_their_inference_image() -> None:
    given = evidence(webservice(), of=private("team"))
    assert pulled_with(given) == ["team"]
    everywhere = Settings(registry_secret="everywhere")
    assert pulled_with(replace(given, settings=everywhere)) == ["team", "everywhere"]
    assert pulled_with(evidence(webservice())) == []


def test_pods_of_a_plain_image_are_pulled_with_the_services_own_secret() -> None:
    wanted = webservice(image="r.example.com/x:1", pullSecretRef={"name": "mine"})
    assert pulled_with(evidence(wanted, of=None)) == ["mine"]


def test_what_serves_keeps_its_secret_when_its_inference_image_is_gone() -> None:
    """Without it the pods would be replaced by some that no node can pull."""
    before = decided(evidence(webservice(), of=private("team"))).status
    assert before.revision
    assert before.revision.pull_secret == "team"
    served = webservice(status=before.to_wire())
    assert pulled_with(evidence(served, of=None)) == ["team"]
    unchanged = made(webservice())  # as it is without a Secret
    assert pulled_with(evidence(served, of=None, children=unchanged)) == ["team"]
