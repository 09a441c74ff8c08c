"""`fairlead get`, `describe`, `wait`, `logs` and `run`, against a small API server."""

import base64
import json
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pexpect
import pytest
from typer.testing import CliRunner, Result

from fairlead.api.meta import WEBSERVICE
from fairlead.api.reasons import Reason
from fairlead.cli import exit_codes
from fairlead.cli.app import app
from fairlead.local.errors import refusal
from fairlead.remote import logs
from fairlead.remote.client import Client
from fairlead.remote.live_address import addresses
from fairlead.remote.port_forward import PortForward
from fairlead.remote.scoring import in_cluster
from fairlead.remote.targets import Target
from tests.unit.remote.fake_api import FakeApi
from tests.unit.remote.objects import FAILURE, ready

DEADLINE_S = 300
pytestmark = pytest.mark.usefixtures("config")
LOGS = "/api/v1/namespaces/default/pods/{}/log"
BUILD_LOG = (
    "/api/v1/namespaces/fairlead-system/services/fairlead-logs/proxy/namespaces/default"
    "/inferenceimages/credit/builds/{}/log"
)


def run(*words: str, **more: Any) -> Result:
    return CliRunner().invoke(app, list(words), **more)


def flat(text: str) -> str:
    return " ".join(text.split())


@pytest.fixture
def service(api: FakeApi) -> FakeApi:
    status = ready(
        state="Healthy",
        scoringUri="http://credit.default.svc/score",
        replicas={"desired": 2, "ready": 2, "updated": 2},
        revision={"active": "r/credit:1@sha256:aa", "target": "r/credit:1@sha256:aa"},
        capacity={"recommendedMinReplicas": 3, "measured": {"rps": 2.5}},
    )
    spec = {"imageRef": {"name": "credit"}, "auth": {"enabled": False}}
    api.ours("Webservice", spec=spec, status=status)
    return api


@pytest.fixture
def failing(api: FakeApi) -> FakeApi:
    status = ready("False", FAILURE["reason"], FAILURE["message"], failure=FAILURE, stalled=True)
    api.ours("Webservice", spec={"imageRef": {"name": "credit"}}, status=status)
    return api


def pod(api: FakeApi, name: str, **more: Any) -> None:
    labels = {
        "fairlead.dev/webservice": "credit",
        "app.kubernetes.io/component": "scoring",
    }
    container = {"name": "scoring", "ports": [{"name": "http", "containerPort": 5001}]}
    api.put(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "labels": labels},
            "spec": {"containers": [container], **more},
            "status": {"conditions": [{"type": "Ready", "status": "True"}]},
        },
        "pods",
    )


# --- get


@pytest.mark.usefixtures("service")
def test_get_shows_the_servers_own_columns() -> None:
    done = run("get", "services")
    assert done.exit_code == 0, done.output
    assert done.stdout == "NAME     READY\ncredit   True\n"
    assert "MESSAGE" in run("get", "wsvc", "-o", "wide").stdout
    assert run("get", "Webservice", "credit", "-A").stdout == done.stdout
    assert run("get", "wsvc/credit").stdout == done.stdout
    assert run("get", "services", "-A").stdout.startswith("NAMESPACE   NAME")


def test_get_of_all_kinds_names_each_kind(service: FakeApi) -> None:
    service.ours("Model")
    assert run("get").stdout == (
        "NAME                        READY\nmodel.fairlead.dev/credit\n\n"
        "NAME                             READY\nwebservice.fairlead.dev/credit   True\n"
    )


def test_get_for_machines(service: FakeApi) -> None:
    service.objects[next(iter(service.objects))]["metadata"]["managedFields"] = [{}]
    assert run("get", "-o", "name").stdout == "webservice.fairlead.dev/credit\n"
    found = json.loads(run("get", "services", "-o", "json").stdout)
    assert found["kind"] == "List"
    [item] = found["items"]
    assert "managedFields" not in item["metadata"]
    assert json.loads(run("get", "services", "credit", "-o", "json").stdout) == item
    assert "kind: Webservice" in run("get", "services", "credit", "-o", "yaml").stdout


@pytest.mark.usefixtures("service")
def test_get_says_what_is_not_there() -> None:
    for form in ("text", "json"):
        done = run("get", "services", "other", "-o", form)
        assert done.exit_code == exit_codes.NOT_FOUND
        assert "Webservice 'other' of namespace 'default' is not there" in flat(done.output)
    assert "There is nothing in namespace 'default'" in run("get", "models").output
    assert "in any namespace" in run("get", "models", "-A").output
    assert run("get", "services", "-l", "a=b").exit_code == 0


@pytest.mark.parametrize("words", [["wsvc/a", "mdl/b"], ["wsvc", "../b"]])
def test_get_of_what_cannot_be_asked_for(words: list[str]) -> None:
    assert run("get", *words).exit_code == exit_codes.USAGE


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["get", "pods"], "Fairlead has no kind 'pods'"),
        (["describe", "pod/x"], "Fairlead has no kind 'pod'"),
        (["describe", "a", "b", "c"], "One object is to be named, not 3"),
        (["describe", "../x"], "Fairlead has no kind '..'"),
        (["describe", "wsvc/../../pods"], "cannot be the name of a Webservice"),
        (["describe", "x", "-n", "a/b"], "'a/b' cannot be the name of a namespace"),
        (["logs", "model/credit"], "A Model has no log of its own here"),
    ],
)
def test_wrong_words_are_findings(words: list[str], said: str, service: FakeApi) -> None:
    done = run(*words)
    assert done.exit_code in (exit_codes.FAILED, exit_codes.NOT_FOUND)
    assert said in flat(done.output)
    assert "Remedy:" in done.output
    assert not any(".." in path for _, path in service.asked)


# --- what stands in the way


def test_no_kubeconfig(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    done = run("get")
    assert done.exit_code == exit_codes.UNAVAILABLE
    assert done.output.startswith("KubeconfigInvalid: There is no kubeconfig")


def test_a_cluster_that_is_away(config: Path) -> None:
    config.write_text(re.sub(r":\d+", ":1", config.read_text()))
    done = run("get", "-o", "json")
    assert done.exit_code == exit_codes.UNAVAILABLE
    failure = json.loads(done.stdout)["failure"]
    assert failure["reason"] == "ApiUnreachable"
    assert "Connection refused" in failure["message"]


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (401, "Unauthorized"),
        (403, "Forbidden"),
        (429, "ApiUnavailable"),
        (503, "ApiUnavailable"),
        (418, "Rejected"),
        (299, "Rejected"),
    ],
)
def test_what_the_api_server_refuses(status: int, reason: str, api: FakeApi) -> None:
    path = "/apis/fairlead.dev/v1alpha1/namespaces/default/webservices"
    api.refuse("GET", path, status, "not \x1b[31mfor you")
    done = run("get", "services")
    assert done.exit_code == exit_codes.UNAVAILABLE
    assert done.output.startswith(f"{reason}: Listing webservices: ")
    assert "\x1b" not in done.output
    assert ("for you" in done.output) == (status != 401)


def test_a_cluster_without_our_kinds(api: FakeApi) -> None:
    api.has_definitions = False
    for words in (["get"], ["describe", "credit"]):
        done = run(*words)
        assert done.exit_code == exit_codes.UNAVAILABLE
        assert "DefinitionsMissing: The cluster of context 'test'" in flat(done.output)


def test_an_answer_that_is_not_the_apis(api: FakeApi) -> None:
    api.logs["/apis/fairlead.dev/v1alpha1/namespaces/default/webservices/credit"] = b"<html>"
    done = run("describe", "credit")
    assert "its answer is not the API's" in flat(done.output)


# --- describe


@pytest.mark.usefixtures("failing")
def test_describe_tells_the_failure_with_its_lines() -> None:
    done = run("describe", "credit")
    assert done.exit_code == 0, done.output
    shown = flat(done.output)
    assert "Ready: False (ModelFileNotFound)" in shown
    assert "Where: score.py:12" in shown
    assert "did you mean 'b.pkl'" in shown
    assert "Affected: 2 of 2" in shown
    assert "    Traceback (most recent call last):\n      boom\n" in done.output
    assert json.loads(run("describe", "credit", "-o", "json").stdout)["kind"] == "Webservice"
    assert run("describe", "credit", "-o", "name").stdout == "webservice.fairlead.dev/credit\n"


def test_describe_tells_what_serves_capacity_and_events(service: FakeApi) -> None:
    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "e"},
        "type": "Normal",
        "reason": "Serving",
        "message": "2 of 2 \x1b]0;replicas\x07 are ready.",
        "count": 2,
        "lastTimestamp": "2026-01-01T00:00:00Z",
    }
    service.put(event, "events")
    shown = run("describe", "credit").output
    assert "Replicas:                          2 of 2 ready, 2 up to date" in shown
    assert "Serves:                            r/credit:1@sha256:aa" in shown
    assert "recommendedMinReplicas:  3" in shown
    assert "Normal Serving (2 times)" in shown
    assert "\x1b" not in shown
    service.refuse("GET", "/api/v1/namespaces/default/events", 403)
    assert "you may not read them" in run("describe", "credit").output
    service.refuse("GET", "/api/v1/namespaces/default/events", 500)
    assert run("describe", "credit").exit_code == exit_codes.UNAVAILABLE


def test_describe_of_image_and_model(api: FakeApi) -> None:
    build = {
        "id": "3-1",
        "phase": "Succeeded",
        "engine": "pod",
        "startedAt": "2026-01-01T00:00:00Z",
        "finishedAt": "2026-01-01T00:00:48Z",
    }
    status = ready(
        "True", "Built", build=build, imageLocation="r/credit:3", history=[{"version": 3}]
    )
    spec = {
        "models": [{"name": "m", "version": 2}, {"name": "n"}],
        "source": {"inline": {"files": {"score.py": ""}}},
    }
    api.ours("InferenceImage", spec=spec, status=status)
    shown = flat(run("describe", "image/credit").output)
    assert "Build: 3-1: Succeeded, 48 s, engine pod" in shown
    assert "Models: m:2, n" in shown
    versions = [{"version": 1, "files": 1, "artifact": "r/m:1", "registeredAt": "t"}]
    model = {"source": {"configMap": {"name": "files"}}}
    api.ours("Model", "m", spec=model, status=ready(versions=versions, latestVersion=1))
    shown = flat(run("describe", "model", "m").output)
    assert "Stored as: r/m:1" in shown
    assert "Source: ConfigMap 'files'" in shown


@pytest.mark.parametrize(
    "status",
    [
        None,
        "text",
        [],
        {"conditions": "x", "failure": [], "build": 3, "replicas": "x", "history": {}},
        {"conditions": [None, 3, {"type": {"a": 1}}], "failure": {"reason": {"a": []}}},
        {"failure": {"reason": "R", "logTail": {"a": 1}}, "capacity": [1], "revision": 0},
        {"conditions": [{"message": "\x1b[2J\x9b1mA" * 9000, "type": "T" * 9000}]},
    ],
)
@pytest.mark.parametrize("kind", ["Model", "InferenceImage", "Webservice"])
def test_a_status_of_another_shape_breaks_nothing(status: Any, kind: str, api: FakeApi) -> None:
    api.ours(kind, status=status, spec={"source": 3, "models": "x", "imageRef": []})
    api.objects[next(iter(api.objects))]["metadata"]["annotations"] = ["x"]
    done = run("describe", f"{kind}/credit")
    assert done.exit_code == 0, done.output
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", done.output)


# --- wait


def test_wait_ends_where_all_of_it_is_ready(service: FakeApi) -> None:
    service.ours("InferenceImage", status=ready("True", "Built", "It is built.", imageDigest="aa"))
    done = run("wait", "credit")
    assert done.exit_code == 0, done.output
    assert "InferenceImage 'credit': Built: It is built.\n" in done.output
    assert "Webservice 'credit' is ready" in done.stdout


def test_wait_goes_on_without_a_model_that_is_not_needed_any_more(service: FakeApi) -> None:
    spec = {"models": [{"name": "gone"}]}
    service.ours("InferenceImage", spec=spec, status=ready("True", "Built", imageDigest="aa"))
    done = run("wait", "credit", "--timeout", "120")
    assert done.exit_code == 0, done.output
    assert run("wait", "model/gone").exit_code == exit_codes.NOT_FOUND


def test_wait_ends_at_once_with_the_operators_finding(failing: FakeApi) -> None:
    failing.ours("InferenceImage", status=ready())
    done = run("wait", "credit")
    assert done.exit_code == exit_codes.FAILED
    assert "ModelFileNotFound: Webservice 'credit': init() raised" in flat(done.output)
    assert flat(done.output).count("init() raised") == 1
    assert "Where: score.py:12" in flat(done.output)


def test_wait_gives_up_and_says_what_it_waited_for(api: FakeApi) -> None:
    failure = {**FAILURE, "class": "Network", "nextRetryAt": "2026-01-01T00:02:00Z"}
    status = ready("False", "RegistryUnreachable", "No answer.", failure=failure)
    api.ours("InferenceImage", status=status)
    done = run("wait", "image/credit", "--timeout", "0")
    assert done.exit_code == exit_codes.TIMED_OUT
    assert "is not ready after 0 s: RegistryUnreachable. No answer." in flat(done.output)
    assert "It is tried again at 2026-01-01T00:02:00Z" in flat(done.output)


def test_wait_says_that_no_operator_looks(api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fairlead.remote.waiting.UNSEEN_S", 0)
    api.ours("Model")
    done = run("wait", "model/credit", "--timeout", "0")
    assert done.exit_code == exit_codes.UNAVAILABLE
    assert "OperatorAbsent" in done.output
    assert "Warning: the operator has not looked at Model 'credit'" in flat(done.output)


def test_wait_for_the_end(api: FakeApi) -> None:
    assert run("wait", "credit", "--for", "deleted").exit_code == 0
    api.ours("Webservice")
    done = run("wait", "credit", "--for", "deleted", "--timeout", "0")
    assert done.exit_code == exit_codes.TIMED_OUT


def test_wait_goes_on_through_a_short_outage(api: FakeApi) -> None:
    path = "/apis/fairlead.dev/v1alpha1/namespaces/default/inferenceimages/credit"
    api.ours("InferenceImage", status=ready("Unknown", "Assembling"))
    looks = 0

    def outage(api: FakeApi) -> None:
        nonlocal looks
        looks += 1
        if looks == 2:
            api.refuse("GET", path, 503, "the server is busy", once=True)
        if looks == 3:
            api.ours("InferenceImage", status=ready("True", "Built"))

    api.on_get = outage
    done = run("wait", "image/credit")
    assert done.exit_code == 0, done.output
    assert "the server is busy" in flat(done.output)
    assert looks >= 3


# --- logs


def test_logs_of_all_replicas(service: FakeApi) -> None:
    for name in ("credit-a", "credit-b"):
        pod(service, name, initContainers=[{"name": "first"}])
        service.logs[LOGS.format(name)] = f"one of {name}\ntwo\x1b[31m\n".encode()
    done = run("logs", "credit")
    assert done.stdout == (
        "[credit-a] one of credit-a\n[credit-a] two\x1b[31m\n"
        "[credit-b] one of credit-b\n[credit-b] two\x1b[31m\n"
    )
    assert "container=scoring&tailLines=5000" in service.requests("GET")[-1]
    run("logs", "credit", "--previous", "--tail", "3")
    assert "previous=true&tailLines=3" in service.requests("GET")[-1]
    run("logs", "credit", "--init")
    assert "container=first" in service.requests("GET")[-1]


def test_the_log_of_the_only_replica_comes_as_it_is(service: FakeApi) -> None:
    pod(service, "credit-a")
    service.logs[LOGS.format("credit-a")] = b"x" * 100_000 + b"\nend"
    assert run("logs", "credit").stdout == "x" * 100_000 + "\nend"


def test_logs_where_there_are_none(service: FakeApi) -> None:
    done = run("logs", "credit")
    assert done.exit_code == exit_codes.FAILED
    assert "'credit' has no replica." in done.output
    pod(service, "credit-a")
    service.refuse("GET", LOGS.format("credit-a"), 400, "container is waiting to start")
    assert "container is waiting to start" in flat(run("logs", "credit").output)
    assert run("logs", "other").exit_code == exit_codes.NOT_FOUND


def test_the_log_of_a_build(api: FakeApi) -> None:
    uri = f"{BUILD_LOG.format('2-1')}?key=abc-_1"
    old = f"{BUILD_LOG.format('1-1')}?key=abc-_2"
    status = {
        "build": {"id": "2-1", "logUri": uri},
        "history": [{"version": 1, "logUri": old}],
    }
    api.ours("InferenceImage", status=status)
    api.ours("Webservice", spec={"imageRef": {"name": "credit"}})
    api.logs[BUILD_LOG.format("2-1")] = b"Step 1\n"
    api.logs[BUILD_LOG.format("1-1")] = b"Step 0\n"
    assert run("logs", "image/credit").stdout == "Step 1\n"
    assert run("logs", "image/credit", "--tail", "0").stdout == ""
    assert run("logs", "credit", "--build", "-f").stdout == "Step 1\n"
    assert api.requests("GET")[-1] == f"{uri}&follow=1"
    assert run("logs", "credit", "--version", "1").stdout == "Step 0\n"
    done = run("logs", "image/credit", "--version", "7")
    assert done.exit_code == exit_codes.NOT_FOUND
    assert "no log of version 7" in done.output


@pytest.mark.parametrize(
    "uri",
    [
        "/api/v1/namespaces/kube-system/secrets/x",
        "/api/v1/namespaces/a/services/b/proxy/namespaces/../../secrets?key=a",
        "http://127.0.0.1:8082/log",
    ],
)
def test_an_address_that_is_no_log_is_not_asked(uri: str, api: FakeApi) -> None:
    api.ours("InferenceImage", status={"build": {"id": "1-1", "logUri": uri}})
    assert run("logs", "image/credit").exit_code == exit_codes.NOT_FOUND
    assert all("inferenceimages" in path for path in api.requests("GET"))
    api.ours("InferenceImage")
    assert "was not built yet" in run("logs", "image/credit").output
    api.ours("Webservice", spec={"image": "r/x"})
    assert "built elsewhere" in flat(run("logs", "credit", "--build").output)


def test_followed_logs_are_of_all_replicas_until_the_service_is_gone(
    service: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fairlead.remote.logs.LOOK_S", 0.1)
    for name in ("credit-a", "credit-b"):
        pod(service, name)
        service.logs[LOGS.format(name)] = f"of {name}\n".encode()
    looks = 0

    def later(api: FakeApi) -> None:
        nonlocal looks
        looks += 1
        if looks > 6:
            api.objects.clear()

    service.on_get = later
    done = run("logs", "credit", "-f", "--tail", "1")
    assert done.exit_code == 0, done.output
    assert {"of credit-a", "of credit-b"} <= {line[-11:] for line in done.stdout.splitlines()}


def test_a_replica_whose_log_cannot_be_read_is_told(service: FakeApi) -> None:
    for name in ("credit-a", "credit-b"):
        pod(service, name)
    service.logs[LOGS.format("credit-a")] = b"of a\n"
    service.refuse("GET", LOGS.format("credit-b"), 400, "container is waiting to start")
    done = run("logs", "credit")
    assert done.exit_code == 0, done.output
    assert "of a" in done.stdout
    assert "Warning: Reading the log of pod credit-b: container is waiting" in flat(done.stderr)
    assert run("logs", "credit", "-f", "--previous").exit_code == exit_codes.USAGE


def test_a_log_that_broke_off_goes_on_after_its_last_line(
    service: FakeApi, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Iterator[bytes]:
        yield b"one\n"
        raise refusal(Reason.API_UNREACHABLE, "It broke off.", "")

    assert service.port
    monkeypatch.setattr(logs, "_log", broken)
    target, lines = Target(WEBSERVICE, "default", "credit"), logs.Lines()
    wanted = logs.Wanted(follow=True, tail=10)
    reader = logs.Reader(client, target, ("credit-a", "scoring"), wanted, lines, "")
    reader.run()
    assert reader.ended  # the next one begins there, and not with the last ten lines again
    after = logs.Reader(client, target, ("credit-a", "scoring"), wanted, lines, reader.ended)
    assert (after._wanted.tail, after._wanted.since) == (None, reader.ended)


def test_followed_logs_that_one_may_not_read(service: FakeApi) -> None:
    pod(service, "credit-a")
    service.refuse("GET", LOGS.format("credit-a"), 403, "forbidden for you")
    done = run("logs", "credit", "-f")
    assert done.exit_code == exit_codes.UNAVAILABLE
    assert "forbidden for you" in flat(done.output)


# --- run

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\n[1, 2]"
DENIED = b"HTTP/1.1 401 U\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno"


@pytest.fixture
def forwarded(service: FakeApi) -> FakeApi:
    pod(service, "credit-a")
    spec = {
        "selector": {"fairlead.dev/webservice": "credit"},
        "ports": [{"port": 80, "targetPort": "http"}],
    }
    owner = {"kind": "Webservice", "uid": "uid-of-webservices-credit", "controller": True}
    metadata = {"name": "credit", "ownerReferences": [owner]}
    service.put(
        {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}, "services"
    )
    service.pod_answer = ANSWER
    return service


def test_run_goes_through_the_api_server(forwarded: FakeApi, tmp_path: Path) -> None:
    (tmp_path / "body.json").write_text('{"b": 1}')
    done = run("run", "credit", '{"a": 1}')
    assert done.exit_code == 0, done.output
    assert done.stdout == "[1, 2]\n"
    assert b"POST /score" in forwarded.pod_heard
    assert forwarded.pod_heard.endswith(b'{"a": 1}')
    assert forwarded.requests("GET")[-1].endswith("pods/credit-a/portforward?ports=5001")
    assert run("run", "credit", "-f", str(tmp_path / "body.json")).exit_code == 0
    assert run("run", "credit", input='{"c": 1}').exit_code == 0
    assert forwarded.pod_heard.endswith(b'{"c": 1}')


def with_keys(api: FakeApi, primary: str = "k3y", secondary: str = "other") -> None:
    api.ours("Webservice", spec={}, status=ready(scoringUri="http://credit.default.svc/score"))
    data = {
        "primaryKey": base64.b64encode(primary.encode()).decode(),
        "secondaryKey": base64.b64encode(secondary.encode()).decode(),
    }
    api.put(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "credit-fairlead-keys"},
            "data": data,
        },
        "secrets",
    )


def test_run_shows_the_key_of_the_secret(forwarded: FakeApi) -> None:
    with_keys(forwarded)
    assert run("run", "credit", "{}").exit_code == 0
    assert b"Authorization: Bearer k3y" in forwarded.pod_heard
    assert run("run", "credit", "{}", env={"FAIRLEAD_KEY": "g1ven"}).exit_code == 0
    assert b"Bearer g1ven" in forwarded.pod_heard
    forwarded.pod_answer = DENIED
    done = run("run", "credit", "{}")
    assert done.exit_code == exit_codes.UNAVAILABLE
    assert "The service answered 401: no" in done.output
    assert "k3y" not in done.output


class Stranger:
    """Listens at a port of this machine, and keeps what it is sent."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port, self.heard = self._listener.getsockname()[1], b""
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            with connection:
                piece = connection.recv(65_536)  # a knock sends nothing
                self.heard += piece
                if piece:
                    connection.sendall(ANSWER)


@pytest.fixture
def stranger() -> Stranger:
    return Stranger()


def test_no_key_goes_to_an_address_that_the_status_alone_names(
    forwarded: FakeApi, stranger: Stranger
) -> None:
    with_keys(forwarded)
    address = f"http://127.0.0.1:{stranger.port}/score"
    forwarded.ours("Webservice", spec={}, status=ready(scoringUri=address))
    assert run("run", "credit", "{}").exit_code == 0
    assert run("run", "credit", "{}", env={"FAIRLEAD_KEY": "g1ven"}).exit_code == 0
    assert stranger.heard == b""
    assert b"Bearer k3y" in forwarded.pod_heard
    assert run("run", "credit", "{}", "--key", "sh0wn").exit_code == 0
    assert b"Bearer sh0wn" in stranger.heard


def test_a_key_goes_to_the_address_of_the_live_service(
    forwarded: FakeApi, stranger: Stranger
) -> None:
    with_keys(forwarded)
    address = f"http://127.0.0.1:{stranger.port}/score"
    forwarded.ours("Webservice", spec={}, status=ready(scoringUri=address))
    service = forwarded.objects["/api/v1/namespaces/default/services/credit"]
    service["spec"]["type"] = "NodePort"
    service["spec"]["ports"] = [{"nodePort": stranger.port, "targetPort": "http"}]
    [a_pod] = [one for path, one in forwarded.objects.items() if "/pods/" in path]
    a_pod["status"]["hostIP"] = "127.0.0.1"
    assert run("run", "credit", "{}").exit_code == 0
    assert b"Bearer k3y" in stranger.heard
    service["metadata"]["ownerReferences"] = []  # somebody else's, under the same name
    heard = stranger.heard
    done = run("run", "credit", "{}")
    assert "No replica of 'credit' is ready" in flat(done.output)
    assert stranger.heard == heard


@pytest.mark.parametrize(
    ("service", "expected"),
    [
        ({"type": "ClusterIP", "ports": [{"port": 80}]}, set()),
        ({"type": "NodePort", "ports": [{"port": 80}]}, set()),
        ({"type": "NodePort", "ports": [{"nodePort": 3}]}, {"http://[fd::1]:3/score"}),
        (
            {"type": "LoadBalancer", "ports": [{"port": 80}]},
            {"http://lb.example/score", "http://[fd::2]/score", "http://10.1.1.1/score"},
        ),
        ({"type": "LoadBalancer", "ports": [{"port": 81}]}, set()),
    ],
)
def test_addresses_of_a_service(service: dict[str, Any], expected: set[str]) -> None:
    ingress = [{"hostname": "lb.example", "ip": "10.1.1.2"}, {"ip": "fd::2"}, {"ip": "10.1.1.1"}]
    whole = {"spec": service, "status": {"loadBalancer": {"ingress": [*ingress, {}]}}}
    pods = [{"status": {"hostIP": "fd::1"}}, {}]
    assert set(addresses(whole, pods)) == expected


@pytest.mark.parametrize(
    ("host", "inside"),
    [("x.svc", True), ("x.n.svc.", True), ("x.n.svc.cluster.local.", True), ("svc.example", False)],
)
def test_names_inside_of_the_cluster(host: str, inside: object) -> None:
    assert in_cluster(host) is inside


def test_a_key_that_fits_no_header_is_not_repeated(forwarded: FakeApi) -> None:
    with_keys(forwarded)
    assert run("run", "credit", "{}", env={"FAIRLEAD_KEY": "g1ven\r\n"}).exit_code == 0
    assert b"Bearer g1ven\r\n" in forwarded.pod_heard
    for key in ("s3cret\nx", "s3cretä", " ", "s3cret" * 1000):
        done = run("run", "credit", "{}", "--key", key)
        assert done.exit_code == exit_codes.FAILED
        assert "InvalidSpec: A key has 1 to" in flat(done.output)
        assert "s3cret" not in done.output


def test_a_token_that_fits_no_header_is_not_repeated(api: FakeApi, config: Path) -> None:
    config.write_text(config.read_text().replace("t0ken", "s3cret\\nsecond"))
    done = run("get", "services")
    assert done.exit_code == exit_codes.UNAVAILABLE
    assert "KubeconfigInvalid: The kubeconfig's token has characters" in flat(done.output)
    assert "s3cret" not in done.output
    assert api.asked == []


def test_run_where_the_keys_may_not_be_read(forwarded: FakeApi) -> None:
    with_keys(forwarded)
    path = "/api/v1/namespaces/default/secrets/credit-fairlead-keys"
    forwarded.refuse("GET", path, 403)
    done = run("run", "credit", "{}")
    assert done.exit_code == exit_codes.UNAVAILABLE
    assert "You may not read Secret 'credit-fairlead-keys'" in flat(done.output)
    forwarded.refuse("GET", path, 500)
    assert "ApiUnavailable" in run("run", "credit", "{}").output


@pytest.mark.parametrize("key", ["", "a\nb: c", "\x1b[2J", "k" * 5000, "ä"])
def test_a_secret_of_another_shape(key: str, forwarded: FakeApi) -> None:
    with_keys(forwarded, key, key)
    done = run("run", "credit", "{}")
    assert "has neither primaryKey nor secondaryKey" in flat(done.output)
    assert not forwarded.pod_heard
    with_keys(forwarded, key)
    assert run("run", "credit", "{}").exit_code == 0
    assert b"Bearer other" in forwarded.pod_heard


def test_run_tells_what_went_wrong(forwarded: FakeApi) -> None:
    forwarded.pod_answer = (
        b"HTTP/1.1 503 S\r\nx-fairlead-503-reason: queue-full\r\nContent-Length: 9\r\n\r\n"
        b"\x1b[2Jhello"
    )
    done = run("run", "credit", "{}")
    assert done.exit_code == exit_codes.UNAVAILABLE
    assert "The service answered 503 (queue-full): hello" in done.output
    forwarded.pod_answer, forwarded.pod_error = b"", b"connection refused in pod"
    done = run("run", "credit", "{}")
    assert "connection refused in pod" in flat(done.output)
    path = "/api/v1/namespaces/default/pods/credit-a/portforward"
    forwarded.refuse("GET", path, 403, "cannot create pods/portforward")
    done = run("run", "credit", "{}")
    assert done.exit_code == exit_codes.UNAVAILABLE
    assert "pods/portforward" in flat(done.output)


def test_a_script_may_take_its_time(forwarded: FakeApi, client: Client) -> None:
    with PortForward(client.access, "default", "credit-a", 5001) as forward:
        stream = forward._opened()
        assert stream.gettimeout() is None
        stream.close()
    assert forwarded.requests("GET")


@pytest.mark.usefixtures("service")
def test_run_without_a_ready_replica() -> None:
    done = run("run", "credit", "{}")
    assert "No replica of 'credit' is ready." in flat(done.output)


# --- screens and the program as a whole


@pytest.mark.parametrize(("columns", "screen"), [(100, "describe-service"), (60, "describe-60")])
def test_screens(columns: int, screen: str, failing: FakeApi, config: Path) -> None:
    """In a real terminal; colours apart. A screen that is to be another is written anew by hand."""
    [found] = failing.objects.values()
    found["metadata"]["creationTimestamp"] = time.strftime(
        "%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 3 * 86_400 - 3600)
    )
    program = str(Path(sys.executable).with_name("fairlead"))
    child = pexpect.spawn(
        program,
        ["describe", "credit"],
        env={
            "KUBECONFIG": str(config),
            "PATH": "/usr/bin:/bin",
            "TERM": "xterm",
            "COLUMNS": str(columns),
        },
        dimensions=(24, columns),
        timeout=DEADLINE_S,
        encoding="utf-8",
    )
    child.expect(pexpect.EOF)
    child.close()
    shown = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", str(child.before)).replace("\r\n", "\n")
    assert shown == (Path(__file__).parent / "screens" / f"{screen}.txt").read_text()
    assert max(map(len, shown.splitlines())) <= columns
    assert child.exitstatus == 0


@pytest.mark.usefixtures("service")
def test_a_table_is_there_without_heavy_imports(config: Path) -> None:
    code = (
        "import sys; from fairlead.cli.program import main\n"
        "sys.argv = ['fairlead', 'get', 'services']\n"
        "try: main()\nexcept SystemExit:\n"
        "  print(sorted({m.split('.')[0] for m, held in sys.modules.items() if held}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
        env={"KUBECONFIG": str(config)},
    )
    assert done.stdout.startswith("NAME     READY\ncredit   True\n"), done.stderr
    loaded = json.loads(done.stdout.splitlines()[-1].replace("'", '"'))
    heavy = {"aiohttp", "docker", "httpx", "kubernetes", "requests", "rich", "kopf"}
    assert set(loaded) & heavy == set()
