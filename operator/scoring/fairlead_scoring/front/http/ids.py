"""The three ids of a request, by the reference server's rules."""

import os
from collections.abc import Mapping
from typing import NamedTuple

from fairlead_scoring.front.http.messages import Header

ID_HEADERS = ("x-request-id", "x-ms-request-id", "x-ms-client-request-id")
MAX_ID_CHARS = 100


class RequestIds(NamedTuple):
    """``legacy`` is ``x-ms-request-id``, which once was the client's id and the request's."""

    request: str = ""
    legacy: str = ""
    client: str = ""

    @property
    def headers(self) -> list[Header]:
        """What the answer carries: every id that is not empty."""
        return [pair for pair in zip(ID_HEADERS, self, strict=True) if pair[1]]

    @property
    def loggable(self) -> str:
        """The id of the request in one line: a client may send the control characters of C1."""
        if self.request.isprintable():
            return self.request
        return "".join(c if c.isprintable() else "?" for c in self.request)

    @property
    def names(self) -> list[str]:
        return [name for name, value in zip(ID_HEADERS, self, strict=True) if value]


class IdTooLongError(Exception):
    """An id has more than ``MAX_ID_CHARS`` characters; ``ids`` are those for the answer."""

    def __init__(self, message: str, ids: RequestIds) -> None:
        super().__init__(message)
        self.ids = ids


def random_uuid() -> str:
    """Return a UUID of version 4 (RFC 9562), in a third of the time that ``uuid`` takes."""
    digits = os.urandom(16).hex()
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def read_ids(headers: Mapping[str, str]) -> RequestIds:
    """Return the ids; where the client sent no ``x-request-id``, one is generated."""
    request = headers.get("x-request-id")
    if request is None:
        request = random_uuid()
    if len(request) > MAX_ID_CHARS:
        raise IdTooLongError(
            f"x-request-id must not exceed {MAX_ID_CHARS} characters", RequestIds()
        )
    legacy = headers.get("x-ms-request-id", "")
    client = headers.get("x-ms-client-request-id", "") or legacy
    legacy = legacy or client or request
    if max(len(legacy), len(client)) > MAX_ID_CHARS:
        raise IdTooLongError(
            f"x-ms-request-id and x-ms-client-request-id must not exceed {MAX_ID_CHARS} characters",
            RequestIds(request),
        )
    return RequestIds(request, legacy, client)
