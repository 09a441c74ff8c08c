"""`fairlead debug`: switched on, a pod found, its port forwarded, and off again."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from fairlead.api.meta import COMPONENT, OWNED_BY_WEBSERVICE, SCORING
from fairlead.cli import debug_command, exit_codes
from fairlead.cli.app import app
from fairlead.remote import debugging
from fairlead.remote.debugging import (
    SWITCH,
    DebuggedPod,
    DebuggerState,
    is_on,
    runs_in_debug_mode,
    said,
)
from tests.unit.remote.fake_api import FakeApi
from tests.unit.remote.objects import FAILURE, ready

pytestmark = pytest.mark.usefixtures("config")
DIGEST = "sha256:ab"
OURS = "/apis/fairlead.dev/v1alpha1/namespaces/default"


def slots(**debugger: bool) -> bytes:
    body = json.dumps({"slots": 1, "debugger": debugger}).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


def pod(name: str = "credit-1", **more: Any) -> dict[str, Any]:
    labels = {OWNED_BY_WEBSERVICE: "credit", COMPONENT: SCORING}
    container = {"name": "scoring", "image": f"r:5000/credit@{DIGEST}", "env": [SWITCH]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": labels, **more.get("metadata", {})},
        "spec": {"containers": [{**container, **more.get("container", {})}]},
        "status": {"containerStatuses": [{"state": more.get("state", {"running": {}})}]},
    }


@pytest.fixture
def served(api: FakeApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeApi:
    """A service that serves, and a pod as debug mode has it. Whoever waits is interrupted."""

    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(debug_command, "time", SimpleNamespace(sleep=interrupt))
    monkeypatch.setattr(debugging, "LOOK_S", 0.01)
    monkeypatch.setattr(debugging, "UNTOLD_S", 0.05)
    monkeypatch.setattr(debugging, "LISTEN_S", 0.05)
    api.ours("InferenceImage", spec={}, status=ready(imageDigest=DIGEST))
    api.ours("Webservice", spec={"imageRef": {"name": "credit"}}, status=ready())
    api.put(pod(), "pods")
    api.pod_answer = slots(attached=True)
    return api


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["debug", *words])


def flat(text: str) -> str:
    return " ".join(text.split())


def spec(api: FakeApi, plural: str) -> dict[str, Any]:
    found: dict[str, Any] = api.objects[f"{OURS}/{plural}/credit"]["spec"]
    return found


def test_it_is_switched_on_forwarded_written_and_told(served: FakeApi, tmp_path: Path) -> None:
    done = run("wsvc/credit", "--wait", "60")
    assert done.exit_code == exit_codes.INTERRUPTED, done.output
    assert spec(served, "inferenceimages")["debug"] == {"enabled": True}
    assert spec(served, "webservices")["debug"] == {"enabled": True, "waitSeconds": 60}
    assert "Pod 'credit-1': a debugger attaches at localhost:" in done.output
    assert "A debugger is attached.\n" in done.output
    assert "Debug mode stays on: `fairlead debug credit --off` ends it." in done.output
    [written] = json.loads((tmp_path / ".vscode/launch.json").read_text())["configurations"]
    assert (written["name"], written["type"]) == ("Fairlead: default/credit", "debugpy")
    assert written["pathMappings"] == [
        {"localRoot": "${workspaceFolder}", "remoteRoot": "/var/azureml-app"}
    ]


def test_it_waits_until_a_debugger_can_attach(
    served: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = iter(
        [
            DebuggerState(),
            DebuggerState(attached=False, listening=False),
            DebuggerState(attached=False, listening=True),
        ]
    )
    monkeypatch.setattr(debugging, "LISTEN_S", 300.0)
    monkeypatch.setattr(DebuggedPod, "state", lambda _: next(told, DebuggerState()))
    done = run("credit")
    assert list(told) == []
    assert "Waiting until a debugger can attach ...\n" in done.output
    waited, _, after = done.output.partition("Waiting until")
    assert "attaches at" not in waited
    assert "attaches at localhost:" in after
    assert "has not told" not in after
    assert served.objects


@pytest.mark.parametrize(
    ("answer", "limit"), [(slots(attached=False), "LISTEN_S"), (b"", "UNTOLD_S")]
)
def test_a_runtime_that_does_not_tell_is_not_waited_for_long(
    answer: bytes, limit: str, served: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(debugging, limit, 300.0)  # the other one counts
    served.pod_answer = answer or slots()
    done = run("credit")
    assert done.exit_code == exit_codes.INTERRUPTED
    assert "Warning: the pod has not told that its debugger listens." in flat(done.output)
    assert "attaches at localhost:" in done.output


def test_once_on_nothing_is_written_again(served: FakeApi) -> None:
    run("credit")
    patched = len(served.requests("PATCH"))
    run("credit")
    assert (patched, len(served.requests("PATCH"))) == (2, 2)


def test_it_is_switched_off(served: FakeApi) -> None:
    run("credit")
    done = run("credit", "--off")
    assert done.exit_code == 0
    assert "Debug mode of Webservice 'credit' of namespace 'default' is off." in done.output
    assert "debug" not in spec(served, "webservices")
    assert "debug" not in spec(served, "inferenceimages")
    assert "was off" in run("credit", "--off").output


def test_an_image_by_name_is_left_alone(served: FakeApi) -> None:
    served.ours("Webservice", spec={"image": "r:5000/own:1"}, status=ready())
    assert run("credit").exit_code == exit_codes.INTERRUPTED
    assert spec(served, "inferenceimages") == {}


def test_the_source_is_found_where_the_pod_has_it_once_it_is_edited(
    served: FakeApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / ".vscode/launch.json"
    roots = []

    def state(_: DebuggedPod) -> DebuggerState:
        if path.exists():
            [written] = json.loads(path.read_text())["configurations"]
            roots.append(written["pathMappings"][0]["remoteRoot"])
        if len(roots) == len(["written", "edited", "looked at"]):
            raise KeyboardInterrupt
        return DebuggerState(attached=False, listening=True, edited=bool(roots))

    monkeypatch.setattr(DebuggedPod, "state", state)
    monkeypatch.setattr(debug_command, "time", SimpleNamespace(sleep=lambda _: None))
    done = run("credit")
    assert roots == ["/var/azureml-app", "/tmp/fairlead-edits", "/tmp/fairlead-edits"]
    assert done.output.count("Written: ") == 2
    assert "loads its source from /tmp/fairlead-edits now: attach once more" in flat(done.output)
    assert served.objects


def test_a_launch_json_that_is_broken_is_told(served: FakeApi, tmp_path: Path) -> None:
    (tmp_path / ".vscode").mkdir()
    (tmp_path / ".vscode/launch.json").write_text("{")
    served.pod_answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno"
    done = run("credit")
    assert done.exit_code == exit_codes.INTERRUPTED
    assert "was left as it is" in " ".join(done.output.split())
    assert "is attached" not in done.output


def test_what_cannot_be_debugged_is_told(served: FakeApi) -> None:
    assert "a debugger attaches to a service" in " ".join(run("image/credit").output.split())
    assert run("nobody").exit_code == exit_codes.NOT_FOUND
    served.put(pod(container={"env": []}), "pods")
    late = run("credit", "--timeout", "0.05")
    assert "No pod of 'credit' runs in debug mode after 0.05 s" in " ".join(late.output.split())
    status = ready("False", FAILURE["reason"], FAILURE["message"], stalled=True, failure=FAILURE)
    served.ours("Webservice", spec={"imageRef": {"name": "credit"}}, status=status)
    assert "ModelFileNotFound" in run("credit").output


@pytest.mark.parametrize(
    ("made", "runs"),
    [
        (pod(), True),
        (pod(metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"}), False),
        (pod(state={"waiting": {}}), False),
        (pod(container={"image": "r:5000/credit@sha256:cd"}), False),
        (pod(container={"env": [{"name": "FAIRLEAD_DEBUG", "value": "false"}]}), False),
        ({}, False),
    ],
)
def test_a_pod_that_a_debugger_attaches_to(made: dict[str, Any], *, runs: bool) -> None:
    assert runs_in_debug_mode(made, DIGEST) is runs


def test_what_is_on() -> None:
    assert is_on({"spec": {"debug": {}}})
    assert is_on({"spec": {"debug": {"enabled": True}}})
    assert not is_on({"spec": {"debug": {"enabled": False}}})
    assert not is_on({"spec": {}})


def test_what_a_pod_says() -> None:
    assert said(b'{"debugger": {"attached": true}}') == DebuggerState(attached=True)
    told = b'{"debugger": {"attached": false, "listening": true}}'
    assert said(told) == DebuggerState(attached=False, listening=True)
    assert said(b'{"debugger": {"edited": true}}') == DebuggerState(edited=True)
    strange = b'{"debugger": {"attached": 1, "listening": "yes", "edited": "/etc"}}'
    assert said(strange) == DebuggerState()
    assert said(b"[]") == DebuggerState()
    assert said(b"no json") == DebuggerState()
