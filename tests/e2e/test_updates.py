"""Changes under load: what fails is rolled back, keys are rotated, no request is lost."""

import base64
import json
from functools import partial
from typing import Any

from fairlead.api.refs import Manifest
from tests.cluster import ClusterError
from tests.e2e.scene import Scene, condition
from tests.e2e.test_front import asked, load
from tests.e2e.test_services import FAILS, NODE_PORT, echo

STARTUP_S = 60  # what a start may take here, beside other scenes
CONCURRENCY = {"maxConcurrentRequests": 1, "maxQueueWaitMilliseconds": 20_000}


def serve(scene: Scene, **spec: Any) -> None:
    probes = {"initialDelaySeconds": STARTUP_S}
    scene.service(front={}, concurrency=CONCURRENCY, probes=probes, **NODE_PORT, **spec)


def test_an_update_that_fails_is_rolled_back_and_a_mended_one_goes_out(
    scene: Scene, front: str
) -> None:
    def is_back(status: Manifest) -> bool:
        return bool(status["revision"].get("rolledBack")) and " not all ready" not in str(
            condition(status, "Deployed").get("message")
        )

    assert front
    scene.image(echo("old"))
    serve(scene)
    good = scene.reason("webservice", "Serving")["revision"]
    spec = scene.get("webservice")["spec"]
    scene.until(lambda: asked(scene.address()), lambda answer: answer == '200 "old"')
    quick = {"autoRollback": True, "progressDeadlineSeconds": STARTUP_S + 1}
    with load(scene.address()) as under:
        serve(scene, rollout=quick)
        scene.image({"score.py": FAILS})
        scene.reason("webservice", "RolledBack")
        scene.until(scene.pods, lambda pods: serves_alone(pods, good["active"]))
        status = scene.until(lambda: scene.get("webservice")["status"], is_back)
        failure, revision = status["failure"], status["revision"]
        assert "UserScriptInitFailed: init() raised ValueError" in failure["message"]
        assert (failure["location"], condition(status, "Available")["status"]) == (
            "score.py:2",
            "True",
        )
        assert (revision["active"], status["state"]) == (good["active"], "Healthy")
        assert revision["target"] not in ("", good["target"])
        assert scene.get("webservice")["spec"] == {**spec, "rollout": quick}
        scene.until(lambda: " ".join(scene.events("Webservice")), lambda told: "RolledBack" in told)
        serve(scene, rollout={"autoRollback": True})
        scene.image(echo("new"))
        scene.until(lambda: under.answers[-1], lambda answer: answer == '200 "new"')
        assert "rolledBack" not in scene.reason("webservice", "Serving")["revision"]
        scene.until(scene.pods, lambda pods: len(pods) == 1)
    assert under.failures() == []
    scene.kubectl("scale", "webservice", "diabetes", "--replicas=2")
    scene.until(lambda: scene.columns("webservice")["REPLICAS"], lambda cell: cell == "2/2")


def serves_alone(pods: list[Manifest], reference: str) -> bool:
    """One pod is left, of that image."""
    return [pod["spec"]["containers"][0]["image"] for pod in pods] == [reference]


TRIES_KEY = """\
import sys, urllib.error, urllib.request
request = urllib.request.Request("http://127.0.0.1:5001/swagger.json")
request.add_header("Authorization", "Bearer " + sys.argv[1])
try:
    print(urllib.request.urlopen(request).status)
except urllib.error.HTTPError as error:
    print(error.code)
"""


def test_keys_are_rotated_without_a_restart_and_no_request_is_refused(scene: Scene) -> None:
    scene.image(echo("secret"))
    spec = {"replicas": 2, "auth": {"enabled": True}, "concurrency": CONCURRENCY, **NODE_PORT}
    scene.service(**spec)
    scene.until(lambda: scene.columns("webservice")["REPLICAS"], lambda cell: cell == "2/2")
    scene.reason("webservice", "Serving")
    address, before = scene.address(), started(scene)
    primary, secondary = key(scene, "primaryKey"), key(scene, "secondaryKey")
    with load(address, **bearer(secondary)) as under:
        rotate(scene, "primaryKey", "new-primary")
        with load(address, **bearer("new-primary")) as also:
            scene.until(lambda: len(also.answers), lambda count: count > 10)
    assert under.failures() + also.failures() == []
    assert asked(address, **bearer(primary)).startswith("401 ")
    with load(address, **bearer("new-primary")) as under:
        rotate(scene, "secondaryKey", "new-secondary")
    assert under.failures() == []
    assert asked(address, **bearer(secondary)).startswith("401 ")
    assert asked(address, **bearer("new-secondary")) == '200 "secret"'
    scene.service(**spec, tags={"a": "b"})
    scene.reason("webservice", "Serving")
    assert (key(scene, "primaryKey"), started(scene)) == ("new-primary", before)


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


def key(scene: Scene, name: str) -> str:
    return base64.b64decode(scene.get("secret", "diabetes-fairlead-keys")["data"][name]).decode()


def started(scene: Scene) -> list[tuple[str, int]]:
    """The pods, and how often each was restarted."""
    found = [(p["metadata"]["name"], p["status"]["containerStatuses"][0]) for p in scene.pods()]
    return sorted((name, container["restartCount"]) for name, container in found)


def rotate(scene: Scene, name: str, text: str) -> None:
    """As docs/webservice.md says: the Secret, then each pod until it takes the new key."""
    patch = json.dumps({"stringData": {name: text}})
    scene.kubectl("patch", "secret", "diabetes-fairlead-keys", "--type=merge", "--patch", patch)
    pods = [pod["metadata"]["name"] for pod in scene.pods()]
    scene.kubectl("annotate", "pods", *pods, f"fairlead.dev/rotated={text}", "--overwrite")
    for pod in pods:
        scene.until(partial(takes, scene, pod, text), lambda code: code == "200")


def takes(scene: Scene, pod: str, text: str) -> str:
    """The status with which a pod answers whoever sends this key; empty where it cannot be asked,
    as on a busy node."""
    try:
        return scene.kubectl("exec", pod, "--", "python3", "-c", TRIES_KEY, text).strip()
    except ClusterError:
        return ""
