"""The runtime as an image has it: a v1 script's decorator, descriptions, figures, a crash."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.e2e.scene import Scene, opens
from tests.plain_http import CLIENT

RAW = """\
import importlib
import os
import time
from pathlib import Path

from azureml.contrib.services.aml_request import AMLRequest, rawhttp
from azureml.contrib.services.aml_response import AMLResponse

OURS = ("fairlead_scoring", "uvicorn", "httptools", "uvloop", "prometheus_client")


def init():
    pass


def mounted():
    return [path.read_text() for path in Path("/mnt/lookup").glob("*.txt")]


def seen(name):
    try:
        importlib.import_module(name)
    except ImportError:
        return False
    return True


@rawhttp
def run(request):
    body = request.get_data(False)
    if body == b"die":
        os._exit(7)
    if body == b"hog":
        return len([bytes(1 << 20) + b"x" for _ in range(2048)])
    if body == b"slow":
        time.sleep(5)
    if body == b"variables":
        return [os.environ.get(name) for name in ("OF_IMAGE", "OF_SERVICE", "HOME")]
    if body == b"write":
        try:
            Path(__file__).with_name("cache.txt").write_text("written")
        except OSError as error:
            return [error.strerror, *mounted()]
        return [Path("cache.txt").read_text(), *mounted()]
    if body == b"ours":
        return [name for name in OURS if seen(name)]
    return AMLResponse(body[::-1], 201, {"Content-Type": "image/png", "x-size": str(len(body))})
"""


DOLLARS = "p@$$word $(HOME) $HOME $(X $é $"


@pytest.fixture(scope="module")
def raw(stage: Scene) -> str:
    """The address of a service whose script is ``@rawhttp``; its environment has no package."""
    stage.image({"score.py": RAW}, environmentVariables={"OF_IMAGE": DOLLARS})
    stage.service(
        expose={"type": "NodePort"},
        environmentVariables={"OF_SERVICE": DOLLARS},
    )
    stage.reason("webservice", "Serving")
    return stage.address()


def test_a_raw_script_of_v1_gets_bytes_and_gives_bytes(raw: str) -> None:
    answer = CLIENT.post(raw, content=b"\x00\xff\x01")
    assert (answer.status_code, answer.content) == (201, b"\x01\xff\x00")
    assert answer.headers["content-type"] == "image/png"
    assert (answer.headers["x-size"], answer.headers["x-ms-run-function-failed"]) == ("3", "False")


def test_variables_arrive_as_they_are_written(raw: str) -> None:
    assert CLIENT.post(raw, content=b"variables").json() == [DOLLARS, DOLLARS, "/tmp"]


def test_a_script_is_let_write_beside_itself_and_finds_what_is_mounted(
    raw: str, stage: Scene
) -> None:
    assert CLIENT.post(raw, content=b"write").json() == ["Read-only file system"]
    stage.config_map("lookup", a__txt="looked up")
    stage.service(
        "writes",
        imageRef={"name": "diabetes"},
        expose={"type": "NodePort"},
        writableSource=True,
        volumes=[{"mountPath": "/mnt/lookup", "configMap": {"name": "lookup"}}],
        nodeSelector={"kubernetes.io/os": "linux"},
        topologySpreadConstraints=[{"topologyKey": "kubernetes.io/hostname"}],
        podLabels={"team": "credit"},
    )
    stage.reason("webservice", "Serving", "writes")
    answer = CLIENT.post(stage.address("writes"), content=b"write")
    assert answer.json() == ["written", "looked up"]
    [pod] = stage.items("pods", labels="team=credit")
    assert pod["metadata"]["labels"]["fairlead.dev/webservice"] == "writes"


def test_user_code_sees_none_of_the_packages_of_the_server(raw: str) -> None:
    assert CLIENT.post(raw, content=b"ours").json() == []


def test_the_service_describes_itself_under_the_address_in_its_status(
    raw: str, stage: Scene
) -> None:
    uri = stage.reachable(stage.get("webservice")["status"]["swaggerUri"])
    assert uri == raw.removesuffix("/score") + "/swagger.json"
    described = CLIENT.get(uri).json()
    assert (described["swagger"], described["info"]["title"]) == ("2.0", "diabetes")


def test_a_process_that_dies_over_a_request_is_explained_and_replaced(
    raw: str, stage: Scene
) -> None:
    died = CLIENT.post(raw, content=b"die")
    assert (died.status_code, died.headers["x-ms-run-function-failed"]) == (500, "True")
    assert died.headers["x-fairlead-outcome"] == "exited"
    stage.until(lambda: CLIENT.post(raw, content=b"ab"), lambda answer: answer.content == b"ba")
    assert restarts(stage) == 0


def test_who_finds_no_slot_is_told_why_and_when_to_come_again(raw: str, stage: Scene) -> None:
    base = raw.removesuffix("/score")
    with ThreadPoolExecutor() as others:
        slow = others.submit(CLIENT.post, raw, content=b"slow", timeout=30)
        stage.until(lambda: CLIENT.get(f"{base}/-/slots").json()["busy"], lambda busy: busy == 1)
        refused = CLIENT.post(raw, content=b"ab")
        assert (refused.status_code, refused.json()["reason"]) == (503, "queue_timeout")
        assert int(refused.headers["retry-after"]) >= 1
        assert CLIENT.get(f"{base}/ready").text == "Ready"
        assert slow.result().content == b"wols"


def test_the_figures_are_there_for_prometheus_and_for_pollers(raw: str, stage: Scene) -> None:
    base = raw.removesuffix("/score")
    CLIENT.post(raw, content=b"x")
    state = CLIENT.get(f"{base}/-/slots").json()
    assert (state["slots"], state["queued"], state["draining"]) == (1, 0, False)
    assert state["requests"] >= 1
    lines = CLIENT.get(f"{base}/metrics").text.splitlines()
    assert [line for line in lines if line.startswith("fairlead_") and not line.startswith("#")]
    assert stage.columns("webservice")["REPLICAS"] == "1/1"


def test_a_request_that_takes_all_memory_takes_nothing_else_with_it(raw: str, stage: Scene) -> None:
    """Where the kernel ends a container as a whole (cgroup v2), the kubelet starts it again."""
    try:
        answer = CLIENT.post(raw, content=b"hog", timeout=30)
    except httpx.TransportError:
        stage.until(lambda: restarts(stage), lambda number: number >= 1)
    else:
        assert answer.headers["x-fairlead-outcome"] == "out_of_memory"
        assert (answer.status_code, restarts(stage)) == (500, 0)
    stage.until(lambda: opens(raw) and CLIENT.post(raw, content=b"ab").content, b"ba".__eq__)


def restarts(stage: Scene) -> int:
    [pod] = stage.items("pods", labels="fairlead.dev/webservice=diabetes")
    return int(pod["status"]["containerStatuses"][0]["restartCount"])
