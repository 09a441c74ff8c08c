"""Between HTTP and the pipe: a request as a frame for a slot, the slot's frame as a response."""

import re

from fairlead_scoring.front.http.ids import RequestIds
from fairlead_scoring.front.http.messages import (
    JSON_TYPE,
    OUTCOME_HEADER,
    Header,
    Request,
    Response,
    json_error,
)
from fairlead_scoring.front.slots.in_flight import Outcome
from fairlead_scoring.slot.responses import (
    RUN_FAILED_HEADER,
    RUN_FAILED_MESSAGE,
    TIMEOUT_MESSAGE,
)
from fairlead_scoring.slot.wire import FrameHead

INVALID_NAME = re.compile(r"[^!#$%&'*+\-.^_`|~0-9A-Za-z]|^$")
INVALID_VALUE = re.compile(r"[^\x09\x20-\x7e\x80-\xff]")
PLAIN_HEADERS: list[list[str]] = [["content-type", JSON_TYPE]]


class InvalidHeaderError(Exception):
    """The script answers with a header that HTTP does not allow."""


def request_head(request: Request, ids: RequestIds) -> FrameHead:
    """Return the head of the frame that carries the request to a slot."""
    return {
        "id": ids.loggable,
        "method": request.method,
        "path": request.raw_path,
        "query": request.query,
        "version": request.version,
        "headers": request.pairs,
        "client": request.client,
        "scheme": "http",
    }


def read_answer(answer: FrameHead, body: bytes) -> Response:
    """Return the response of the slot's frame, without the headers of every answer.

    Raise ``InvalidHeaderError``.
    """
    if answer["headers"] != PLAIN_HEADERS:
        _check(answer["headers"])
    headers: list[Header] = answer["headers"]
    if answer["failed"] is not None:
        headers.append((RUN_FAILED_HEADER, "True" if answer["failed"] else "False"))
    if answer["elapsed"] is not None:
        headers.append(("x-ms-run-fn-exec-ms", f"{answer['elapsed']:.3f}"))
    return Response(answer["status"], body, headers)


def failure_response(outcome: Outcome, timeout_ms: int) -> Response:
    """Return the answer in the place of a script that does not answer."""
    timed_out = outcome is Outcome.TIMEOUT
    message = TIMEOUT_MESSAGE.format(timeout_ms) if timed_out else RUN_FAILED_MESSAGE
    response = json_error(500, message, failed=True)
    return response.with_headers((OUTCOME_HEADER, outcome.value))


def _check(headers: list[Header]) -> None:
    for name, value in headers:
        if INVALID_NAME.search(name) or INVALID_VALUE.search(value):
            raise InvalidHeaderError(f"{name!r}: {value!r}")
