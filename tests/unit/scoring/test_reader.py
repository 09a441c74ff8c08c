"""Requests read from bytes, however these are cut; and the deadline of a connection."""

import asyncio
import math
from contextlib import suppress
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from fairlead_scoring.front.http.deadline import Deadline
from fairlead_scoring.front.http.incoming import IncomingRequest, UnreadableError
from fairlead_scoring.front.http.reader import RequestReader
from fairlead_scoring.front.queue.body_budget import BodyBudget

STREAM = (
    b"POST /score?a=1 HTTP/1.1\r\nHost: x\r\nX-A:  1 \r\nX-A: 2\r\nX_B: 3\r\n"
    b"Content-Length: 5\r\n\r\nhello"
    b"GET /a%20b HTTP/1.1\r\n\r\n"
    b"POST /score HTTP/1.1\r\nUpgrade: h2c\r\nConnection: Upgrade\r\nContent-Length: 3\r\n\r\nabc"
    b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    b"2\r\nab\r\n1\r\nc\r\n0\r\nT: t\r\n\r\n"
)


def heads() -> BodyBudget:
    return BodyBudget(2**20, lambda: 0.0, lambda _delay, _call: None)


def read(pieces: list[bytes], max_body_bytes: int = 100) -> list[IncomingRequest]:
    found: list[IncomingRequest] = []
    reader = RequestReader(("127.0.0.1", 1), 5001, max_body_bytes, found.append, heads())
    for piece in pieces:
        reader.receive(piece)
        while reader.parse():
            pass
    return [one for one in dict.fromkeys(found) if one.complete]


def told(incoming: IncomingRequest) -> tuple[object, ...]:
    request = incoming.request
    assert request
    return (
        request.method,
        request.path,
        request.query,
        request.version,
        request.headers,
        bytes(incoming.body or b""),
        incoming.keep_alive,
    )


EXPECTED = [
    (
        *("POST", "/score", "a=1", "1.1"),
        {"host": "x", "x-a": "1,2", "content-length": "5"},
        *(b"hello", True),
    ),
    ("GET", "/a b", "", "1.1", {}, b"", True),
    (
        *("POST", "/score", "", "1.1"),
        {"upgrade": "h2c", "connection": "Upgrade", "content-length": "3"},
        *(b"abc", True),
    ),
    (
        *("POST", "/", "", "1.1"),
        {"transfer-encoding": "chunked", "connection": "close"},
        *(b"abc", False),
    ),
]


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_requests_are_the_same_however_they_arrive(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(STREAM)]
    pieces = [STREAM[a:b] for a, b in pairwise(edges)]
    assert [told(one) for one in read(pieces)] == EXPECTED


@given(st.lists(st.binary(max_size=200), max_size=5))
def test_anything_else_is_refused_or_waited_for(pieces: list[bytes]) -> None:
    with suppress(UnreadableError):
        assert read(pieces) == []


def test_a_body_above_the_limit_is_noticed_and_not_kept() -> None:
    found: list[IncomingRequest] = []
    reader = RequestReader(None, 5001, 10, found.append, heads())
    reader.receive(b"POST / HTTP/1.1\r\nContent-Length: 1000\r\n\r\n" + b"x" * 10)
    assert reader.parse()
    assert len(found[-1].body or b"") == 10
    reader.receive(b"x" * 500)
    assert reader.parse()
    assert found[-1].received_bytes == 510
    assert found[-1].body is None


async def test_a_deadline_that_is_moved_away_does_not_come() -> None:
    came: list[float] = []
    loop = asyncio.get_running_loop()
    began = loop.time()
    deadline = Deadline(lambda: came.append(loop.time() - began))
    deadline.set(0.02)
    deadline.set(0.08)
    async with asyncio.timeout(60):
        while not came:
            await asyncio.sleep(0.005)
    assert len(came) == 1
    assert came[0] >= 0.08


async def test_a_deadline_can_be_moved_nearer_and_called_off() -> None:
    came: list[str] = []
    far, never = Deadline(lambda: came.append("far")), Deadline(lambda: came.append("never"))
    far.set(3600)
    never.set(0.01)
    never.set(math.inf)
    far.set(0.05)
    async with asyncio.timeout(60):
        while not came:
            await asyncio.sleep(0.005)
    assert came == ["far"]
    far.close()
    never.close()
