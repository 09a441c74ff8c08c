"""Build logs over HTTP: who is answered, with what, and whom the operator asks for it."""

import asyncio
import http.client
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler

import pytest

from fairlead.api.meta import INFERENCE_IMAGE
from fairlead.api.reasons import Reason
from fairlead.errors import WaitingError
from fairlead.images.build_log import LOG_ARTIFACT_TYPE, OWNER_ANNOTATION
from fairlead.images.layers import gzipped
from fairlead.logs import local_server
from fairlead.logs.local_server import MAX_ANSWERS_AT_ONCE, serving_logs
from fairlead.registry.oci import EMPTY, OCI_EMPTY, OCI_MANIFEST, Manifest, descriptor, written
from fairlead.settings import Settings
from tests.cluster.ports import free_port
from tests.integration.registry.server import WebServer, replies, reply
from tests.unit.fake_cluster import FakeCluster
from tests.unit.objects import body

PATH = "/inferenceimages/demo/diabetes/builds/1-1/log"
CLIENTS = ThreadPoolExecutor(MAX_ANSWERS_AT_ONCE + 1)
IMAGE = {"source": {"inline": {"files": {"score.py": ""}}}, "entryScript": "score.py"}


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    text: str


@dataclass
class Running:
    """Logs of tasks: what they hold, and a gate that keeps readers waiting while it is closed."""

    logs: dict[str, str] = field(default_factory=dict)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    readers: int = 0

    async def log_of(self, build: str, max_bytes: int) -> str:
        self.readers += 1
        await self.gate.wait()
        return self.logs.get(build, "")[-max_bytes:]


@dataclass
class Scene:
    host: str
    running: Running
    cluster: FakeCluster

    async def get(self, path: str = PATH, method: str = "GET", host: str | None = None) -> Answer:
        ask = partial(self._ask, path, method, host)
        return await asyncio.get_running_loop().run_in_executor(CLIENTS, ask)

    def _ask(self, path: str, method: str, host: str | None) -> Answer:
        connection = http.client.HTTPConnection(self.host, timeout=20)
        try:
            connection.putrequest(method, path, skip_host=host is not None)
            if host:
                connection.putheader("Host", host)
            connection.endheaders()
            response = connection.getresponse()
            headers = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, headers, response.read().decode())
        finally:
            connection.close()

    def image(self, **spec: object) -> None:
        self.cluster.put(body(INFERENCE_IMAGE, {**IMAGE, **spec}))


@asynccontextmanager
async def serving(**settings: str) -> AsyncIterator[Scene]:
    host = f"127.0.0.1:{free_port()}"
    scene = Scene(host, Running(), FakeCluster())
    scene.running.gate.set()
    whole = Settings.model_validate({"log_address": host, **settings})
    async with serving_logs(whole, scene.running, scene.cluster):
        yield scene


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with serving() as one:
        yield one


@pytest.fixture
def web() -> Iterator[WebServer]:
    with WebServer().running() as server:
        yield server


def kept(
    web: WebServer,
    text: str,
    repository: str = "demo/diabetes",
    owner: str = "demo/diabetes",
    tag: str = "log-1-1",
) -> None:
    """Let the registry have the log of a build."""
    content = gzipped(text.encode())
    manifest = Manifest(
        artifact_type=LOG_ARTIFACT_TYPE,
        config=descriptor(OCI_EMPTY, EMPTY),
        layers=(descriptor("text/plain", content),),
        annotations={OWNER_ANNOTATION: owner},
    )
    path, digest = f"/v2/{repository}", manifest.layers[0].digest
    web.answers[f"{path}/manifests/{tag}"] = replies(
        200, written(manifest), Content_Type=OCI_MANIFEST
    )
    web.answers[f"{path}/blobs/{digest}"] = replies(200, content)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds():
            await asyncio.sleep(0.01)


async def test_the_log_of_a_task_is_plain_text_for_nobody_to_guess_at(scene: Scene) -> None:
    scene.running.logs["demo/diabetes/1-1"] = "<script>größer</script>\n"
    answer = await scene.get()
    assert (answer.status, answer.text) == (200, "<script>größer</script>\n")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"


async def test_a_long_log_is_sent_whole_and_no_longer_than_it_may_be(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_server, "MAX_SHOWN_BYTES", 500_000)
    scene.running.logs["demo/diabetes/1-1"] = "".join(f"{n}\n" for n in range(200_000))
    text = (await scene.get()).text
    assert len(text) == 500_000
    assert text.endswith("\n199999\n")


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/inferenceimages/demo/diabetes/builds/1-1",
        "/inferenceimages/demo/diabetes/builds/1-x/log",
        "/inferenceimages/demo/diabetes/builds/%D9%A1-%D9%A1/log",
        "/inferenceimages/demo/diabetes/builds/1-1%0A/log",
        "/inferenceimages/demo/..%2Fdiabetes/builds/1-1/log",
        "/inferenceimages/Demo/diabetes/builds/1-1/log",
        f"/inferenceimages/demo/{300 * 'a'}/builds/1-1/log",
        "/inferenceimages/demo/nobody/builds/1-1/log",
    ],
)
async def test_there_is_nothing_else_to_be_had(scene: Scene, path: str) -> None:
    assert (await scene.get(path)).status == 404
    assert scene.cluster.requests.total() <= 1


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE"])
async def test_logs_are_got_and_nothing_else(scene: Scene, method: str) -> None:
    assert (await scene.get(method=method)).status == 405


@pytest.mark.parametrize(
    ("host", "answered"),
    [
        ("127.0.0.1:8082", True),
        ("127.3.2.1", True),
        ("localhost:8082", True),
        ("LOCALHOST", True),
        ("[::1]:8082", True),
        ("evil.example", False),
        ("evil.example:8082", False),
        ("localhost.evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("169.254.169.254", False),
        ("[::1", False),
        ("me@127.0.0.1@evil.example", False),
    ],
)
async def test_only_who_asks_for_this_machine_is_answered(
    scene: Scene, host: str, *, answered: bool
) -> None:
    """A page whose name was pointed here (DNS rebinding) sends its own name."""
    scene.running.logs["demo/diabetes/1-1"] = "secret\n"
    answer = await scene.get(host=host)
    assert ("secret" in answer.text) is answered
    assert answer.status == (200 if answered else 421)


async def test_the_log_of_a_build_long_ago_comes_from_our_own_registry(web: WebServer) -> None:
    kept(web, "installed\x1b[31m\ntoken=hunter2\n")
    async with serving(registry=web.host) as scene:
        scene.image()
        answer = await scene.get()
    assert (answer.status, answer.text) == (200, "installed\ntoken=***\n")


async def test_our_registry_is_asked_under_the_name_that_tasks_use(web: WebServer) -> None:
    kept(web, "installed\n", "team/x")
    async with serving(registry="registry.example.com", registry_push=web.host) as scene:
        scene.image(repository="registry.example.com/team/x")
        assert (await scene.get()).text == "installed\n"


@pytest.mark.parametrize("owner", ["", "other/secret", "demo/diabetes2", "demo/other other/x"])
async def test_what_another_object_wrote_is_not_read(web: WebServer, owner: str) -> None:
    """Whoever writes an object can name the repository of another in it."""
    kept(web, "installed\n", "other/secret", owner)
    async with serving(registry=web.host) as scene:
        scene.image(repository=f"{web.host}/other/secret")
        answer = await scene.get()
    assert (answer.status, "installed" in answer.text) == (404, False)


async def test_a_log_that_two_objects_wrote_is_read_for_both(web: WebServer) -> None:
    kept(web, "installed\n", owner="demo/other demo/diabetes")
    async with serving(registry=web.host) as scene:
        scene.image()
        assert (await scene.get()).text == "installed\n"


@pytest.mark.parametrize("settings", [{}, {"insecure_hosts": "127.0.0.1"}])
async def test_a_registry_that_an_object_names_is_never_asked(
    web: WebServer, settings: dict[str, str]
) -> None:
    kept(web, "installed\n", "team/x")
    async with serving(**settings) as scene:
        scene.image(repository=f"{web.host}/team/x")
        answer = await scene.get()
    assert answer.status == 404
    assert f"The log is kept as {web.host}/team/x:log-1-1, in a registry that" in answer.text
    assert web.requests == []


async def test_a_registry_whose_name_begins_like_ours_is_not_ours(web: WebServer) -> None:
    async with serving(registry=web.host[:-1]) as scene:
        scene.image(repository=f"{web.host}/team/x")
        assert (await scene.get()).status == 404
    assert web.requests == []


async def test_a_registry_that_has_no_log_is_no_failure(web: WebServer) -> None:
    async with serving(registry=web.host) as scene:
        scene.image()
        answer = await scene.get()
    assert (answer.status, answer.text) == (
        404,
        "Build demo/diabetes/1-1 has no log (yet).\n",
    )


@pytest.mark.parametrize(("status", "said"), [(403, "does not let us read"), (418, "could not")])
async def test_what_the_registry_says_is_told(web: WebServer, status: int, said: str) -> None:
    web.otherwise = replies(status)
    async with serving(registry=web.host) as scene:
        scene.image()
        answer = await scene.get()
    assert answer.status == 503
    assert f"The log cannot be read now: The registry {web.host} {said}" in answer.text


async def test_what_the_api_says_is_told(scene: Scene) -> None:
    refusal = WaitingError(Reason.API_UNREACHABLE, "no answer (reset)")
    scene.cluster.refusals["get", "inferenceimages"] = [refusal]
    answer = await scene.get()
    assert (answer.status, answer.text) == (
        503,
        "The log cannot be found now: no answer (reset)\n",
    )


async def test_so_many_logs_are_read_at_once_and_no_more(scene: Scene) -> None:
    scene.running.logs["demo/diabetes/1-1"] = "installed\n"
    scene.running.gate.clear()
    waiting = [asyncio.create_task(scene.get()) for _ in range(MAX_ANSWERS_AT_ONCE)]
    await until(lambda: scene.running.readers == MAX_ANSWERS_AT_ONCE)
    answer = await scene.get()
    assert (answer.status, answer.headers["retry-after"]) == (503, "1")
    scene.running.gate.set()
    assert [(await one).status for one in waiting] == MAX_ANSWERS_AT_ONCE * [200]
    assert (await scene.get()).status == 200


async def test_so_many_connections_are_open_and_no_more(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_server, "MAX_CONNECTIONS", 3)
    host, port = scene.host.split(":")
    idle = [await asyncio.open_connection(host, int(port)) for _ in range(3)]
    reader, writer = await asyncio.open_connection(host, int(port))
    assert await reader.read() == b""
    for _, one in (*idle, (reader, writer)):
        one.close()

    async def served() -> bool:
        try:
            return (await scene.get()).status == 404
        except (http.client.HTTPException, ConnectionError):
            return False

    async with asyncio.timeout(20):
        while not await served():
            await asyncio.sleep(0.01)


async def test_whoever_says_nothing_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_server, "CONNECTION_LIFETIME_S", 0.05)
    async with serving() as scene:
        host, port = scene.host.split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        async with asyncio.timeout(20):
            assert await reader.read() == b""
        writer.close()


async def test_a_registry_that_is_silent_keeps_nobody_else_waiting(web: WebServer) -> None:
    """Neither the event loop, nor the logs of builds that run."""
    go_on = threading.Event()

    def silent_until_then(request: BaseHTTPRequestHandler) -> None:
        go_on.wait(20)
        reply(request, 404)

    web.otherwise = silent_until_then
    async with serving(registry=web.host) as scene:
        scene.image()
        scene.running.logs["demo/other/1-1"] = "installed\n"
        silent = asyncio.create_task(scene.get())
        await until(lambda: bool(web.requests))
        assert (await scene.get(PATH.replace("diabetes", "other"))).text == "installed\n"
        go_on.set()
        await silent


async def test_whoever_leaves_before_the_end_is_no_error(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    scene.running.logs["demo/diabetes/1-1"] = 1_000_000 * "x"
    host, port = scene.host.split(":")
    scene.running.gate.clear()
    _, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"GET {PATH} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    await until(lambda: scene.running.readers == 1)
    writer.transport.abort()
    scene.running.gate.set()
    assert (await scene.get()).status == 200
    assert caplog.records == []


async def test_an_address_that_is_taken_is_told(scene: Scene) -> None:
    settings = Settings(log_address=scene.host)
    with pytest.raises(OSError, match=f"build logs are served on {scene.host}, and that cannot"):
        async with serving_logs(settings, scene.running, scene.cluster):
            pass
