"""One request, from the front's frame to the answer's: the reference server's rules for scripts
without decorators (contract §12, §12.1)."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Dict, List, Optional
from urllib.parse import parse_qs

from . import trace
from .logs import NAME
from .script import Script
from .wire import Head

logger = logging.getLogger(NAME)
RUN_FAILED = "An unexpected error occurred in scoring script. Check the logs for more info."
INTERNAL = "An unexpected internal error occurred. Check the logs for more info."
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


class BadInputError(Exception):
    """The request cannot be handed to ``run()``; the message is for the client."""


@dataclass(frozen=True)
class Answer:
    """``elapsed`` is the time in ``run()`` in milliseconds, if it returned something usable."""

    status: int
    body: bytes
    failed: bool = False
    elapsed: Optional[float] = None

    def head(self) -> Head:
        return {
            "type": "answer",
            "status": self.status,
            "failed": self.failed,
            "elapsed": self.elapsed,
        }


def answer(script: Script, request: Head, body: bytes) -> Answer:
    """Return what the client is told; the log is told the rest, under the request's id."""
    try:
        data = read_data(request, body)
    except BadInputError as error:
        return refusal(400, str(error))
    headers = {name.title(): value for name, value in request["headers"].items()}
    began = perf_counter()
    try:
        result = script.score(data, headers)
    except Exception as error:  # noqa: BLE001 - user code may raise anything, and none of it is ours
        _log_failure("run() failed", request, error)
        return refusal(500, RUN_FAILED, failed=True)
    except BaseException as error:
        _log_failure("run() ended its process", request, error)
        raise
    elapsed = (perf_counter() - began) * 1000
    try:
        encoded = json.dumps({} if result is None else result).encode()
    except Exception as error:  # noqa: BLE001 - the same: what run() returned is asked for its parts
        _log_failure("run() returned what is no JSON", request, error)
        return refusal(500, INTERNAL)
    return Answer(200, encoded, elapsed=elapsed)


def refusal(status: int, message: str, *, failed: bool = False) -> Answer:
    return Answer(status, json.dumps({"message": message}).encode(), failed)


def read_data(request: Head, body: bytes) -> str:
    """Return the text that ``run()`` gets. Raise ``BadInputError`` if there is none."""
    if request["method"] == "GET":
        return json.dumps(read_query(request["query"]))
    content_type = request["headers"].get("content-type", "")
    if content_type.partition(";")[0].strip().lower() in FORMS:
        return ""  # the reference server leaves forms to its framework, which finds no data
    try:
        return str(body, "utf-8")
    except UnicodeDecodeError as error:
        raise BadInputError(f"Input cannot be decoded as UTF-8: {error}") from error


def read_query(query: str) -> Dict[str, Any]:
    """Return each parameter's value, a list where it is repeated; parsed as JSON if it is JSON."""
    found = {}
    for name, texts in parse_qs(query, keep_blank_values=True).items():
        values: List[Any] = [_json_or_text(text) for text in texts]
        found[name] = values if len(values) > 1 else values[0]
    return found


def _json_or_text(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):  # no JSON, or nested deeper than any script would read
        return text


def _log_failure(what: str, request: Head, error: BaseException) -> None:
    logger.error(
        "%s in request %s. Encountered Exception: %s",
        what,
        request["id"],
        trace.formatted(error),
    )
