"""The client against a small HTTP server: errors translated, pages, watches, what is asked for."""

import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from kubernetes.aio.client import ApiClient
from kubernetes.aio.client.configuration import Configuration

from fairlead.api.refs import Manifest, Ref
from fairlead.cluster import METADATA_LIST, METADATA_ONLY, ApiCluster, Collection, PodLog
from fairlead.errors import (
    ExpiredError,
    OperatorError,
    ReplacedError,
    StalledError,
    WaitingError,
)
from fairlead.watch_stream import EventType

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
SERVICE = Ref("v1", "services", "demo", "credit")
MANIFEST: Manifest = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "credit", "namespace": "demo", "uid": "u"},
}


@pytest.fixture(autouse=True)
def _no_authorities(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the system take longer to read than a test, and no connection here has TLS."""
    monkeypatch.setenv("SSL_CERT_FILE", os.devnull)


@asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[ApiCluster]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(app) as server:
        configuration = Configuration(host=str(server.make_url("")).rstrip("/"))
        async with ApiClient(configuration) as client:
            yield ApiCluster(client)


def refusing(status: int, details: Manifest | None = None, **headers: str) -> Answer:
    async def answer(_: web.Request) -> web.Response:
        body = {"kind": "Status", "code": status, "message": "because", "details": details or {}}
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.json_response(body, status=status, headers=names)

    return answer


@pytest.mark.parametrize(
    ("status", "error", "reason"),
    [
        (401, StalledError, "Unauthorized"),
        (403, StalledError, "Forbidden"),
        (404, StalledError, "NotFound"),
        (409, ReplacedError, "ApiUnavailable"),
        (410, ExpiredError, "ApiUnavailable"),
        (422, StalledError, "Invalid"),
        (429, WaitingError, "ApiUnavailable"),
        (500, WaitingError, "ApiUnavailable"),
        (503, WaitingError, "ApiUnavailable"),
        (418, StalledError, "Rejected"),
    ],
)
async def test_what_the_api_refuses_is_waited_for_or_stalled(
    status: int, error: type[OperatorError], reason: str
) -> None:
    async with serving(refusing(status)) as cluster:
        with pytest.raises(error) as refused:
            await cluster.apply(MANIFEST, existing=True, manager="m")
    assert refused.value.reason == reason
    assert "Applying Service credit: " in str(refused.value)
    assert refused.value.__cause__ is not None


async def test_the_api_servers_retry_after_is_heard() -> None:
    async with serving(refusing(429, Retry_After="17")) as cluster:
        with pytest.raises(WaitingError) as busy:
            await cluster.get(SERVICE)
    assert busy.value.retry_after == 17


async def test_the_fields_that_were_refused_are_kept() -> None:
    causes = [{"reason": "FieldValueInvalid", "field": "spec.ports[0].nodePort"}, 7, {"field": ""}]
    async with serving(refusing(422, {"causes": causes})) as cluster:
        with pytest.raises(StalledError) as invalid:
            await cluster.apply(MANIFEST, existing=False, manager="m")
    assert invalid.value.fields == ("spec.ports[0].nodePort",)
    assert not invalid.value.terminating


async def test_a_namespace_that_is_going_is_told_from_other_refusals() -> None:
    causes = [{"reason": "NamespaceTerminating", "field": "metadata.namespace"}]
    async with serving(refusing(403, {"causes": causes})) as cluster:
        with pytest.raises(StalledError) as going:
            await cluster.create(MANIFEST)
    assert going.value.terminating


async def test_an_answer_that_is_no_json_is_waited_for() -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(text="<html>sign in</html>")

    async with serving(answer) as cluster:
        with pytest.raises(WaitingError, match="cannot be read"):
            await cluster.get(SERVICE)


async def test_nobody_at_the_address_is_waited_for() -> None:
    async with ApiClient(Configuration(host="http://127.0.0.1:1")) as client:
        with pytest.raises(WaitingError) as away:
            await ApiCluster(client).get(SERVICE)
    assert away.value.reason == "ApiUnreachable"


async def test_what_is_not_there_is_none_and_its_deletion_is_done() -> None:
    async with serving(refusing(404)) as cluster:
        assert await cluster.get(SERVICE) is None
        assert await cluster.apply_status(MANIFEST) is None
        assert await cluster.log_tail(PodLog("demo", "p", "scoring", previous=False)) is None
        await cluster.delete(SERVICE, "u")


async def test_what_exists_already_was_not_created() -> None:
    async with serving(refusing(409)) as cluster:
        assert await cluster.create(MANIFEST) is False
        await cluster.delete(SERVICE, "u")  # another of that name stays


async def test_a_list_goes_through_all_pages_and_asks_for_metadata_where_that_is_enough() -> None:
    asked = list[tuple[str, dict[str, str]]]()

    async def answer(request: web.Request) -> web.Response:
        asked.append((request.headers["Accept"], dict(request.query)))
        page = request.query.get("continue", "first")
        following = {"first": "second"}.get(page, "")
        body = {
            "metadata": {"resourceVersion": "7", "continue": following},
            "items": [{"metadata": {"name": page}}],
        }
        return web.json_response(body)

    async with serving(answer) as cluster:
        listing = await cluster.list_all(Collection("v1", "configmaps", metadata_only=True))
        await cluster.list_all(Collection("v1", "pods", "app=us"))
    assert [item["metadata"]["name"] for item in listing.items] == ["first", "second"]
    assert listing.resource_version == "7"
    assert {accept for accept, _ in asked[:2]} == {METADATA_LIST}
    assert asked[0][1] == {"limit": "500"}
    assert asked[2][1] == {"limit": "500", "labelSelector": "app=us"}


async def test_a_watch_yields_events_to_its_end_and_asks_for_bookmarks() -> None:
    asked: dict[str, Any] = {}

    async def answer(request: web.Request) -> web.StreamResponse:
        asked.update(request.query, accept=request.headers["Accept"])
        response = web.StreamResponse()
        await response.prepare(request)
        for type_ in ("ADDED", "BOOKMARK"):
            event = {"type": type_, "object": {"metadata": {"name": "a", "resourceVersion": "9"}}}
            await response.write(json.dumps(event).encode() + b"\n")
        return response

    async with serving(answer) as cluster:
        collection = Collection("v1", "configmaps", metadata_only=True)
        events = [event async for event in cluster.watch(collection, "7", 5)]
    assert [event.type for event in events] == [EventType.ADDED, EventType.BOOKMARK]
    wanted = {"watch": "true", "resourceVersion": "7", "timeoutSeconds": "5"}
    assert asked == {**wanted, "allowWatchBookmarks": "true", "accept": METADATA_ONLY}


async def test_a_watch_that_cannot_go_on_from_its_version_says_so() -> None:
    async with serving(refusing(410)) as cluster:
        with pytest.raises(ExpiredError):
            async for _ in cluster.watch(Collection("v1", "pods"), "7", 5):
                pass


async def test_an_update_forces_its_fields_and_a_creation_does_not() -> None:
    asked = list[str]()

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.query.get("force", ""))
        return web.json_response(MANIFEST)

    async with serving(answer) as cluster:
        await cluster.apply(MANIFEST, existing=True, manager="m")
        await cluster.apply(MANIFEST, existing=False, manager="m")
    assert [force.lower() for force in asked] == ["true", "false"]


async def test_a_pods_events_are_asked_for_by_its_uid_and_bounded() -> None:
    asked: dict[str, str] = {}
    event = {"reason": "FailedMount", "message": "x"}
    size = 1

    async def answer(request: web.Request) -> web.Response:
        asked.update(request.query)
        return web.json_response({"items": [event] * size})

    async with serving(answer) as cluster:
        assert await cluster.pod_events("demo", "u") == [event]
        assert asked == {"fieldSelector": "involvedObject.uid=u", "limit": "100"}
        size = 100_000
        assert await cluster.pod_events("demo", "u") == ()
    async with serving(refusing(403)) as cluster:
        with pytest.raises(StalledError):
            await cluster.pod_events("demo", "u")


async def test_an_event_of_any_depth_is_read() -> None:
    async def answer(_: web.Request) -> web.Response:
        deep = "[" * 50_000 + "]" * 50_000
        return web.Response(text=f'{{"items": [{{"reason": "x", "deep": {deep}}}]}}')

    async with serving(answer) as cluster:
        [event] = await cluster.pod_events("demo", "u")
    assert event["reason"] == "x"


@pytest.mark.parametrize("follow", [False, True])
async def test_a_log_is_streamed_as_it_comes(follow: bool) -> None:  # noqa: FBT001
    asked: list[dict[str, str]] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        asked.append(dict(request.query))
        return web.Response(body=b"one\ntwo\n")

    log = PodLog("demo", "pod", "task", previous=False, lines=7)
    async with serving(answer) as cluster:
        pieces = [piece async for piece in cluster.stream_log(log, follow=follow)]
    assert b"".join(pieces) == b"one\ntwo\n"
    wanted = {"container": "task", "tailLines": "7"}
    assert asked == [{**wanted, "follow": "true"} if follow else wanted]


@pytest.mark.parametrize("status", [400, 404])
async def test_a_log_that_a_kubelet_does_not_have_is_empty(status: int) -> None:
    log = PodLog("demo", "pod", "task", previous=False)
    async with serving(refusing(status)) as cluster:
        assert [piece async for piece in cluster.stream_log(log, follow=False)] == []


async def test_a_log_that_is_refused_is_told() -> None:
    log = PodLog("demo", "pod", "task", previous=False)
    async with serving(refusing(403)) as cluster:
        with pytest.raises(StalledError, match="Reading the log of pod pod"):
            _ = [piece async for piece in cluster.stream_log(log, follow=False)]


async def test_a_review_is_answered() -> None:
    async def answer(request: web.Request) -> web.Response:
        assert request.path == "/apis/authentication.k8s.io/v1/tokenreviews"
        return web.json_response({"status": {"authenticated": True}})

    manifest = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {}}
    async with serving(answer) as cluster:
        assert (await cluster.review(manifest))["status"] == {"authenticated": True}


async def test_schemas_are_read_by_name_and_none_where_there_is_no_such_version() -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"components": {"schemas": {"dev.fairlead.Model": {}}}})

    async with serving(answer) as cluster:
        found = await cluster.published_schemas("fairlead.dev/v1alpha1")
    assert found == {"dev.fairlead.Model": {}}
    async with serving(refusing(404)) as cluster:
        assert await cluster.published_schemas("fairlead.dev/v1") == {}


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ({"major": "1", "minor": "36"}, (1, 36)),
        ({"major": "1", "minor": "34+"}, (1, 34)),
        ({"major": "", "minor": None}, (0, 0)),
        ({}, (0, 0)),
    ],
)
async def test_the_version_is_two_numbers(said: Manifest, version: tuple[int, int]) -> None:
    async def answer(request: web.Request) -> web.Response:
        assert request.path == "/version"
        return web.json_response(said)

    async with serving(answer) as cluster:
        assert await cluster.server_version() == version


@pytest.mark.parametrize(("status", "wanted"), [(404, None), (200, {"kind": "Service"})])
async def test_a_patch_returns_the_object_or_none_where_it_is_gone(
    status: int, wanted: Manifest | None
) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"kind": "Service"}, status=status)

    async with serving(answer) as cluster:
        assert await cluster.merge(SERVICE, {"metadata": {}}) == wanted
