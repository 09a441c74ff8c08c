"""Between HTTP and the pipe: a request as a frame for a slot, the slot's frame as a response."""

import re

from fairlead_scoring.front.http.ids import RequestIds
from fairlead_scoring.front.http.messages import (
    FAILED,
    JSON,
    OUTCOME,
    Header,
    Request,
    Response,
    problem,
)
from fairlead_scoring.front.slots.in_flight import Outcome
from fairlead_scoring.slot.wire import Head
from fairlead_scoring.slot.words import RUN_FAILED, TIMEOUT

BAD_NAME = re.compile(r"[^!#$%&'*+\-.^_`|~0-9A-Za-z]|^$")
BAD_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\u0100-\U0010ffff]")
PLAIN: list[list[str]] = [["content-type", JSON]]


class BadHeaderError(Exception):
    """The script answers with a header that HTTP does not allow."""


def frame(request: Request, ids: RequestIds) -> Head:
    """Return the head of the frame that carries the request to a slot."""
    return {
        "id": ids.request,
        "method": request.method,
        "path": request.raw_path,
        "query": request.query,
        "version": request.version,
        "headers": request.pairs,
        "client": request.client,
        "scheme": "http",
    }


def read_answer(answer: Head, body: bytes) -> Response:
    """Return the response that the slot's frame stands for, without what the front adds to all.

    Raise ``BadHeaderError``.
    """
    if answer["headers"] != PLAIN:
        _check(answer["headers"])
    headers: list[Header] = answer["headers"]
    if answer["failed"] is not None:
        headers.append((FAILED, "True" if answer["failed"] else "False"))
    if answer["elapsed"] is not None:
        headers.append(("x-ms-run-fn-exec-ms", f"{answer['elapsed']:.3f}"))
    return Response(answer["status"], body, headers)


def unanswered(outcome: Outcome, timeout_ms: int) -> Response:
    """Return what a client is told in the place of a script that does not answer."""
    message = TIMEOUT.format(timeout_ms) if outcome is Outcome.TIMEOUT else RUN_FAILED
    return problem(500, message, failed=True).with_headers((OUTCOME, outcome.value))


def _check(headers: list[Header]) -> None:
    for name, value in headers:
        if BAD_NAME.search(name) or BAD_VALUE.search(value):
            raise BadHeaderError(f"{name!r}: {value!r}")
