"""What all sources rely on: resuming, retries, and who is told a secret."""

import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler

import pytest

from fairlead.api.reasons import Reason
from fairlead.connection import trust
from fairlead.registry.addresses import NamedHosts
from fairlead.sources import exchange as module
from fairlead.sources.base import Limits, SourceError
from fairlead.sources.exchange import Answer, Asked, Exchange
from tests.integration.registry.server import WebServer, replies, reply

CONTENT = bytes(range(256)) * 40


@pytest.fixture
def other() -> Iterator[WebServer]:
    with WebServer().running() as server:
        yield server


def opened(*servers: WebServer, seconds: float = 30.0) -> Exchange:
    named = NamedHosts.insecurely([server.host for server in servers])
    return Exchange(trust(None), named, Limits(10**6, 10, time.monotonic() + seconds))


def asked(web: WebServer, **more: object) -> Asked:
    return Asked("the file", web.url("/m"), **more)  # type: ignore[arg-type]


def whole(web: WebServer, **more: object) -> bytes:
    with opened(web) as exchange:
        return b"".join(exchange.body(asked(web, **more), lambda answer: answer.body))


def cut(web: WebServer, *, tag: str = "", ranges: bool = True, at: int = 4000) -> None:
    """The server breaks off, and may know how to go on."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        wanted = request.headers.get("Range") if ranges else None
        first = int(wanted[6:-1]) if wanted else 0
        request.send_response(206 if wanted else 200)
        if tag:
            request.send_header("ETag", tag)
        request.send_header("Content-Length", str(len(CONTENT) - first))
        request.send_header("Content-Range", f"bytes {first}-/{len(CONTENT)}")
        request.end_headers()
        request.wfile.write(CONTENT[first:][:at])
        request.close_connection = True

    web.otherwise = answer


@pytest.mark.parametrize("more", [{"tag": '"1"'}, {"pinned": True}])
def test_it_goes_on_where_it_ended(web: WebServer, more: dict[str, object]) -> None:
    cut(web, tag=str(more.get("tag", "")))
    assert whole(web, **more) == CONTENT
    assert len(web.requests) == 3


def test_a_tag_that_the_first_answer_has_is_enough(web: WebServer) -> None:
    cut(web, tag='"1"')
    assert whole(web) == CONTENT


@pytest.mark.parametrize("tag", ["", 'W/"1"'])
def test_without_a_strong_tag_nothing_is_pieced_together(web: WebServer, tag: str) -> None:
    """The whole task is tried again."""
    cut(web, tag=tag)
    with pytest.raises(SourceError, match="does not answer as it should"):
        whole(web)
    assert len(web.requests) == 1


def test_what_was_sent_already_is_skipped_where_a_server_knows_no_ranges(web: WebServer) -> None:
    cut(web, tag='"1"', ranges=False)
    with pytest.raises(SourceError):  # it never comes further
        whole(web)
    sent = [replies(200, CONTENT, ETag='"1"')]
    first = web.otherwise

    def answer(request: BaseHTTPRequestHandler) -> None:
        (sent.pop() if "Range" in request.headers else first)(request)

    web.otherwise = answer
    assert whole(web) == CONTENT


def test_resuming_ends(web: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_RESUMES", 3)
    cut(web, tag='"1"', at=10)
    with pytest.raises(SourceError):
        whole(web)
    assert len(web.requests) <= 3 + len(module.RETRY_DELAYS_S)


def test_another_part_than_asked_for_is_no_part(web: WebServer) -> None:
    cut(web, tag='"1"')
    first = web.otherwise

    def answer(request: BaseHTTPRequestHandler) -> None:
        if "Range" in request.headers:
            reply(request, 206, b"x", Content_Range="bytes 0-0/1", ETag='"1"')
        else:
            first(request)

    web.otherwise = answer
    with pytest.raises(SourceError, match="answers 206"):
        whole(web)


def test_a_body_is_sent_to_whom_it_is_for_and_nowhere_else(
    web: WebServer, other: WebServer
) -> None:
    """A client's secret, say."""
    web.otherwise = replies(307, Location=other.url("/"))
    with opened(web, other) as exchange, pytest.raises(SourceError, match="answers 307"):
        exchange.read(asked(web, method="POST", content=b"client_secret=s"))
    assert other.requests == []


def test_who_has_no_time_left_does_not_try_again(web: WebServer) -> None:
    web.otherwise = replies(503)
    with opened(web, seconds=0.5) as exchange, pytest.raises(SourceError) as told:
        exchange.read(asked(web))
    assert told.value.reason is Reason.MODEL_SOURCE_UNREACHABLE
    assert len(web.requests) == 1


def test_of_an_answer_the_length_is_a_number_or_nothing() -> None:
    for text, length in (("12", 12), ("-1", None), ("9" * 40, None), ("", None)):
        assert Answer("", 200, {"content-length": text}, iter([])).length == length
