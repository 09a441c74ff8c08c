"""Logs for whoever has their key: a real HTTP server, over a cluster in memory."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientPayloadError, ClientResponse, ClientSession, ClientTimeout

from fairlead.api.meta import INFERENCE_IMAGE
from fairlead.api.reasons import Reason
from fairlead.api.refs import Manifest
from fairlead.contract import AssembleResult, TaskResult
from fairlead.desired.log_tail import log_tail_map
from fairlead.errors import WaitingError
from fairlead.log_address import LogKeys, LogName, environment_log, image_log, model_log
from fairlead.logs import guarded_server, sources
from fairlead.logs.answer import BUSY
from fairlead.logs.guarded_server import NONE, read_keys, serving_guarded_logs
from fairlead.settings import Settings
from tests.cluster.ports import free_port
from tests.integration.registry.server import WebServer, replies
from tests.unit.fake_cluster import FakeCluster
from tests.unit.job_objects import condition, ended, job_of, pod_of, told
from tests.unit.logs.test_local_server import IMAGE, kept
from tests.unit.objects import body
from tests.unit.tasks_of import assemble_task, environment_task, ingest_task, smoke_task

KEYS = LogKeys(b"a secret of the operator's own")
NAME = image_log("demo", "diabetes", "1-1")
ENVIRONMENT = environment_log("demo", "ab" * 32, 1)
TASK = assemble_task({"score.py": b""})
RUNNING = {"running": {"startedAt": "2026-11-26T10:00:03Z"}}
OK = TaskResult(ok=AssembleResult(digest=f"sha256:{'ab' * 32}", size_bytes=7, seconds=1).to_wire())
PROXY = "/api/v1/namespaces/fairlead-system/services/fairlead-logs/proxy"
USER = {"username": "jane", "uid": "u", "groups": ["team"], "extra": {"scopes": ["x"]}}


@dataclass
class Scene:
    base: str
    cluster: FakeCluster
    session: ClientSession

    def uri(self, name: LogName = NAME, *, key: str | None = None, **query: str) -> str:
        parts = {"key": KEYS.of(name) if key is None else key, **query}
        given = "&".join(f"{field}={value}" for field, value in parts.items() if value)
        return f"{name.path}?{given}"

    async def get(self, path: str, method: str = "GET", **headers: str) -> tuple[int, str]:
        async with self.session.request(method, self.base + path, headers=headers) as answer:
            return answer.status, await answer.text()

    async def read(self, name: LogName = NAME) -> tuple[int, str]:
        return await self.get(self.uri(name))

    @asynccontextmanager
    async def following(self, name: LogName = NAME) -> AsyncIterator[ClientResponse]:
        async with self.session.get(self.base + self.uri(name, follow="1")) as answer:
            yield answer

    def job(self, *conditions: Manifest) -> Manifest:
        return self.cluster.put(job_of(TASK, *conditions))

    def pod(self, state: Manifest | None = RUNNING, **more: Any) -> str:
        """The pod of the task's Job; its container is in ``state``."""
        job = self.cluster.find("jobs", "demo", job_of(TASK)["metadata"]["name"])
        assert job
        pod = pod_of(state, task=TASK, **more)
        pod["metadata"]["ownerReferences"][0]["uid"] = job["metadata"]["uid"]
        return str(self.cluster.put(pod)["metadata"]["name"])

    def runs(self, *printed: bytes | asyncio.Event) -> None:
        self.job()
        self.cluster.streams[self.pod()] = list(printed)


@asynccontextmanager
async def serving(**settings: Any) -> AsyncIterator[Scene]:
    """With a registry that has nothing, where ``settings`` name none."""
    host = f"127.0.0.1:{free_port()}"
    cluster = FakeCluster()
    with WebServer().running() as empty:
        empty.otherwise = replies(404)
        usual = {"log_address": host, "registry": empty.host, "runner": "job"}
        settings = {**usual, "task_image": "tasks", **settings}
        async with _served(Settings.model_validate(settings), cluster) as scene:
            yield scene


@asynccontextmanager
async def _served(settings: Settings, cluster: FakeCluster) -> AsyncIterator[Scene]:
    async with (
        serving_guarded_logs(settings, cluster, KEYS),
        ClientSession(timeout=ClientTimeout(total=20)) as session,
    ):
        yield Scene(f"http://{settings.log_address}", cluster, session)


@pytest.fixture
async def scene(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Scene]:
    monkeypatch.setattr(sources, "POLL_S", 0.01)
    async with serving() as one:
        yield one


@pytest.fixture
def web() -> Iterator[WebServer]:
    with WebServer().running() as server:
        server.otherwise = replies(404)
        yield server


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds():
            await asyncio.sleep(0.01)


async def text_until(answer: ClientResponse, words: str) -> str:
    text = ""
    async with asyncio.timeout(120):
        while words not in text:
            text += (await answer.content.readany()).decode()
    return text


async def test_the_log_of_a_task_that_runs_is_plain_text(scene: Scene) -> None:
    scene.runs(b"<script>\x1b[31mgr\xc3\xb6\xc3\x9fer</script>\ntoken=hunter2\n")
    async with scene.session.get(scene.base + scene.uri()) as answer:
        assert (answer.status, await answer.text()) == (200, "<script>größer</script>\ntoken=***\n")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"


async def test_it_is_opened_by_what_the_status_says_past_the_api_server(scene: Scene) -> None:
    """A port-forward, and then the address as it was copied."""
    scene.runs(b"installed\n")
    assert await scene.get(PROXY + scene.uri()) == (200, "installed\n")
    assert (await scene.get(PROXY + PROXY + scene.uri()))[0] == 404


WRONG = {
    "none": "",
    "another log's": KEYS.of(ENVIRONMENT),
    "of another secret": LogKeys(b"another secret of somebody").of(NAME),
    "cut": KEYS.of(NAME)[:-1],
    "longer": f"{KEYS.of(NAME)}A",
    "in capitals": KEYS.of(NAME).upper(),
    "twice": f"{KEYS.of(NAME)}&key={KEYS.of(NAME)}",
    "one of many": "&key=".join([KEYS.of(NAME), *map(str, range(100))]),
    "bytes": "%ff%00",
}


@pytest.mark.parametrize("key", WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("follow", ["", "1"])
async def test_a_wrong_key_looks_like_a_log_that_is_not_there(
    scene: Scene, key: str, follow: str
) -> None:
    scene.runs(b"installed\n")
    wrong = await scene.get(scene.uri(key=key, follow=follow))
    assert scene.cluster.requests.total() == 0  # nor does it take longer
    missing = await scene.read(image_log("demo", "nobody", "1-1"))
    assert wrong == missing == (404, NONE.text)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/healthz",
        "/namespaces/demo/inferenceimages/diabetes/builds/1-1/log/..",
        "/namespaces/demo/inferenceimages/..%2f..%2fetc/builds/1-1/log",
        "/namespaces/demo/inferenceimages/diabetes/builds/1-1%0a/log",
        "/inferenceimages/demo/diabetes/builds/1-1/log",
        "/api/v1/namespaces/x/services/a/b/proxy/namespaces/demo/inferenceimages/d/builds/1-1/log",
        f"/{'a' * 4000}",
    ],
)
async def test_there_is_nothing_else_to_be_had(scene: Scene, path: str) -> None:
    assert await scene.get(f"{path}?key={KEYS.of(NAME)}") == (404, NONE.text)
    assert scene.cluster.requests.total() == 0


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
async def test_logs_are_got_and_nothing_else(scene: Scene, method: str) -> None:
    assert (await scene.get(scene.uri(), method))[0] == 405


async def test_a_request_that_is_too_long_is_refused(scene: Scene) -> None:
    assert (await scene.get(scene.uri(x="a" * 20_000)))[0] == 400
    assert (await scene.get(scene.uri(), X="a" * 20_000))[0] == 400


async def test_what_is_printed_is_seen_at_once_and_to_the_end(scene: Scene) -> None:
    more, end = asyncio.Event(), asyncio.Event()
    scene.runs(b"Collecting numpy\n", more, b"Installed\nhalf a li", end, b"ne\n")
    async with scene.following() as answer:
        assert await text_until(answer, "numpy") == "Collecting numpy\n"
        more.set()
        assert await text_until(answer, "Installed") == "Installed\n"
        end.set()
        assert (await answer.read()).decode() == "half a line\n"


async def test_a_task_that_has_not_begun_is_waited_for(scene: Scene) -> None:
    async with asyncio.TaskGroup() as group:
        following = group.create_task(scene.get(scene.uri(follow="1")))
        await until(lambda: scene.cluster.requests["list", "jobs"] > 2)
        scene.job()
        name = scene.pod(None)
        await until(lambda: scene.cluster.requests["list", "pods"] > 2)
        scene.cluster.streams[name] = [b"begun\n"]
        scene.pod()
    assert following.result() == (200, "begun\n")


async def test_a_registry_is_not_asked_all_the_time_while_a_task_is_waited_for(
    web: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "POLL_S", 0.01)
    async with serving(registry=web.host) as scene:
        waiting = asyncio.create_task(scene.get(scene.uri(follow="1")))
        await until(lambda: scene.cluster.requests["list", "jobs"] > sources.LOOKS_PER_READ)
        asked_meanwhile = len(web.requests)
        kept(web, "installed\n")
        assert await waiting == (200, "installed\n")
    assert 0 < asked_meanwhile <= 2


async def test_silence_is_told_so_that_the_connection_lasts(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guarded_server, "SILENCE_S", 0.05)
    end = asyncio.Event()
    scene.runs(b"begun\n", end, b"over\n")
    async with scene.following() as answer:
        await text_until(answer, "[nothing was printed, for ")
        end.set()
        assert (await answer.read()).decode().endswith("over\n")


async def test_following_ends(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guarded_server, "FOLLOW_TIMEOUT_S", 0.05)
    monkeypatch.setattr(guarded_server, "SILENCE_S", 0.01)
    scene.runs(b"begun\n", asyncio.Event())
    async with scene.following() as answer:
        assert (await answer.read()).decode().endswith("[followed for 0 hours: ask again]\n")


async def test_who_leaves_is_not_followed_any_more(scene: Scene) -> None:
    scene.runs(b"begun\n", asyncio.Event())
    for _ in range(3 * guarded_server.MAX_FOLLOWERS_OF_A_NAMESPACE):
        async with scene.following() as answer:
            await text_until(answer, "begun")
            answer.close()
        await until(lambda: scene.cluster.open_streams == 0)


async def test_so_many_follow_a_namespace_and_others_still_can(scene: Scene) -> None:
    scene.runs(b"begun\n", asyncio.Event())
    many = guarded_server.MAX_FOLLOWERS_OF_A_NAMESPACE
    open_ones = [await scene.session.get(scene.base + scene.uri(follow="1")) for _ in range(many)]
    assert await scene.get(scene.uri(follow="1")) == (503, BUSY.text)
    assert (await scene.read())[0] == 200  # without following
    other = image_log("other", "x", "1-1")
    async with scene.session.get(scene.base + scene.uri(other), timeout=ClientTimeout(5)) as answer:
        assert answer.status == 404
    for one in open_ones:
        one.close()

    async def followed() -> int:
        async with scene.following() as answer:
            return answer.status

    async with asyncio.timeout(20):
        while await followed() != 200:
            await asyncio.sleep(0.01)


async def test_a_follower_does_not_keep_the_operator_from_ending() -> None:
    async with ClientSession() as session:
        async with asyncio.timeout(10), serving() as scene:
            scene.runs(b"begun\n", asyncio.Event())
            answer = await session.get(scene.base + scene.uri(follow="1"))
            await text_until(answer, "begun")
            loop = asyncio.get_running_loop()
            begun = loop.time()
        assert loop.time() - begun < 20
        with pytest.raises(ClientPayloadError):
            await answer.read()


async def test_a_reader_that_takes_nothing_is_given_up(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guarded_server, "WRITE_TIMEOUT_S", 0.1)
    scene.runs(*(1500 * [b"x" * 9_999 + b"\n"]), asyncio.Event())
    host, port = scene.base.removeprefix("http://").split(":")
    with socket.socket() as silent:
        silent.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        silent.connect((host, int(port)))
        silent.sendall(f"GET {scene.uri(follow='1')} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        await until(lambda: scene.cluster.requests["follow", "pods"] == 1)
        await until(lambda: scene.cluster.open_streams == 0)  # though the log goes on


async def test_a_log_without_end_is_cut(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guarded_server, "MAX_ANSWER_CHARS", 1000)
    scene.runs(*(1000 * [b"x" * 99 + b"\n"]))
    status, text = await scene.read()
    assert (status, len(text)) == (200, 1000)


async def test_a_task_that_crashed_is_shown_by_what_its_pod_printed(web: WebServer) -> None:
    kept(web, "the attempt before\n")
    async with serving(registry=web.host) as scene:
        scene.cluster.put(body(INFERENCE_IMAGE, IMAGE))
        scene.job(condition("Failed"))
        name = scene.pod(ended(137, reason="OOMKilled"), phase="Failed")
        scene.cluster.logs[name] = "half of it\n"
        assert await scene.read() == (200, "half of it\n")


async def test_what_a_task_has_kept_is_read_from_the_registry(web: WebServer) -> None:
    kept(web, "the environment\nthe image\n")
    async with serving(registry=web.host) as scene:
        scene.cluster.put(body(INFERENCE_IMAGE, IMAGE))
        scene.job(condition("Complete"))
        name = scene.pod(ended(0, told(OK)), phase="Succeeded")
        scene.cluster.logs[name] = "the image\n"
        assert await scene.read() == (200, "the environment\nthe image\n")
        assert await scene.get(scene.uri(follow="1")) == (200, "the environment\nthe image\n")


async def test_a_log_that_the_registry_lost_is_read_from_the_pod(web: WebServer) -> None:
    async with serving(registry=web.host) as scene:
        scene.cluster.put(body(INFERENCE_IMAGE, IMAGE))
        scene.job(condition("Complete"))
        scene.cluster.logs[scene.pod(ended(0, told(OK)), phase="Succeeded")] = "the image\n"
        assert await scene.read() == (200, "the image\n")


async def test_the_log_stays_after_job_and_object_are_gone(web: WebServer) -> None:
    kept(web, "installed\n")
    async with serving(registry=web.host) as scene:
        assert await scene.read() == (200, "installed\n")


async def test_the_log_of_an_environment_is_read_for_all_who_share_it(web: WebServer) -> None:
    kept(web, "installed\n", "demo/fairlead/environments", "demo/environments", ENVIRONMENT.tag)
    async with serving(registry=web.host) as scene:
        assert await scene.read(ENVIRONMENT) == (200, "installed\n")
        other = environment_log("other", ENVIRONMENT.owner, 1)
        assert (await scene.read(other))[0] == 404


def builds(scene: Scene, namespace: str, works_for: str = "demo") -> None:
    """The Job of an environment, in the namespace for builds or in one that says it were that."""
    task = environment_task("buildkit", apart=namespace, log=ENVIRONMENT)
    job = job_of(task)
    job["metadata"]["annotations"]["fairlead.dev/task-namespace"] = works_for
    scene.cluster.put(job)
    pod = pod_of(RUNNING, task=task)
    pod["metadata"]["ownerReferences"][0]["uid"] = job["metadata"]["uid"]
    scene.cluster.streams[scene.cluster.put(pod)["metadata"]["name"]] = [b"RUN make\n"]


async def test_what_is_built_in_the_namespace_for_builds_is_read_there() -> None:
    async with serving(buildkit_namespace="builds") as scene:
        builds(scene, "builds")
        assert await scene.read(ENVIRONMENT) == (200, "RUN make\n")


@pytest.mark.parametrize(("namespace", "works_for"), [("other", "demo"), ("builds", "other")])
async def test_no_job_says_for_whom_it_builds_anywhere_else(namespace: str, works_for: str) -> None:
    async with serving(buildkit_namespace="builds") as scene:
        builds(scene, namespace, works_for)
        assert (await scene.read(ENVIRONMENT))[0] == 404


async def test_what_another_object_wrote_is_not_read(web: WebServer) -> None:
    kept(web, "secret\n", "other/secret", "other/secret")
    async with serving(registry=web.host) as scene:
        spec = {**IMAGE, "repository": f"{web.host}/other/secret"}
        scene.cluster.put(body(INFERENCE_IMAGE, spec))
        assert await scene.read() == (404, NONE.text)


async def test_a_registry_that_an_object_names_is_never_asked(web: WebServer) -> None:
    kept(web, "installed\n", "team/x")
    async with serving() as scene:
        scene.cluster.put(body(INFERENCE_IMAGE, {**IMAGE, "repository": f"{web.host}/team/x"}))
        assert (await scene.read())[0] == 404
    assert web.requests == []


async def test_no_pod_but_the_jobs_own_is_read(scene: Scene) -> None:
    """Whoever may label pods may not make us read one."""
    scene.job()
    pod = pod_of(RUNNING, task=TASK)
    pod["metadata"]["ownerReferences"][0]["uid"] = "of another"
    scene.cluster.logs[str(scene.cluster.put(pod)["metadata"]["name"])] = "secret\n"
    assert (await scene.read())[0] == 404


async def test_no_job_but_a_tasks_is_believed(scene: Scene) -> None:
    job = job_of(TASK)
    job["metadata"]["name"] = "not-its-name"
    scene.cluster.put(job)
    assert (await scene.read())[0] == 404
    assert scene.cluster.requests["list", "pods"] == 0


async def test_what_the_registry_says_is_told_to_who_has_the_key(web: WebServer) -> None:
    web.otherwise = replies(403)
    async with serving(registry=web.host) as scene:
        status, text = await scene.read()
        assert status == 503
        assert f"The log cannot be read now: The registry {web.host} does not let us" in text
        assert await scene.get(scene.uri(key="x")) == (404, NONE.text)


async def test_what_the_api_says_is_told_to_who_has_the_key(scene: Scene) -> None:
    refusal = WaitingError(Reason.API_UNREACHABLE, "no answer (reset)")
    scene.cluster.refusals["list", "jobs"] = [refusal]
    assert await scene.read() == (503, "The log cannot be read now: no answer (reset)\n")


def asked(scene: Scene, *, authenticated: object = True, allowed: object = True) -> list[Manifest]:
    """Let the API server answer about tokens and rights; return what it was asked."""
    questions = list[Manifest]()

    def answer(question: Manifest) -> Manifest:
        questions.append(question)
        token = {"authenticated": authenticated, "user": USER}
        return {"status": token if question["kind"] == "TokenReview" else {"allowed": allowed}}

    scene.cluster.reviews = answer
    return questions


async def test_a_token_of_somebody_who_may_read_the_object_opens_its_log() -> None:
    async with serving(log_tokens=True) as scene:
        scene.runs(b"installed\n")
        questions = asked(scene)
        answer = await scene.get(NAME.path, Authorization="Bearer abc.def-1")
        assert answer == (200, "installed\n")
    token, access = questions
    assert token["spec"] == {"token": "abc.def-1"}
    assert access["spec"] == {
        "user": "jane",
        "uid": "u",
        "groups": ["team"],
        "extra": {"scopes": ["x"]},
        "resourceAttributes": {
            "verb": "get",
            "group": "fairlead.dev",
            "resource": "inferenceimages",
            "namespace": "demo",
            "name": "diabetes",
        },
    }


async def test_for_an_environments_log_all_images_of_the_namespace_must_be_readable() -> None:
    async with serving(log_tokens=True) as scene:
        questions = asked(scene)
        await scene.get(ENVIRONMENT.path, Authorization="Bearer abc")
    attributes = questions[1]["spec"]["resourceAttributes"]
    assert (attributes["namespace"], attributes.get("name")) == ("demo", None)


@pytest.mark.parametrize(
    ("authenticated", "allowed"),
    [(False, True), (None, True), ("true", True), (True, False), (True, None), (True, "true")],
)
async def test_no_other_token_opens_anything(authenticated: object, allowed: object) -> None:
    async with serving(log_tokens=True) as scene:
        scene.runs(b"installed\n")
        asked(scene, authenticated=authenticated, allowed=allowed)
        answer = await scene.get(NAME.path, Authorization="Bearer abc")
        assert answer == (404, NONE.text)


@pytest.mark.parametrize(
    "shown", ["", "Bearer", "Basic YTpi", "Bearer a b", f"Bearer {'a' * 8193}"]
)
async def test_what_is_no_token_is_not_asked_about(shown: str) -> None:
    async with serving(log_tokens=True) as scene:
        questions = asked(scene)
        assert (await scene.get(NAME.path, Authorization=shown))[0] in (400, 404)
        assert questions == []


async def test_tokens_count_only_where_the_settings_say_so(scene: Scene) -> None:
    questions = asked(scene)
    assert (await scene.get(NAME.path, Authorization="Bearer abc"))[0] == 404
    assert questions == []


async def test_an_api_server_that_answers_no_question_opens_nothing() -> None:
    async with serving(log_tokens=True) as scene:
        asked(scene)
        refusal = WaitingError(Reason.API_UNREACHABLE, "no answer (reset)")
        scene.cluster.refusals["review", "TokenReview"] = [refusal]
        answer = await scene.get(NAME.path, Authorization="Bearer abc")
        assert answer == (404, NONE.text)


async def test_no_key_and_no_token_gets_into_our_log(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Whatever comes in, however broken it is."""
    caplog.set_level(logging.DEBUG)
    key = KEYS.of(NAME)
    async with serving(log_tokens=True) as scene:
        refusal = WaitingError(Reason.API_UNREACHABLE, "no answer (reset)")
        scene.cluster.refusals["review", "TokenReview"] = [refusal]
        scene.cluster.refusals["list", "jobs"] = [refusal]
        await scene.get(NAME.path, Authorization="Bearer canary-token-0123456789")
        await scene.read()
        await scene.read(ENVIRONMENT)
        host, port = scene.base.removeprefix("http://").split(":")
        for line in (f"GET {scene.uri()} HTTP/9.9", f"GET {scene.uri()}\x00", f"{scene.uri()}"):
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(f"{line}\r\nHost: x\r\nBad\x01Header{key}\r\n\r\n".encode())
            await reader.read()
            writer.close()
    said = "".join(map(str, (record.__dict__ for record in caplog.records if ours(record))))
    for output in (said, *capfd.readouterr()):
        assert key not in output
        assert KEYS.of(ENVIRONMENT) not in output
        assert "canary" not in output


def ours(record: logging.LogRecord) -> bool:
    """Not the client's side of the tests."""
    return not record.name.startswith(("asyncio", "aiohttp.client"))


async def test_an_address_that_is_taken_is_told(scene: Scene) -> None:
    address = scene.base.removeprefix("http://")
    taken = Settings(runner="job", task_image="tasks", log_address=address)
    with pytest.raises(OSError, match=f"logs are served on {address}, and that cannot"):
        async with serving_guarded_logs(taken, scene.cluster, KEYS):
            pass


def test_the_secret_is_read_from_its_file(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_bytes(bytes(range(32)))
    settings = Settings.model_validate(
        {"log_key_file": file, "runner": "job", "task_image": "tasks"}
    )
    keys = read_keys(settings)
    assert keys
    assert keys.of(NAME) == LogKeys(bytes(range(32))).of(NAME)
    assert read_keys(Settings.model_validate({"log_key_file": file})) is None
    file.write_bytes(b"short")
    with pytest.raises(OSError, match=r"FAIRLEAD_LOG_KEY_FILE .* it has 5 bytes"):
        read_keys(settings)


async def test_the_log_of_a_model_is_there_as_long_as_its_job(web: WebServer) -> None:
    name = model_log("demo", "diabetes", "ab" * 32, 1)
    task = replace(ingest_task("https://m.example.com/m"), log=name)
    async with serving(registry=web.host) as scene:
        job = scene.cluster.put(job_of(task, condition("Failed")))
        pod = pod_of(ended(1, told(TaskResult(ok=OK.ok))), task=task, phase="Failed")
        pod["metadata"]["ownerReferences"][0]["uid"] = job["metadata"]["uid"]
        scene.cluster.logs[str(scene.cluster.put(pod)["metadata"]["name"])] = "404 Not Found\n"
        assert await scene.read(name) == (200, "404 Not Found\n")
        scene.cluster.remove("jobs", "demo", job["metadata"]["name"])
        assert (await scene.read(name))[0] == 404
    assert web.requests == []


async def test_for_a_models_log_the_model_must_be_readable() -> None:
    async with serving(log_tokens=True) as scene:
        questions = asked(scene)
        name = model_log("demo", "diabetes", "ab" * 32, 1)
        await scene.get(name.path, Authorization="Bearer abc")
    attributes = questions[1]["spec"]["resourceAttributes"]
    assert (attributes["resource"], attributes["name"]) == ("models", "diabetes")


async def test_what_an_image_printed_when_it_was_tried_follows_how_it_was_made(
    web: WebServer,
) -> None:
    kept(web, "assembled\n")
    task = smoke_task(log=NAME)
    async with serving(registry=web.host) as scene:
        scene.cluster.put(body(INFERENCE_IMAGE, IMAGE))
        job = scene.cluster.put(job_of(task))
        pod = pod_of(RUNNING, task=task)
        pod["metadata"]["ownerReferences"][0]["uid"] = job["metadata"]["uid"]
        name = str(scene.cluster.put(pod)["metadata"]["name"])
        scene.cluster.logs[name], scene.cluster.streams[name] = "loading\n", [b"loading\n"]
        assert await scene.read() == (200, "assembled\nloading\n")
        assert await scene.get(scene.uri(follow="1")) == (200, "assembled\nloading\n")
        scene.cluster.remove("jobs", "demo", job["metadata"]["name"])
        scene.cluster.put(log_tail_map(NAME, [], "Traceback\n"))
        assert await scene.read() == (200, "assembled\nTraceback\n")


async def test_a_log_that_lies_elsewhere_is_shown_as_far_as_it_was_kept(web: WebServer) -> None:
    async with serving() as scene:
        scene.cluster.put(body(INFERENCE_IMAGE, {**IMAGE, "repository": f"{web.host}/team/x"}))
        kept_end = log_tail_map(NAME, [], "token=hunter2\n")
        scene.cluster.put(kept_end)
        assert await scene.read() == (200, "token=***\n")
        kept_end["metadata"]["labels"] = {}  # somebody else's, of that name
        scene.cluster.put(kept_end)
        assert (await scene.read())[0] == 404
    assert web.requests == []
