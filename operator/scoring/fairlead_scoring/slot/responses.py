"""An answer, as it is sent to the front; and how a response object becomes one."""

import re
from contextlib import ExitStack
from typing import Any, Generator, Iterable, List, NamedTuple, Optional, Sequence, Tuple

from .request import Request
from .wire import FrameHead

RUN_FAILED_HEADER = "x-ms-run-function-failed"
# What a client gets instead of an answer of run(): the reference server's messages.
RUN_FAILED_MESSAGE = "An unexpected error occurred in scoring script. Check the logs for more info."
INTERNAL_ERROR_MESSAGE = "An unexpected internal error occurred. Check the logs for more info."
TIMEOUT_MESSAGE = "Scoring timeout after {} ms"
MIN_ERROR_STATUS = 500  # from here on run() is said to have failed
MIN_STATUS, MAX_STATUS = 100, 599
STATUSES_WITHOUT_BODY, MIN_FINAL_STATUS = (204, 304), 200
CONNECTION_HEADERS = {
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailers",
    "transfer-encoding", "upgrade", "server", "date",
}  # fmt: skip
HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
HEADER_VALUE = re.compile(r"[ \t\x21-\x7e\x80-\xff]*")
JSON_HEADERS = (("content-type", "application/json"),)
Pair = Tuple[str, str]


class InvalidResponseError(Exception):
    """The response cannot be sent: its headers or its body are not what HTTP can carry."""


class Answer(NamedTuple):
    """``elapsed`` is the time in ``run()`` in milliseconds, if it returned something usable.

    ``failed`` is None where it is unknown. The body goes on in ``pieces``, if any.
    """

    status: int
    body: bytes
    failed: Optional[bool] = False
    elapsed: Optional[float] = None
    headers: Sequence[Pair] = JSON_HEADERS
    pieces: Optional[Generator[bytes, None, None]] = None

    def head(self, seq: int) -> FrameHead:
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
    """Return the answer that a response of flask's, werkzeug's or our shim's kind stands for.

    What is no list is sent piece by piece. Raise ``InvalidResponseError`` if it cannot be sent, and
    whatever the response's own code raises.
    """
    status = response.status_code
    if not MIN_STATUS <= status <= MAX_STATUS:
        raise InvalidResponseError(f"{status} is no status of HTTP")
    if status >= MIN_ERROR_STATUS:
        response.headers[RUN_FAILED_HEADER] = "True"
    if not response.is_streamed:
        response.calculate_content_length()  # makes a list of what is one but in its type
    streamed = response.is_streamed and not _without_body(request.method, status)
    content, _, pairs = response.get_wsgi_response(request.environ())
    headers = _sendable(pairs)
    failed = _pop_run_failed(headers)
    if streamed:
        return Answer(status, b"", failed, elapsed, headers, _pieces(content))
    body = b"".join(content)
    response.close()
    if request.method != "HEAD":  # else it is the length of what is left out
        headers = [pair for pair in headers if pair[0].lower() != "content-length"]
    return Answer(status, body, failed, elapsed, headers)


def with_first_piece(answer: Answer) -> Answer:
    """Return the answer with its first piece: an error before it can still be reported."""
    return answer if answer.pieces is None else answer._replace(body=next(answer.pieces, b""))


def _pieces(content: Iterable[Any]) -> Generator[bytes, None, None]:
    """Yield what is not empty; close what must be closed when it ends, or is ended."""
    with ExitStack() as cleanup:
        cleanup.callback(getattr(content, "close", bool))
        for piece in content:
            if not isinstance(piece, bytes):
                raise InvalidResponseError(f"{piece!r} is not bytes, which an answer is made of")
            if piece:
                yield piece


def _without_body(method: str, status: int) -> bool:
    return method == "HEAD" or status in STATUSES_WITHOUT_BODY or status < MIN_FINAL_STATUS


def _sendable(pairs: Iterable[Pair]) -> List[Pair]:
    """Leave out the headers of the connection; refuse what HTTP does not allow."""
    for name, value in pairs:
        if not HEADER_NAME.fullmatch(name) or not HEADER_VALUE.fullmatch(value):
            raise InvalidResponseError(f"The header {name!r} of the response cannot be sent")
    return [(name, value) for name, value in pairs if name.lower() not in CONNECTION_HEADERS]


def _pop_run_failed(headers: List[Pair]) -> Optional[bool]:
    """Remove and return whether ``run()`` failed, where the response has a valid header for it."""
    found = [pair for pair in headers if pair[0].lower() == RUN_FAILED_HEADER]
    if len(found) != 1 or found[0][1] not in ("True", "False"):
        return None
    headers.remove(found[0])
    return found[0][1] == "True"
