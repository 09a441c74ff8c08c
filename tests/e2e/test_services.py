"""What serves, what does not, and what its user is told: on real pods."""

import base64
import json

import httpx
import pytest

from fairlead.api.refs import Manifest
from tests.e2e.scene import Scene, condition, score

ECHO = "def init():\n    pass\n\n\ndef run(data):\n    return {VALUE!r}\n"
RAISES = """\
from azureml.core.model import Model


def init():
    Model.get_model_path("sklearn_regresion_model.pkl")


def run(data):
    return data
"""
FAILS = "def init():\n    raise ValueError('bad weights')\n\n\ndef run(data):\n    return data\n"
NEVER = "import time\n\n\ndef init():\n    time.sleep(3600)\n\n\ndef run(data):\n    return data\n"
GREEDY = """\
def init():
    global hoard
    hoard = [bytes(1 << 20) + b"x" for _ in range(2048)]


def run(data):
    return data
"""
MISSING = "import xgboost\n\n\ndef init():\n    pass\n\n\ndef run(data):\n    return data\n"
NODE_PORT: Manifest = {"expose": {"type": "NodePort"}}


def echo(value: str) -> dict[str, str]:
    return {"score.py": ECHO.replace("{VALUE!r}", repr(value))}


@pytest.fixture(scope="module")
def failing(stage: Scene) -> Scene:
    """Every script that does not start, at once: none keeps another from being explained."""
    stage.config_map("weights", sklearn_regression_model__pkl="1")
    spec = {
        "modelName": "sklearn_regression_model.pkl",
        "source": {"configMap": {"name": "weights"}},
    }
    stage.apply("Model", spec, "weights")
    stage.image({"score.py": RAISES}, "no-model", models=[{"name": "weights"}])
    stage.image({"score.py": FAILS}, "raises")
    stage.image({"score.py": NEVER}, "never")
    stage.image({"score.py": GREEDY}, "greedy")
    stage.image({"score.py": MISSING}, "missing")
    stage.service("no-model", replicas=2)
    stage.service("raises")
    stage.service("never", probes={"initialDelaySeconds": 6})
    stage.service("greedy")
    stage.service("missing")
    stage.service("no-image", image="localhost:5000/nobody/nothing:1")
    stage.service("exits", image=stage.cluster.base_image)
    stage.service("no-room", resources={"cpu": "900", "memory": "64Mi"})
    stage.image(echo("x"), "no-room")
    return stage


def test_a_model_that_is_not_in_the_image_is_explained(failing: Scene) -> None:
    def settled(status: Manifest) -> bool:
        failure = status.get("failure", {})
        return bool(failure.get("restarts", 0) >= 1 and failure.get("affected") == "2 of 2")

    failing.reason("webservice", "ModelFileNotFound", "no-model")
    status = failing.until(lambda: failing.get("webservice", "no-model")["status"], settled)
    failure = status["failure"]
    assert failure["message"] == (
        "init() raised ModelNotFoundException at score.py:5: no model "
        "'sklearn_regresion_model.pkl' in this image. The image has: sklearn_regression_model.pkl "
        "(version 1). Kubernetes shows this as CrashLoopBackOff."
    )
    assert failure["remedy"] == (
        "Correct the name in score.py:5 (did you mean 'sklearn_regression_model.pkl'?), or add the "
        "model to spec.models of InferenceImage 'no-model'."
    )
    assert (failure["location"], failure["exitCode"]) == ("score.py:5", 3)
    assert (failure["container"], failure["pod"][:9]) == ("scoring", "no-model-")
    assert "Traceback" in failure["logTail"]
    assert status["state"] == "Unhealthy"
    assert condition(status, "Available")["message"] == "No replica is ready."
    assert condition(status, "ImageReady")["status"] == "True"
    assert condition(status, "Stalled")["reason"] == "ModelFileNotFound"
    columns = failing.columns("webservice", "no-model")
    assert (
        columns.items()
        >= {
            "READY": "False",
            "REASON": "ModelFileNotFound",
            "STATE": "Unhealthy",
            "REPLICAS": "0/2",
        }.items()
    )
    warnings = failing.told("Webservice", "ModelFileNotFound", "no-model")
    assert any("Remedy: Correct the name in score.py:5" in event for event in warnings)


@pytest.mark.parametrize(
    ("name", "reason", "words"),
    [
        ("raises", "UserScriptInitFailed", "init() raised ValueError at score.py:2: bad weights"),
        ("never", "InitTimedOut", "init() had not returned after 6 s and was ended; it was at"),
        ("greedy", "PodOutOfMemory", "256Mi"),
        ("missing", "UserScriptImportError", "No module named 'xgboost'"),
        ("no-image", "ImagePullFailed", "localhost:5000/nobody/nothing:1"),
        ("no-room", "PodUnschedulable", "Insufficient cpu"),
        ("exits", "ContainerExited", "ended by itself, exit code 0, after"),
    ],
)
def test_a_service_that_does_not_start_is_explained(
    failing: Scene, name: str, reason: str, words: str
) -> None:
    failing.reason("webservice", reason, name, patience=180)
    status = failing.until(  # the kubelet's event comes before the record that says where
        lambda: failing.get("webservice", name)["status"],
        lambda status: words in (status.get("failure") or {}).get("message", ""),
    )
    assert status["failure"]["remedy"]
    assert status["state"] == ("Unschedulable" if name == "no-room" else "Unhealthy")
    assert failing.columns("webservice", name)["REASON"] == reason


def test_what_the_script_imports_and_looks_up_was_warned_of_before_any_build(
    failing: Scene,
) -> None:
    for name, reason, words in (
        ("missing", "ImportNotListed", "brings xgboost (score.py:1)"),
        ("no-model", "ModelNotListed", "score.py:5 looks up the model 'sklearn_regresion_model"),
    ):
        told = condition(failing.get("inferenceimage", name)["status"], "PreflightPassed")
        assert (told["status"], told["reason"]) == ("False", reason)
        assert words in told["message"]
        assert failing.told("InferenceImage", f"Warning {reason}: ", name)


def test_a_mended_script_serves_and_the_failure_is_gone(scene: Scene) -> None:
    scene.image({"score.py": FAILS})
    scene.service()
    scene.reason("webservice", "UserScriptInitFailed")
    scene.image(echo("mended"))
    status = scene.reason("webservice", "Serving")
    assert ("failure" in status, status["state"]) == (False, "Healthy")


def test_a_new_version_that_does_not_start_leaves_the_old_one_serving(scene: Scene) -> None:
    scene.image(echo("old"))
    scene.service(**NODE_PORT)
    scene.reason("webservice", "Serving")
    address = scene.address()
    scene.image({"score.py": FAILS})
    status = scene.reason("webservice", "UserScriptInitFailed")
    assert condition(status, "Available")["status"] == "True"
    assert status["state"] == "Healthy"
    assert status["revision"]["active"] != status["revision"]["target"]
    assert score(address, {}).json() == "old"


def test_keys_are_asked_for_by_default_and_never_read_by_the_operator(scene: Scene) -> None:
    scene.image(echo("secret"))
    scene.service(auth={"enabled": True}, **NODE_PORT)
    scene.reason("webservice", "Serving")
    address = scene.address()
    assert score(address, {}).status_code == httpx.codes.UNAUTHORIZED
    data = scene.get("secret", "diabetes-fairlead-keys")["data"]
    for name in ("primaryKey", "secondaryKey"):
        key = base64.b64decode(data[name]).decode()
        assert score(address, {}, Authorization=f"Bearer {key}").json() == "secret"
        assert key not in scene.operator.whole_log()
    assert not scene.operator.may("get", "secrets")
    assert not scene.operator.may("list", "secrets")


def test_keys_that_were_lost_are_made_again_and_told(scene: Scene) -> None:
    def keys_said() -> str:
        return str(condition(scene.get("webservice")["status"], "KeysReady")["reason"])

    scene.image(echo("secret"))
    scene.service(auth={"enabled": True}, **NODE_PORT)
    scene.reason("webservice", "Serving")
    before = scene.get("secret", "diabetes-fairlead-keys")["data"]
    assert keys_said() == "KeysCreated"
    scene.kubectl("delete", "secret", "diabetes-fairlead-keys")
    scene.kubectl("rollout", "restart", "deployment", "diabetes")
    scene.until(keys_said, lambda reason: reason == "KeysRecreated")
    after = scene.get("secret", "diabetes-fairlead-keys")["data"]
    assert set(after.values()).isdisjoint(before.values())
    scene.kubectl("rollout", "status", "deployment", "diabetes", "--timeout=120s")
    header = f"Bearer {base64.b64decode(after['primaryKey']).decode()}"
    address = scene.address()
    scene.until(  # the pod before, with its keys, may be asked until every node knows better
        lambda: score(address, {}, Authorization=header).json(), lambda said: said == "secret"
    )
    assert scene.told("Webservice", "KeysRecreated")


def test_a_port_that_the_cluster_refuses_is_the_users(scene: Scene) -> None:
    scene.image(echo("x"))
    scene.service(expose={"type": "NodePort", "nodePort": 80})
    status = scene.reason("webservice", "InvalidSpec")
    assert (status["failure"]["class"], status["state"]) == ("User", "Failed")
    assert status["failure"]["message"].startswith("The cluster refuses spec.expose.nodePort: ")
    assert condition(status, "Stalled")["status"] == "True"
    scene.service(**NODE_PORT)
    scene.reason("webservice", "Serving")


def test_a_container_that_somebody_added_is_named_where_it_fails(scene: Scene) -> None:
    scene.image(echo("x"))
    scene.service(**NODE_PORT)
    scene.reason("webservice", "Serving")
    address = scene.address()
    proxy = {"name": "proxy", "image": scene.cluster.base_image, "command": ["false"]}
    patch = {"spec": {"template": {"spec": {"containers": [proxy]}}}}
    scene.kubectl("patch", "deployment", "diabetes", "--patch", json.dumps(patch))
    status = scene.reason("webservice", "InjectedContainerFailed")
    assert (status["failure"]["container"], status["failure"]["exitCode"]) == ("proxy", 1)
    assert status["state"] == "Healthy"
    assert score(address, {}).json() == "x"


def test_a_service_waits_for_its_image_in_any_order(scene: Scene) -> None:
    scene.service()
    scene.reason("webservice", "ImageNotFound")
    scene.image({"score.py": "def init(:\n"})
    scene.until(
        lambda: scene.get("webservice")["status"].get("failure") or {},
        lambda failure: "score.py:1" in failure.get("message", ""),
    )
    scene.image(echo("x"))
    scene.reason("webservice", "Serving")


def test_an_image_that_goes_away_leaves_what_serves_alone(scene: Scene) -> None:
    scene.image(echo("still here"))
    scene.service(**NODE_PORT)
    scene.reason("webservice", "Serving")
    address = scene.address()
    scene.kubectl("delete", "inferenceimage", "diabetes")
    status = scene.reason("webservice", "ImageNotFound")
    assert condition(status, "Available")["status"] == "True"
    assert score(address, {}).json() == "still here"


def test_a_strangers_object_of_the_same_name_is_left_alone(scene: Scene) -> None:
    scene.kubectl("create", "service", "clusterip", "diabetes", "--tcp=80:80")
    before = scene.get("service")
    scene.image(echo("x"))
    scene.service()
    status = scene.reason("webservice", "NameTaken")
    assert status["failure"]["message"].startswith("Service 'diabetes' exists already")
    assert scene.get("service") == before
    assert scene.items("deployment") == []
    scene.kubectl("delete", "service", "diabetes")
    scene.reason("webservice", "Serving")


def test_a_service_runs_where_only_restricted_pods_may(scene: Scene) -> None:
    scene.let_in_restricted_pods_alone()
    scene.image(echo("x"))
    scene.service(auth={"enabled": True})
    scene.reason("webservice", "Serving")


def test_a_quota_that_refuses_the_pods_is_told_in_its_own_words(scene: Scene) -> None:
    scene.image(echo("x"))
    scene.reason("inferenceimage", "Built")  # by pods that the quota would refuse, too
    scene.kubectl("create", "quota", "small", "--hard=pods=0")
    scene.service()
    status = scene.reason("webservice", "PodRefused")
    assert "exceeded quota: small" in status["failure"]["message"]
    scene.kubectl("delete", "quota", "small")
    scene.reason("webservice", "Serving", patience=180)


def test_deleting_a_service_removes_every_child_and_nothing_else(scene: Scene) -> None:
    scene.image(echo("x"))
    scene.service(auth={"enabled": True})
    scene.reason("webservice", "Serving")
    scene.kubectl("delete", "webservice", "diabetes", "--timeout=30s")
    kinds = "deployment,service,poddisruptionbudget,horizontalpodautoscaler,secret"
    scene.until(lambda: [*scene.items(kinds), *scene.pods()], lambda left: left == [])
    assert scene.reason("inferenceimage", "Built")["version"] == 1


def test_a_copy_of_an_object_is_an_object_of_its_own(scene: Scene) -> None:
    """A note of what was handled, kept on the object, would hide the copy (kopf's trap K4)."""
    scene.image(echo("x"))
    scene.reason("inferenceimage", "Built")
    copy = scene.get("inferenceimage")
    notes = {
        "fairlead.dev/last-handled-configuration": "{not json",
        "fairlead.dev/reconcile": "{not json either",
    }
    copy["metadata"] = {"name": "copy", "annotations": notes}
    scene.kubectl("create", "-f", "-", text=json.dumps(copy))
    scene.reason("inferenceimage", "Built", "copy")


def test_somebody_elses_notes_on_an_object_cause_no_work(scene: Scene) -> None:
    scene.image(echo("x"))
    scene.service()
    scene.reason("webservice", "Serving")
    before = scene.get("deployment")["metadata"]["generation"], scene.operator.whole_log()
    for number in range(5):
        scene.kubectl("annotate", "webservice", "diabetes", f"note={number}", "--overwrite")
    scene.service("canary")
    scene.reason("webservice", "ImageNotFound", "canary")
    after = scene.get("deployment")["metadata"]["generation"], scene.operator.whole_log()
    assert after[0] == before[0]
    assert f"{scene.namespace}/diabetes " not in after[1].removeprefix(before[1])
