"""Requests and responses, between ASGI's dictionaries and the application."""

import json
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Header = tuple[str, str]
FAILED = "x-ms-run-function-failed"
OUTCOME = "x-fairlead-outcome"
JSON = "application/json"
HTML = "text/html; charset=utf-8"
RUN_FAILED = "An unexpected error occurred in scoring script. Check the logs for more info."
INTERNAL = "An unexpected internal error occurred. Check the logs for more info."


class BodyTooLargeError(Exception):
    """The body has more bytes than are taken."""


class ClientGoneError(Exception):
    """The client closed the connection before it had its answer."""


@dataclass(frozen=True)
class Request:
    """A request without its body. ``pairs`` are its headers as they came, names in lower case."""

    method: str
    path: str
    query: str
    version: str
    client: tuple[str, int] | None
    pairs: list[tuple[str, str]]
    raw_path: str

    @cached_property
    def headers(self) -> dict[str, str]:
        """As the reference server sees them: repeated ones joined, underscored ones dropped.

        (``X_Key`` and ``X-Key`` would become one; so gunicorn drops the former.)
        """
        found: dict[str, str] = {}
        for name, value in self.pairs:
            if "_" not in name:
                found[name] = f"{found[name]},{value}" if name in found else value
        return found

    @property
    def target(self) -> str:
        return f"{self.path}?{self.query}" if self.query else self.path


@dataclass(frozen=True)
class Response:
    """``headers`` are all but ``content-length``, which is that of ``body``."""

    status: int
    body: bytes = b""
    headers: tuple[Header, ...] = ()

    def with_headers(self, *headers: Header) -> "Response":
        return replace(self, headers=(*self.headers, *headers))


def text(status: int, body: bytes, *headers: Header) -> Response:
    return Response(status, body, (("Content-Type", HTML), *headers))


def document(body: bytes) -> Response:
    return Response(200, body, (("Content-Type", JSON), (FAILED, "False")))


def problem(status: int, message: str, *, failed: bool = False, **more: str) -> Response:
    """Return a refusal in the reference server's form; ``more`` are further JSON fields.

    ``failed`` says that it was the script's doing.
    """
    body = json.dumps({"message": message, **more}).encode()
    return Response(status, body, (("Content-Type", JSON), (FAILED, str(failed))))


def read_request(scope: Scope) -> Request:
    pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
    path, raw = scope["path"], scope["raw_path"].decode("latin-1")
    if path.startswith("//"):  # as gunicorn and its framework see it
        path = "/" + path.lstrip("/")
    return Request(
        scope["method"],
        path,
        scope["query_string"].decode("latin-1"),
        scope["http_version"],
        scope["client"],
        pairs,
        raw,
    )


async def read_body(request: Request, receive: Receive, largest: int) -> bytes:
    """Return the whole body. Raise ``BodyTooLargeError`` as soon as that is clear."""
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and int(announced) > largest:
        raise BodyTooLargeError
    body, more = bytearray(), True
    while more:
        event = await receive()
        if event["type"] == "http.disconnect":
            raise ClientGoneError
        body += event.get("body", b"")
        more = event.get("more_body", False)
        if len(body) > largest:
            raise BodyTooLargeError
    return bytes(body)


async def send_response(response: Response, send: Send) -> None:
    await start_response(response.status, response.headers, send, len(response.body))
    await send({"type": "http.response.body", "body": response.body})


async def start_response(
    status: int, headers: tuple[Header, ...], send: Send, length: int | None
) -> None:
    """Send the head of an answer; ``length`` is None where that is not known or not wanted."""
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    if length is not None and not any(name.lower() == b"content-length" for name, _ in raw):
        raw.append((b"content-length", b"%d" % length))
    await send({"type": "http.response.start", "status": status, "headers": raw})
