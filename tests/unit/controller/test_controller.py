"""The controller, its cache and its queue over a cluster in memory."""

from datetime import datetime
from typing import Any

import pytest
from structlog.testing import capture_logs

from fairlead.api.meta import FINALIZER, INFERENCE_IMAGE, KINDS, MODEL, WEBSERVICE
from fairlead.api.reasons import Reason
from fairlead.api.refs import Manifest
from fairlead.contract import TaskPhase, TaskState
from fairlead.controller import reconcile as reconciling
from fairlead.decide.webservice.stages import decide_webservice
from fairlead.errors import ExpiredError, StalledError, WaitingError
from fairlead.informer import reflector
from fairlead.observe.references import Key
from tests.unit import kubelet
from tests.unit.controller.world import World

IMAGE = "registry.example.com/team/credit:1"
SERVICE: Manifest = {"image": IMAGE}
EVICTED: Manifest = {"phase": "Failed", "reason": "Evicted", "message": "low on memory"}
OLD = "2026-01-01T00:00:00Z"
CHILDREN = ("deployments", "services", "poddisruptionbudgets", "horizontalpodautoscalers")


VERSION = {
    "version": 1,
    "modelName": "credit",
    "digest": f"sha256:{'1' * 64}",
    "sizeBytes": 1,
    "files": 1,
    "source": "configmap/code",
    "artifact": "localhost:5000/demo/fairlead/models/credit:1",
    "layer": f"sha256:{'2' * 64}",
    "path": "model",
    "registeredAt": OLD,
}


def made(world: World, name: str = "credit") -> list[str]:
    return [plural for plural in CHILDREN if world.cluster.find(plural, "demo", name)]


def config_map(**data: str) -> Manifest:
    meta = {"name": "code", "namespace": "demo"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}


async def test_a_new_service_takes_a_read_and_an_apply_for_each_child_and_one_secret() -> None:
    world = World()
    async with world.running():
        await world.until(lambda: world.cluster.watched("configmaps"))
        world.apply(WEBSERVICE, "credit", SERVICE)
        await world.until(lambda: world.reason(WEBSERVICE, "credit") == "RollingOut")
        await world.settled()
    assert made(world) == list(CHILDREN)
    asked = {k: n for k, n in world.cluster.requests.items() if k[0] not in ("list", "watch")}
    assert {k: n for k, n in asked.items() if k[0] in ("get", "apply")} == {
        (verb, plural): 1 for verb in ("get", "apply") for plural in CHILDREN
    }
    assert asked["create", "secrets"] == 1
    assert asked["apply_status", "webservices"] == 1
    assert sum(asked.values()) <= 12


async def test_the_first_status_is_deferred_once_and_not_while_somebody_deletes_the_children() -> (
    None
):
    world = World()
    key = Key(WEBSERVICE, "demo", "credit")
    world.cluster.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "demo"}})
    world.apply(WEBSERVICE, "credit", SERVICE)
    async with world.running():
        await world.until(lambda: made(world) == list(CHILDREN))
        assert world.status(WEBSERVICE, "credit") == {}
        world.cluster.remove("services", "demo", "credit")
        await world.until(lambda: world.reason(WEBSERVICE, "credit") == "RollingOut")
        assert not world.cache.is_new(key)


async def test_what_nobody_has_begun_is_urgent_and_what_was_told_is_not() -> None:
    world = World()
    key = Key(WEBSERVICE, "demo", "credit")
    assert not world.cache.is_new(key)
    world.cache.own_event(WEBSERVICE, "ADDED", world.apply(WEBSERVICE, "credit", SERVICE))
    assert world.cache.is_new(key)
    seen = world.apply(WEBSERVICE, "credit", SERVICE)
    told = {**seen, "status": {"observedGeneration": seen["metadata"]["generation"]}}
    world.cache.own_event(WEBSERVICE, "MODIFIED", told)
    assert not world.cache.is_new(key)


async def test_what_needs_nothing_asks_for_nothing_and_a_restart_writes_nothing() -> None:
    world = World()
    world.apply(WEBSERVICE, "credit", SERVICE)
    async with world.running():
        await world.until(lambda: world.reason(WEBSERVICE, "credit") == "RollingOut")
        await world.settled()
    again = World()
    again.cluster.objects = world.cluster.objects
    async with again.running():
        await again.until(lambda: again.cluster.watched("configmaps"))
        await again.settled()
        verbs = {verb for verb, _ in again.cluster.requests}
    assert verbs <= {"list", "watch", "create"}
    assert again.cluster.requests["create", "events"] == 0
    assert again.cluster.requests["create", "secrets"] <= 1


async def test_a_child_that_was_deleted_is_made_again_at_once() -> None:
    world = World()
    world.apply(WEBSERVICE, "credit", SERVICE)
    async with world.running():
        await world.until(lambda: made(world) == list(CHILDREN))
        await world.settled()
        world.cluster.remove("services", "demo", "credit")
        await world.until(lambda: made(world) == list(CHILDREN))


async def test_children_are_not_made_again_for_an_object_whose_end_is_not_known_yet() -> None:
    """The watch of a child may be ahead of that of the object which it goes with."""
    world = World()
    world.apply(WEBSERVICE, "credit", SERVICE)
    async with world.running():
        await world.until(lambda: made(world) == list(CHILDREN))
        await world.settled()
        applied = world.cluster.requests["apply", "services"]
        world.cluster.remove("webservices", "demo", "credit", silently=True)
        world.cluster.remove("services", "demo", "credit")
        await world.until(lambda: world.cache.object(Key(WEBSERVICE, "demo", "credit")) is None)
        await world.settled()
    assert world.cluster.requests["apply", "services"] == applied


async def test_a_result_is_kept_until_the_status_that_holds_it_is_written() -> None:
    """Whoever comes after a crash between the two would have the work done again."""
    world = World()
    world.cluster.put(config_map(model="x"))
    model = {"source": {"configMap": {"name": "code"}}}
    uid = world.apply(MODEL, "credit", model)["metadata"]["uid"]
    async with world.running():
        await world.until(lambda: world.runner.wanted.get(uid))
        [task] = world.runner.wanted[uid]
        refusal = WaitingError(Reason.API_UNAVAILABLE, "not now")
        world.cluster.refusals["apply_status", "models"] = [refusal]
        result = {"version": 1, "versions": [VERSION]}
        world.runner.known[task.id] = TaskState(task.id, 1, TaskPhase.SUCCEEDED, result=result)
        world.controller.wake([uid])
        await world.until(lambda: not world.cluster.refusals["apply_status", "models"])
        assert world.runner.forgotten == []
        await world.until(lambda: world.reason(MODEL, "credit") == "Stored")
        await world.until(lambda: world.runner.forgotten == [task.id])


async def test_what_was_put_right_is_logged_also_where_the_status_says_the_same() -> None:
    world = World()
    world.apply(WEBSERVICE, "credit", SERVICE)
    async with world.running():
        await world.until(lambda: made(world) == list(CHILDREN))
        await world.settled()
        before = world.status(WEBSERVICE, "credit")
        with capture_logs() as lines:
            world.cluster.remove("poddisruptionbudgets", "demo", "credit")
            await world.until(lambda: made(world) == list(CHILDREN))
            await world.settled()
        assert world.status(WEBSERVICE, "credit") == before
    assert [line["event"] for line in lines] == ["applied PodDisruptionBudget"]


async def test_a_bug_in_one_objects_reconcile_is_said_there_and_hurts_no_other(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def decide(evidence: Any, now: datetime) -> Any:
        if evidence.webservice.name == "poison":
            raise KeyError("spec")
        return decide_webservice(evidence, now)

    steps = reconciling.STEPS[WEBSERVICE]
    broken = reconciling.Steps(steps.read, steps.observe, decide)
    monkeypatch.setitem(reconciling.STEPS, WEBSERVICE, broken)
    world = World()
    poison = world.apply(WEBSERVICE, "poison", SERVICE)
    world.apply(WEBSERVICE, "credit", SERVICE)
    async with world.running():
        await world.until(lambda: world.reason(WEBSERVICE, "poison") == "InternalError")
        await world.until(lambda: made(world) == list(CHILDREN))
    failure = world.status(WEBSERVICE, "poison")["failure"]
    assert failure["reason"] == "InternalError"
    assert "KeyError" in failure["message"]
    assert "spec" not in failure["message"].split("(")[1]
    assert "InternalError" in {event["reason"] for event in world.cluster.events}
    assert poison["metadata"]["uid"] not in world.runner.wanted  # what runs for it goes on
    assert "Traceback" in capsys.readouterr().out


async def test_nothing_is_written_to_an_object_whose_namespace_is_going() -> None:
    world = World()
    world.cluster.put(config_map())
    model = {"source": {"configMap": {"name": "code"}}}
    world.apply(MODEL, "iris", model)
    meta = {"name": "demo", "deletionTimestamp": "2026-01-01T00:00:00Z"}
    async with world.running():
        await world.until(lambda: world.reason(MODEL, "iris") == "Ingesting")
        await world.settled()
        world.cluster.put({"apiVersion": "v1", "kind": "Namespace", "metadata": meta})
        before = world.cluster.requests.copy()
        world.cluster.remove("configmaps", "demo", "code")
        await world.until(lambda: world.cluster.requests["get", "namespaces"])
        await world.settled()
    assert world.cluster.requests["apply_status", "models"] == before["apply_status", "models"]
    assert world.cluster.requests["create", "events"] == before["create", "events"]


async def test_the_api_server_saying_that_the_namespace_is_going_is_enough() -> None:
    world = World()
    going = StalledError(Reason.FORBIDDEN, "terminating", terminating=True)
    world.cluster.refusals["apply", "*"] = [going] * 9
    world.apply(WEBSERVICE, "credit", SERVICE)
    async with world.running():
        await world.until(lambda: world.cluster.requests["apply", "deployments"])
        await world.settled()
    assert world.cluster.requests["apply_status", "webservices"] == 0
    assert not world.cluster.events


async def test_a_finalizer_of_an_earlier_release_is_taken_off_and_others_stay() -> None:
    world = World()
    world.apply(WEBSERVICE, "credit", SERVICE, finalizers=[FINALIZER, "example.com/theirs"])
    async with world.running():
        await world.until(lambda: world.cluster.requests["merge", "webservices"])
        await world.settled()
    found = world.cluster.find("webservices", "demo", "credit") or {}
    assert found["metadata"]["finalizers"] == ["example.com/theirs"]


async def test_the_tasks_of_an_object_end_with_it_whoever_noticed() -> None:
    world = World()
    world.cluster.put(config_map(model="x"))
    model = {"source": {"configMap": {"name": "code"}}}
    seen = world.apply(MODEL, "seen", model)["metadata"]["uid"]
    missed = world.apply(MODEL, "missed", model)["metadata"]["uid"]
    async with world.running():
        await world.until(lambda: world.runner.wanted.get(seen) and world.runner.wanted.get(missed))
        world.cluster.remove("models", "demo", "seen")
        await world.until(lambda: world.runner.wanted[seen] == ())
        world.cluster.remove("models", "demo", "missed", silently=True)
        await world.cache.list_own()
        assert world.runner.wanted[missed] == ()


async def test_an_object_that_the_streams_missed_is_found_by_the_list() -> None:
    world = World()
    async with world.running():
        await world.until(lambda: world.cluster.watched("webservices"))
        world.cluster.mute("webservices")
        world.apply(WEBSERVICE, "credit", SERVICE)
        await world.cache.list_own()
        await world.until(lambda: made(world) == list(CHILDREN))


async def test_who_refers_to_what_changed_is_reconciled() -> None:
    world = World()
    spec = {"source": {"configMap": {"name": "code"}}, "entryScript": "score.py"}
    world.apply(INFERENCE_IMAGE, "credit", spec)
    async with world.running():
        await world.until(lambda: world.reason(INFERENCE_IMAGE, "credit") == "ConfigMapNotFound")
        script = "def init(): pass\ndef run(data): return data\n"
        world.cluster.put(config_map(**{"score.py": script}))
        await world.until(lambda: world.reason(INFERENCE_IMAGE, "credit") == "Resolving")
        await world.settled()
        world.cluster.put(config_map(**{"score.py": "def init(:"}))
        await world.until(lambda: world.reason(INFERENCE_IMAGE, "credit") == "EntryScriptInvalid")


async def test_a_child_that_appears_between_the_read_and_the_apply_is_not_taken_over() -> None:
    world = World()
    taken = WaitingError(Reason.API_UNAVAILABLE, "late")
    world.cluster.refusals["create", "secrets"] = [taken]
    world.apply(WEBSERVICE, "credit", SERVICE)
    meta = {"name": "credit", "namespace": "demo"}
    async with world.running():
        await world.until(lambda: world.cluster.requests["create", "secrets"])
        world.cluster.put(
            {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": {"type": "ClusterIP"}}
        )
        await world.until(lambda: world.reason(WEBSERVICE, "credit") == "NameTaken")
    found = world.cluster.find("services", "demo", "credit") or {}
    assert "ownerReferences" not in found["metadata"]


async def test_a_child_that_is_let_go_is_not_taken_back_by_an_owner_that_is_going() -> None:
    """`--cascade=orphan`, and the watch of the children is ahead of that of their owner: with its
    reference put back, the child would be deleted after it."""
    world = World()
    world.apply(WEBSERVICE, "credit", SERVICE)
    async with world.running():
        await world.until(lambda: made(world) == list(CHILDREN))
        await world.settled()
        world.cluster.mute("webservices")
        leaving = {"deletionTimestamp": OLD, "finalizers": ["orphan"]}
        change(world, "webservices", leaving)
        asked = world.cluster.requests["get", "webservices"]
        change(world, "horizontalpodautoscalers", {"ownerReferences": None})
        await world.until(lambda: world.cluster.requests["get", "webservices"] > asked + 1)
    found = world.cluster.find("horizontalpodautoscalers", "demo", "credit") or {}
    assert found["metadata"]["ownerReferences"] is None


async def test_what_is_still_to_be_applied_is_not_taken_back_by_an_owner_that_goes_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`--cascade=orphan` between two of our writes, after all that is looked at before them."""
    world = World()
    world.apply(WEBSERVICE, "credit", SERVICE)
    apply = world.cluster.apply

    async def overtaken(manifest: Manifest, **how: Any) -> Manifest:
        answer = await apply(manifest, **how)
        if manifest["kind"] == "Deployment":
            leaving = {"deletionTimestamp": OLD, "finalizers": ["orphan"]}
            change(world, "webservices", leaving)
            change(world, "horizontalpodautoscalers", {"ownerReferences": None})
            await world.until(world.cluster.all_read)
        return answer

    async with world.running():
        await world.until(lambda: made(world) == list(CHILDREN))
        await world.settled()
        monkeypatch.setattr(world.cluster, "apply", overtaken)
        more = {"environmentVariables": {"A": "b"}, "autoscale": {"maxReplicas": 7}}
        world.apply(WEBSERVICE, "credit", {**SERVICE, **more}, generation=2)
        await world.until(lambda: going(world))
        await world.settled()
    found = world.cluster.find("horizontalpodautoscalers", "demo", "credit") or {}
    assert found["metadata"]["ownerReferences"] is None


def going(world: World) -> bool:
    found = world.cluster.find("webservices", "demo", "credit") or {"metadata": {}}
    return "deletionTimestamp" in found["metadata"]


def change(world: World, plural: str, metadata: Manifest) -> None:
    found = world.cluster.find(plural, "demo", "credit") or {}
    world.cluster.put({**found, "metadata": {**found["metadata"], **metadata}})


async def test_the_api_being_away_is_a_status_and_the_next_try_comes_by_itself() -> None:
    world = World()
    away = WaitingError(Reason.API_UNREACHABLE, "Applying Deployment credit: no answer.")
    world.cluster.refusals["apply", "deployments"] = [away]
    world.apply(WEBSERVICE, "credit", SERVICE)
    reasons = []
    async with world.running():
        await world.until(lambda: world.reason(WEBSERVICE, "credit"))
        reasons.append(world.reason(WEBSERVICE, "credit"))
        await world.until(lambda: made(world) == list(CHILDREN))
    assert reasons == ["ApiUnreachable"]


async def test_a_secret_that_was_deleted_is_made_again_and_the_new_keys_are_told() -> None:
    def keys_said() -> str:
        return world.reason(WEBSERVICE, "credit", "KeysReady")

    world = World(resync_seconds=1)
    world.apply(WEBSERVICE, "credit", SERVICE)
    async with world.running():
        await world.until(lambda: keys_said() == "KeysCreated" and made(world) == list(CHILDREN))
        before = world.cluster.find("secrets", "demo", "credit-fairlead-keys") or {}
        world.cluster.remove("secrets", "demo", "credit-fairlead-keys")
        await world.until(lambda: keys_said() == "KeysRecreated")
    after = world.cluster.find("secrets", "demo", "credit-fairlead-keys") or {}
    assert after["data"] != before["data"]
    assert "KeysRecreated" in {event["reason"] for event in world.cluster.events}
    assert "KeysCreated" not in {event["reason"] for event in world.cluster.events}


async def test_a_first_list_that_fails_is_tried_again_and_the_others_are_not() -> None:
    world = World()
    busy = WaitingError(Reason.API_UNAVAILABLE, "Listing models: 429")
    world.cluster.refusals["list", MODEL.plural] = [busy]
    world.apply(WEBSERVICE, "credit", SERVICE)
    async with world.running():
        await world.until(lambda: made(world) == list(CHILDREN))
    lists = {kind.plural: world.cluster.requests["list", kind.plural] for kind in KINDS}
    assert lists == {MODEL.plural: 2, INFERENCE_IMAGE.plural: 1, WEBSERVICE.plural: 1}


async def test_keys_that_could_not_be_made_yet_are_not_said_to_be_there() -> None:
    world = World()
    away = WaitingError(Reason.API_UNREACHABLE, "Creating Secret credit-fairlead-keys: no answer.")
    world.cluster.refusals["create", "secrets"] = [away]
    world.apply(WEBSERVICE, "credit", SERVICE)
    async with world.running():
        await world.until(lambda: world.reason(WEBSERVICE, "credit") == "ApiUnreachable")
        failed = {c["type"] for c in world.status(WEBSERVICE, "credit")["conditions"]}
        await world.until(lambda: made(world) == list(CHILDREN))
        await world.until(lambda: world.reason(WEBSERVICE, "credit", "KeysReady"))
    assert "KeysReady" not in failed
    assert world.reason(WEBSERVICE, "credit", "KeysReady") == "KeysCreated"


async def test_a_field_that_the_api_server_refuses_is_told_as_the_users() -> None:
    world = World()
    refused = StalledError(Reason.INVALID, "Invalid value: 80", fields=["spec.ports[0].nodePort"])
    world.cluster.refusals["apply", "services"] = [refused]
    world.apply(WEBSERVICE, "credit", {**SERVICE, "expose": {"type": "NodePort", "nodePort": 80}})
    async with world.running():
        await world.until(lambda: world.reason(WEBSERVICE, "credit") == "InvalidSpec")
    status = world.status(WEBSERVICE, "credit")
    assert (status["failure"]["class"], status["state"]) == ("User", "Failed")
    assert "spec.expose.nodePort" in status["failure"]["remedy"]


async def test_a_pod_that_cannot_be_set_up_is_explained_by_its_events() -> None:
    world = World()
    world.apply(WEBSERVICE, "credit", SERVICE)
    async with world.running():
        await world.until(lambda: made(world) == list(CHILDREN))
        await world.settled()
        template = world.cluster.find("deployments", "demo", "credit") or {}
        pod = kubelet.pod(conditions=[kubelet.condition("PodScheduled", "True")])
        pod["metadata"]["labels"] = template["spec"]["template"]["metadata"]["labels"]
        said = 'MountVolume.SetUp failed : secret "credit-fairlead-keys" not found'
        failed = kubelet.event("FailedMount", said)
        creates = world.cluster.requests["create", "secrets"]
        seen = world.cluster.put({**pod, "metadata": {**pod["metadata"], "creationTimestamp": OLD}})
        about = {"involvedObject": {"uid": seen["metadata"]["uid"]}}
        world.cluster.put({**failed, **about, "metadata": {"name": "e", "namespace": "demo"}})
        await world.until(lambda: world.reason(WEBSERVICE, "credit") == "VolumeMountFailed")
    assert world.cluster.requests["create", "secrets"] > creates  # asked for at once
    failure = world.status(WEBSERVICE, "credit")["failure"]
    assert (failure["pod"], said in failure["message"]) == (pod["metadata"]["name"], True)


async def test_events_of_pods_that_start_as_they_should_are_not_read() -> None:
    world = World()
    world.apply(WEBSERVICE, "credit", SERVICE)
    async with world.running():
        await world.until(lambda: made(world) == list(CHILDREN))
        template = world.cluster.find("deployments", "demo", "credit") or {}
        starting = kubelet.container(state=kubelet.running())
        pod = kubelet.pod(starting, phase="Running")
        pod["metadata"]["labels"] = template["spec"]["template"]["metadata"]["labels"]
        world.cluster.put({**pod, "metadata": {**pod["metadata"], "creationTimestamp": OLD}})
        await world.settled()
    assert world.cluster.requests["list", "events"] == 0


async def test_the_log_of_the_pod_that_has_failed_most_is_shown() -> None:
    world = World()
    world.apply(WEBSERVICE, "credit", SERVICE)
    async with world.running():
        await world.until(lambda: made(world) == list(CHILDREN))
        template = world.cluster.find("deployments", "demo", "credit") or {}
        labels = template["spec"]["template"]["metadata"]["labels"]
        for number in range(5):
            pod = kubelet.crashed(9)
            pod["status"]["containerStatuses"][0]["restartCount"] = number
            pod["metadata"] |= {"name": f"pod-{number}", "labels": labels, "uid": f"p{number}"}
            world.cluster.logs[f"pod-{number}"] = f"log {number}"
            world.cluster.put({**pod, "metadata": {**pod["metadata"], "creationTimestamp": OLD}})
        over = kubelet.pod(kubelet.container(state=kubelet.terminated(137)), **EVICTED)
        over["metadata"] |= {"name": "pod-9", "labels": labels, "uid": "p9"}
        world.cluster.put(over)
        await world.until(lambda: "failure" in world.status(WEBSERVICE, "credit"))
        await world.settled()
    failure = world.status(WEBSERVICE, "credit")["failure"]
    assert (failure["pod"], failure["logTail"]) == ("pod-4", "log 4")


async def test_a_namespace_without_rights_holds_up_no_other() -> None:
    world = World(namespaces=("demo", "other"))
    everything = ("models", "inferenceimages", "webservices", *CHILDREN, "pods", "configmaps")
    world.cluster.forbidden |= {("list", plural, "other") for plural in everything}
    world.apply(WEBSERVICE, "credit", SERVICE)
    async with world.running():
        await world.until(lambda: world.reason(WEBSERVICE, "credit") == "RollingOut")
        assert world.cache.unlisted() == ""
    assert made(world) == list(CHILDREN)


async def test_nothing_is_decided_where_not_everything_can_be_seen() -> None:
    """The pods or files of these objects may be there, and tell another story."""
    world = World(namespaces=("demo", "other"))
    world.cluster.forbidden.add(("list", "configmaps", "demo"))
    world.apply(WEBSERVICE, "credit", SERVICE)
    async with world.running():
        await world.until(lambda: world.reason(WEBSERVICE, "credit") == "Forbidden")
        failure = world.status(WEBSERVICE, "credit")["failure"]
    assert failure["message"] == "The operator has no right to list configmaps in 'demo'."
    assert made(world) == []


async def test_a_right_that_is_taken_away_is_said_and_back_it_is_noticed_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reflector, "REOPEN_DELAY_S", 0.01)
    monkeypatch.setattr(reflector, "backoff_s", lambda _: 0.01)
    world = World(namespaces=("demo", "other"))
    world.apply(WEBSERVICE, "credit", SERVICE)
    expired = ExpiredError(Reason.API_UNAVAILABLE, "410")
    async with world.running():
        await world.until(lambda: world.reason(WEBSERVICE, "credit") == "RollingOut")
        world.cluster.forbidden.add(("list", "pods", "demo"))
        world.cluster.interrupt("pods", expired)
        await world.until(lambda: world.cache.rights.namespaces() == {"demo"})
        world.apply(WEBSERVICE, "credit", {**SERVICE, "replicas": 3})
        await world.until(lambda: world.reason(WEBSERVICE, "credit") == "Forbidden")
        world.cluster.forbidden.clear()
        await world.until(lambda: world.reason(WEBSERVICE, "credit") == "RollingOut")


async def test_without_a_right_in_any_namespace_the_operator_is_not_ready() -> None:
    world = World(namespaces=("demo",))
    world.cluster.forbidden.add(("list", "pods", "demo"))
    async with world.running():
        await world.until(world.cache.listed.is_set)
        assert "In no watched namespace" in world.cache.unlisted()
