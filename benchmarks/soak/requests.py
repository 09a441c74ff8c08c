"""What is sent, and what must come back: a kind of request for each thing that clients do."""

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

KILOBYTE, MEGABYTE = 1000, 1000 * 1000
MAX_BODY_MB = 8
SCORING_TIMEOUT_MS = 2000
JSON = "application/json"


@dataclass(frozen=True)
class Expected:
    """``body`` must be in the answer's; None is any."""

    status: int
    body: bytes | None = None


@dataclass(frozen=True)
class Sent:
    """``pieces`` are sent one after the other, and must have these answers, in this order.

    After ``aborts``, the connection is reset instead, or closed.
    """

    pieces: Sequence[bytes]
    expected: Sequence[Expected] = ()
    aborts: str = ""
    closes: bool = False


def post(body: bytes, path: str = "/score", *more: str) -> bytes:
    lines = (f"POST {path} HTTP/1.1", "Host: soak", f"Content-Type: {JSON}", *more)
    head = "".join(f"{line}\r\n" for line in (*lines, f"Content-Length: {len(body)}"))
    return head.encode() + b"\r\n" + body


def order(**fields: object) -> bytes:
    return json.dumps(fields).encode()


def good(chance: random.Random) -> Sent:
    numbers = [chance.randrange(1000) for _ in range(10)]
    return Sent([post(order(data=numbers))], [Expected(200, str(sum(numbers)).encode())])


def pipelined(chance: random.Random) -> Sent:
    several = [good(chance) for _ in range(3)]
    return Sent([b"".join(one.pieces[0] for one in several)], [one.expected[0] for one in several])


def in_chunks(chance: random.Random) -> Sent:
    body = order(text="x" * chance.randrange(1, 50 * KILOBYTE))
    head = post(b"").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
    cut = chance.randrange(1, len(body))
    pieces = [head, *(b"%x\r\n%b\r\n" % (len(one), one) for one in (body[:cut], body[cut:]))]
    expected = Expected(200, str(len(json.loads(body)["text"])).encode())
    return Sent([*pieces, b"0\r\nTrailer: x\r\n\r\n"], [expected])


def large(chance: random.Random) -> Sent:
    size = chance.randrange(100 * KILOBYTE, 2 * MEGABYTE)
    return Sent([post(order(text="x" * size))], [Expected(200, str(size).encode())])


def too_large(_: random.Random) -> Sent:
    body = b"x" * ((MAX_BODY_MB + 1) * 2**20)
    return Sent([post(body)], [Expected(413, b"FAIRLEAD_MAX_BODY_MB")])


def raises(_: random.Random) -> Sent:
    words = b"An unexpected error occurred in scoring script"
    return Sent([post(order(**{"raise": "as it was told"}))], [Expected(500, words)])


def not_text(_: random.Random) -> Sent:
    return Sent([post(b"\xff\xfe")], [Expected(400)])


def unknown(_: random.Random) -> Sent:
    return Sent([post(b"{}", "/no/such/route")], [Expected(404)])


def health(_: random.Random) -> Sent:
    return Sent([b"GET / HTTP/1.1\r\nHost: soak\r\n\r\n"], [Expected(200, b"Healthy")])


def slow(chance: random.Random) -> Sent:
    seconds = chance.uniform(0.01, 0.1)
    return Sent([post(order(sleep=seconds, data=[7]))], [Expected(200, b"7")])


def overdue(_: random.Random) -> Sent:
    words = f"Scoring timeout after {SCORING_TIMEOUT_MS} ms".encode()
    return Sent([post(order(sleep=SCORING_TIMEOUT_MS / 1000 + 1, data=[]))], [Expected(500, words)])


def exits(_: random.Random) -> Sent:
    words = b"An unexpected error occurred in scoring script"
    return Sent([post(order(exit=3))], [Expected(500, words)])


def no_http(_: random.Random) -> Sent:
    return Sent([b"NO HTTP AT ALL\r\n\r\n"], [Expected(400)], closes=True)


def no_end(_: random.Random) -> Sent:
    """A trailer that is too long: refused, and the connection closed."""
    head = post(b"").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
    return Sent([head, b"0\r\nTrailer: ", b"x" * 64 * KILOBYTE], [Expected(431)], closes=True)


def aborted(chance: random.Random) -> Sent:
    """A client that goes away in the middle of a head, of a body, or without waiting."""
    whole = post(order(text="x" * chance.choice([10, 10 * KILOBYTE, MEGABYTE])))
    cut = chance.choice([10, len(whole) // 2, len(whole) - 1, len(whole)])
    return Sent([whole[:cut]], aborts=chance.choice(["close", "reset"]), closes=True)


KINDS: dict[str, tuple[Callable[[random.Random], Sent], float]] = {
    "good": (good, 70.0),
    "pipelined, three": (pipelined, 2.0),
    "in chunks, with a trailer": (in_chunks, 3.0),
    "large, up to 2 MB": (large, 1.0),
    f"too large, {MAX_BODY_MB + 1} MB": (too_large, 0.1),
    "run() raises": (raises, 4.0),
    "no text": (not_text, 4.0),
    "no such route": (unknown, 3.0),
    "health": (health, 5.0),
    "slow, up to 0.1 s": (slow, 2.0),
    "over the time-out": (overdue, 0.01),
    "ends its process": (exits, 0.03),
    "no HTTP": (no_http, 1.0),
    "a trailer without end": (no_end, 0.5),
    "aborted by its client": (aborted, 4.0),
}
