from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from fairlead.api.model import ConfigMapSource, ModelSource, ModelStatus
from fairlead.api.objects import Model
from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass, Truth
from fairlead.contract import IngestRequest, TaskFailure, TaskPhase, TaskState
from fairlead.decide.decision import ON_RESYNC_S, Decision
from fairlead.decide.model import decide_model
from fairlead.evidence import ModelEvidence
from fairlead.images.hashes import file_digests
from fairlead.log_address import LogKeys, parse_path
from fairlead.settings import Settings
from tests.unit.objects import NOW, model

VERSION = {
    "version": 1,
    "modelName": "diabetes",
    "digest": f"sha256:{'a' * 64}",
    "sizeBytes": 657_408,
    "files": 1,
    "source": "https://models.example.com/diabetes.pkl",
    "artifact": "localhost:5000/demo/fairlead/models/diabetes:1",
    "layer": f"sha256:{'b' * 64}",
    "path": "diabetes.pkl",
    "registeredAt": "2026-11-22T09:30:00Z",
}


def decided(
    seen: Model,
    tasks: Mapping[str, TaskState] | None = None,
    files: Mapping[str, bytes] | None = None,
) -> Decision[ModelStatus]:
    settings = Settings(registry_push="registry:5000")
    return decide_model(
        ModelEvidence(seen, files, file_digests(files or {}), tasks or {}, settings), NOW
    )


def said(decision: Decision[ModelStatus]) -> dict[str, str]:
    return {c.type: f"{c.truth}/{c.reason}" for c in decision.conditions}


def after(phase: TaskPhase, seen: Model | None = None, **state: Any) -> Decision[ModelStatus]:
    """What is decided once the task that is wanted first has come to ``phase``."""
    seen = seen or model()
    [task] = decided(seen).tasks
    return decided(seen, {task.id: TaskState(task.id, 1, phase, **state)})


def stored() -> ModelStatus:
    return after(TaskPhase.SUCCEEDED, result={"version": 1, "versions": [VERSION]}).status


def test_a_new_model_is_fetched() -> None:
    decision = decided(model(unpack=True, modelName="Diabetes_Model"))
    assert said(decision) == {
        "Ready": "Unknown/Ingesting",
        "Reconciling": "True/Ingesting",
        "Resolved": "True/Resolved",
        "Stored": "Unknown/Ingesting",
    }
    [task] = decision.tasks
    assert task.program == "ingest"
    assert task.request == IngestRequest(
        repository="registry:5000/demo/fairlead/models/diabetes",
        model_name="Diabetes_Model",
        source=ModelSource(uri="https://models.example.com/diabetes.pkl"),
        unpack=True,
    )


def test_a_result_that_the_status_holds_already_is_given_up() -> None:
    """An operator ended before it could; later it would hide what was stored meanwhile."""
    [task] = decided(model()).tasks
    state = TaskState(task.id, 1, TaskPhase.SUCCEEDED, result={"version": 1, "versions": [VERSION]})
    decision = decided(model(stored().to_wire()), {task.id: state})
    assert (decision.tasks, decision.taken) == ((), (task.id,))
    assert decided(model(stored().to_wire())).taken == ()


def test_what_was_fetched_is_a_version_and_nothing_more_is_done() -> None:
    status = stored()
    again = decided(model(status.to_wire()))
    assert (again.tasks, again.status) == ((), status)
    assert said(again) == {
        "Ready": "True/Stored",
        "Resolved": "True/Resolved",
        "Stored": "True/Stored",
    }
    assert again.conditions[0].message == "Version 1 (642Ki, 1 file) is in the registry."
    assert (status.latest_version, status.display and status.display.size) == (1, "642Ki")


def test_a_new_address_is_fetched_while_the_old_version_stays() -> None:
    moved = model(stored().to_wire(), source={"uri": "https://models.example.com/2.pkl"})
    decision = decided(moved)
    assert len(decision.tasks) == 1
    assert decision.status.latest_version == 1


def test_metadata_fetches_nothing() -> None:
    told = model(stored().to_wire(), description="new", tags={"team": "a"})
    assert decided(told).tasks == ()


def test_every_key_of_a_config_map_is_handed_to_the_task() -> None:
    files = {"a.pkl": b"1", "b.json": b"{}"}
    decision = decided(model(source={"configMap": {"name": "weights"}}), files=files)
    [task] = decision.tasks
    assert task.files == files
    assert isinstance(task.request, IngestRequest)
    assert task.request.source == ModelSource(config_map=ConfigMapSource(name="weights"))


def test_a_missing_config_map_is_waited_for_and_hides_no_version() -> None:
    source = {"configMap": {"name": "weights"}}
    decision = decided(model(stored().to_wire(), source=source))
    assert said(decision) == {
        "Ready": "False/ConfigMapNotFound",
        "Reconciling": "True/ConfigMapNotFound",
        "Resolved": "False/ConfigMapNotFound",
        "Stored": "True/Stored",
    }
    assert decision.failure
    assert decision.failure.message == "ConfigMap 'weights' does not exist in namespace 'demo'."
    assert decision.failure.class_ is FailureClass.DEPENDENCY
    assert decision.requeue_after == ON_RESYNC_S


def test_a_users_mistake_is_final_and_starts_nothing() -> None:
    failure = TaskFailure(
        reason=Reason.MODEL_TOO_LARGE,
        class_=FailureClass.USER,
        message="30Gi, but at most 20Gi are allowed.",
        remedy="Make it smaller.",
    )
    decision = after(TaskPhase.FAILED, failure=failure, finished_at=NOW)
    assert said(decision)["Stalled"] == "True/ModelTooLarge"
    assert decision.tasks == ()
    assert decision.failure
    assert (decision.failure.remedy, decision.failure.since) == ("Make it smaller.", NOW)


def test_an_outage_says_when_it_is_tried_next() -> None:
    failure = TaskFailure(
        reason=Reason.REGISTRY_UNREACHABLE,
        class_=FailureClass.NETWORK,
        message="localhost:5000 does not answer.",
        retryable=True,
    )
    decision = after(TaskPhase.FAILED, failure=failure, finished_at=NOW)
    assert said(decision)["Reconciling"] == "True/RegistryUnreachable"
    assert decision.failure
    assert decision.failure.next_retry_at
    assert decision.requeue_after == 5


def test_a_task_that_waits_for_a_slot_says_so() -> None:
    assert said(after(TaskPhase.QUEUED))["Ready"] == "Unknown/Queued"


def test_a_failure_stays_in_sight_while_it_is_tried_again() -> None:
    status = {"failure": {"reason": "RegistryUnreachable", "class": "Network", "message": "down"}}
    seen = model(status)
    [task] = decided(seen).tasks
    running = TaskState(task.id, 2, TaskPhase.RUNNING)
    decision = decided(seen, {task.id: running})
    assert said(decision)["Ready"] == "False/RegistryUnreachable"
    assert [wanted.attempt for wanted in decision.tasks] == [2]
    assert decision.conditions[0].truth is Truth.FALSE


def test_a_failure_names_the_log_of_its_attempt() -> None:
    keys, seen = LogKeys(b"a secret of the operator's own"), model()
    settings = Settings(registry_push="registry:5000", log_uri_base="/proxy")
    evidence = ModelEvidence(seen, None, {}, {}, settings, log_keys=keys)
    [task] = decide_model(evidence, NOW).tasks
    assert task.log
    assert task.log.path.startswith("/namespaces/demo/models/diabetes/builds/")
    assert task.log == parse_path(task.log.path)
    failure = TaskFailure(reason=Reason.TASK_CRASHED, class_=FailureClass.UNKNOWN, message="x")
    failed = TaskState(task.id, 1, TaskPhase.FAILED, finished_at=NOW, failure=failure)
    told = decide_model(replace(evidence, tasks={task.id: failed}), NOW).failure
    assert told
    assert told.log_uri == keys.address("/proxy", task.log)
    assert after(TaskPhase.FAILED, failure=failure, finished_at=NOW).failure.log_uri is None  # type: ignore[union-attr]
