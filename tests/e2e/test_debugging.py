"""A debugger in a pod: `fairlead debug`, a breakpoint in ``run()``, a variable, and on."""

import json
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.cluster.waiting import until
from tests.e2e.scene import PATIENCE, Scene
from tests.e2e.test_command_line import DEADLINE_S, PROGRAM, fairlead
from tests.integration.scoring.debug_client import DebugClient, attached
from tests.plain_http import CLIENT

SCRIPT = """\
def init():
    pass


def run(data):
    doubled = data * 2
    return doubled
"""
UPPER = SCRIPT.replace("return doubled", "return doubled.upper()")
LINE = SCRIPT.splitlines().index("    return doubled") + 1
TIME_OUT_S = 2  # as long as run() may take where nobody debugs it


@contextmanager
def debugged(scene: Scene, folder: Path) -> Iterator[dict[str, Any]]:
    """`fairlead debug`, as long as this lasts; yield the configuration that it has written."""
    path = folder / ".vscode/launch.json"
    words = ["debug", "wsvc/diabetes", "--wait", "600", "--namespace", scene.namespace]
    with (folder / "said").open("w") as said:
        program = subprocess.Popen(
            [PROGRAM, *words],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            env={**os.environ, "KUBECONFIG": str(scene.cluster.kubeconfig)},
        )
    try:
        until(lambda: (program.poll(), path.exists()), lambda seen: seen != (None, False), PATIENCE)
        assert path.exists(), (folder / "said").read_text()
        yield json.loads(path.read_text())["configurations"][0]
    finally:
        program.terminate()
        program.wait(DEADLINE_S)


def test_a_breakpoint_in_a_pod(scene: Scene, tmp_path: Path) -> None:
    """It outlasts the time-out of the request and the probes, and other pods do not reach it."""
    (tmp_path / "score.py").write_text(SCRIPT)
    scene.image({"score.py": SCRIPT})
    scene.service(
        expose={"type": "NodePort"},
        scoringTimeoutMilliseconds=TIME_OUT_S * 1000,
        probes={"periodSeconds": 1, "failureThreshold": 1},
    )
    with debugged(scene, tmp_path) as configuration:
        mapping = [{"localRoot": str(tmp_path), "remoteRoot": "/var/azureml-app"}]
        client = attached(configuration["port"], PATIENCE, pathMappings=mapping)
        client.stop_at(tmp_path / "score.py", LINE)
        scene.reason("webservice", "Serving")
        scene.until(scene.pods, lambda pods: len(pods) == 1)  # one that ends may still answer
        stops_and_goes_on(client, scene.address())
        client.leave()
        is_not_restarted(scene)
        edits_and_commits(scene, tmp_path)
    assert "A debugger is attached." in (tmp_path / "said").read_text()
    fairlead(scene, "debug", "diabetes", "--off")
    scene.until(lambda: scene.get("webservice")["spec"], lambda spec: "debug" not in spec)


def is_not_restarted(scene: Scene) -> None:
    [pod] = [one for one in scene.pods() if "deletionTimestamp" not in one["metadata"]]
    assert [one["restartCount"] for one in pod["status"]["containerStatuses"]] == [0]
    ready = next(one for one in pod["status"]["conditions"] if one["type"] == "Ready")
    assert ready["status"] == "True"


def remote_root(folder: Path) -> str:
    """Where an editor looks for the pod's source."""
    [entry] = json.loads((folder / ".vscode/launch.json").read_text())["configurations"]
    return str(entry["pathMappings"][0]["remoteRoot"])


def edits_and_commits(scene: Scene, folder: Path) -> None:
    """A source that the pod itself cannot write to: edited, loaded, found by the editor, and
    kept."""
    environ = {"EDITOR": "sed -i -e s/doubled$/doubled.upper()/"}
    edited = fairlead(scene, "edit", "wsvc/diabetes", environ=environ).stdout
    assert "-    return doubled\n+    return doubled.upper()\n" in edited
    answer = CLIENT.post(scene.address(), content=b"ab", timeout=DEADLINE_S)
    assert answer.json() == "ABAB"
    words = ["shell", "wsvc/diabetes", "--namespace", scene.namespace, "--", "sh", "-c"]
    shown = fairlead(scene, *words, "cat /tmp/fairlead-edits/score.py").stdout
    assert shown == UPPER
    scene.until(lambda: remote_root(folder), "/tmp/fairlead-edits".__eq__)
    committed = fairlead(scene, "commit", "wsvc/diabetes", "--yes").stdout
    assert "Written to InferenceImage 'diabetes'" in committed
    source = scene.get("inferenceimage")["spec"]["source"]
    assert source["inline"]["files"] == {"score.py": UPPER}


def stops_and_goes_on(client: DebugClient, address: str) -> None:
    answers: list[httpx.Response] = []
    asking = threading.Thread(
        target=lambda: answers.append(CLIENT.post(address, content=b"ab", timeout=DEADLINE_S))
    )
    asking.start()
    thread = client.event("stopped")["threadId"]
    since = time.monotonic()
    assert client.evaluate(thread, "doubled") == "'abab'"
    root = address.removesuffix("/score")
    while time.monotonic() < since + 2 * TIME_OUT_S:
        assert CLIENT.get(f"{root}/", timeout=DEADLINE_S).status_code == httpx.codes.OK
    client.go_on(thread)
    asking.join(DEADLINE_S)
    assert [answer.json() for answer in answers] == ["abab"]
