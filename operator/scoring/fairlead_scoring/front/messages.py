"""Requests and responses, between ASGI's dictionaries and the application."""

import json
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, replace
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Header = tuple[str, str]
FAILED = "x-ms-run-function-failed"
LARGEST_BODY = 100 * 1024 * 1024  # bytes, as in front of Azure ML v1 (contract §10)


class BodyTooLargeError(Exception):
    """The body has more than ``LARGEST_BODY`` bytes."""


class ClientGoneError(Exception):
    """The client closed the connection before it had sent its whole request."""


@dataclass(frozen=True)
class Request:
    """The part of a request that comes before its body. Names of ``headers`` are lower-case."""

    method: str
    path: str
    query: str
    headers: dict[str, str]


@dataclass(frozen=True)
class Response:
    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: tuple[Header, ...] = ()

    def with_headers(self, *headers: Header) -> "Response":
        return replace(self, headers=(*self.headers, *headers))


def problem(status: int, message: str, *, failed: bool = False, **more: str) -> Response:
    """Return a refusal in the reference server's form; ``more`` are further JSON fields.

    ``failed`` says that it was the script's doing.
    """
    body = json.dumps({"message": message, **more}).encode()
    return Response(status, body, headers=((FAILED, str(failed)),))


def read_request(scope: Scope) -> Request:
    return Request(
        scope["method"], scope["path"], scope["query_string"].decode("latin-1"), _headers(scope)
    )


async def read_body(request: Request, receive: Receive) -> bytes:
    """Return the whole body. Raise ``BodyTooLargeError`` as soon as that is clear."""
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and int(announced) > LARGEST_BODY:
        raise BodyTooLargeError
    body, more = bytearray(), True
    while more:
        event = await receive()
        if event["type"] == "http.disconnect":
            raise ClientGoneError
        body += event.get("body", b"")
        more = event.get("more_body", False)
        if len(body) > LARGEST_BODY:
            raise BodyTooLargeError
    return bytes(body)


async def send_response(response: Response, send: Send) -> None:
    headers = (
        ("content-type", response.content_type),
        ("content-length", str(len(response.body))),
        *response.headers,
    )
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    await send({"type": "http.response.start", "status": response.status, "headers": raw})
    await send({"type": "http.response.body", "body": response.body})


def _headers(scope: Scope) -> dict[str, str]:
    """As the reference server sees them: repeated ones joined, those with an underscore dropped.

    (``X_Key`` and ``X-Key`` would become one; so gunicorn drops the former.)
    """
    found: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        if "_" not in name:
            found[name] = f"{found[name]},{value}" if name in found else value
    return found
