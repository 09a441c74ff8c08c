"""An answer, as the front hears of it; and how a response object becomes one."""

from __future__ import annotations

import re
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any, Generator, Iterable, List, Optional, Sequence, Tuple

from .request import Request
from .wire import Head

FAILED = "x-ms-run-function-failed"
SERVER_ERROR = 500  # from here on the script is said to have failed
NO_BODY, FIRST_FINAL = (204, 304), 200
CONNECTIONS = {
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailers",
    "transfer-encoding", "upgrade", "server", "date",
}  # fmt: skip
NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
VALUE = re.compile(r"[ \t\x21-\x7e\x80-\xff]*")
JSON_HEADERS = (("content-type", "application/json"),)
Pair = Tuple[str, str]


class UnfitResponseError(Exception):
    """The response cannot be sent: its headers or its body are not what HTTP can carry."""


@dataclass(frozen=True)
class Answer:
    """``elapsed`` is the time in ``run()`` in milliseconds, if it returned something usable.

    ``failed`` is None where nothing is said of it. The body goes on in ``pieces``, if any.
    """

    status: int
    body: bytes
    failed: Optional[bool] = False
    elapsed: Optional[float] = None
    headers: Sequence[Pair] = JSON_HEADERS
    pieces: Optional[Generator[bytes, None, None]] = None

    def head(self, seq: int) -> Head:
        return {
            "type": "answer",
            "seq": seq,
            "status": self.status,
            "headers": self.headers,
            "failed": self.failed,
            "elapsed": self.elapsed,
            "more": self.pieces is not None,
        }


def from_response(response: Any, request: Request, elapsed: float) -> Answer:
    """Return the answer that a response of flask's, werkzeug's or our stand-in's kind stands for.

    What is no list is sent piece by piece. Raise ``UnfitResponseError`` if it cannot be sent, and
    whatever the response's own code raises.
    """
    status = response.status_code
    if status >= SERVER_ERROR:
        response.headers[FAILED] = "True"
    if not response.is_streamed:
        response.calculate_content_length()  # makes a list of what is one but in its type
    streamed = response.is_streamed and not _without_body(request.method, status)
    content, _, pairs = response.get_wsgi_response(request.environ())
    headers = _sendable(pairs)
    failed = _taken_out(headers)
    if streamed:
        return Answer(status, b"", failed, elapsed, headers, _pieces(content))
    body = b"".join(content)
    response.close()
    if request.method != "HEAD":  # else it is the length of what is left out
        headers = [pair for pair in headers if pair[0].lower() != "content-length"]
    return Answer(status, body, failed, elapsed, headers)


def begun(answer: Answer) -> Answer:
    """Return the answer with its first piece: until then nothing is sent that we could regret."""
    return answer if answer.pieces is None else replace(answer, body=next(answer.pieces, b""))


def _pieces(content: Iterable[Any]) -> Generator[bytes, None, None]:
    """Yield what is not empty; close what must be closed when it ends, or is ended."""
    with ExitStack() as cleanup:
        cleanup.callback(getattr(content, "close", bool))
        for piece in content:
            if not isinstance(piece, bytes):
                raise UnfitResponseError(f"{piece!r} is not bytes, which an answer is made of")
            if piece:
                yield piece


def _without_body(method: str, status: int) -> bool:
    return method == "HEAD" or status in NO_BODY or status < FIRST_FINAL


def _sendable(pairs: Iterable[Pair]) -> List[Pair]:
    """Leave out what is the connection's business; refuse what would break the message."""
    for name, value in pairs:
        if not NAME.fullmatch(name) or not VALUE.fullmatch(value):
            raise UnfitResponseError(f"The header {name!r} of the response cannot be sent")
    return [(name, value) for name, value in pairs if name.lower() not in CONNECTIONS]


def _taken_out(headers: List[Pair]) -> Optional[bool]:
    """Take out whether ``run()`` failed, where the response says it, and says it in our words."""
    said = [pair for pair in headers if pair[0].lower() == FAILED]
    if len(said) != 1 or said[0][1] not in ("True", "False"):
        return None
    headers.remove(said[0])
    return said[0][1] == "True"
