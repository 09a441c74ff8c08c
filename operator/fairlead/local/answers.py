"""Requests to a local service: is it ready, score this, load the script again."""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fairlead.local.host import HOST

READY_TIMEOUT_S = 5.0  # seconds for one answer to whether it is ready
SCORE_TIMEOUT_S = 3600.0  # seconds: run() has its own limit
RELOAD_TIMEOUT_S = 3600.0  # seconds: init() may take as long as it takes
MAX_BODY_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")


class NoAnswerError(Exception):
    """Nobody answers; the text says why."""


def ask(
    port: int,
    method: str,
    path: str,
    body: bytes | None = None,
    *,
    content_type: str = "application/json",
    timeout_s: float = READY_TIMEOUT_S,
) -> Answer:
    """Raises ``NoAnswerError``."""
    connection = http.client.HTTPConnection(HOST, port, timeout=timeout_s)
    try:
        headers = {"Content-Type": content_type} if body is not None else {}
        connection.request(method, path, body, headers)
        found = connection.getresponse()
        content = found.read(MAX_BODY_BYTES)
        return Answer(found.status, {k.lower(): v for k, v in found.getheaders()}, content)
    except (OSError, http.client.HTTPException) as error:
        raise NoAnswerError(str(error) or type(error).__name__) from error
    finally:
        connection.close()


def is_ready(port: int) -> bool:
    try:
        return ask(port, "GET", "/ready").status == http.client.OK
    except NoAnswerError:
        return False


def is_debugger_attached(port: int) -> bool:
    """As the service itself sees it; False where nobody answers."""
    try:
        found = json.loads(ask(port, "GET", "/-/slots").body)
    except (NoAnswerError, ValueError):
        return False
    debugger = found.get("debugger") if isinstance(found, dict) else None
    return isinstance(debugger, dict) and debugger.get("attached") is True


def reload_script(port: int) -> Mapping[str, Any] | None:
    """Have the script loaded again. Return None where it was, else the runtime's own words of why
    not: what was loaded before serves on. Raises ``NoAnswerError``."""
    answer = ask(port, "POST", "/-/reload", b"", timeout_s=RELOAD_TIMEOUT_S)
    if answer.status == http.client.OK:
        return None
    try:
        found = json.loads(answer.body)
    except ValueError:
        found = {}
    failure = found.get("failure") if isinstance(found, dict) else None
    return failure if isinstance(failure, dict) else {"message": answer.text}
