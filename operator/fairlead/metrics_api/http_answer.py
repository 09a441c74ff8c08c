"""What is in an HTTP answer that has been read whole. Pure.

A client that parses while it reads works for as long as a stranger sends: tens of thousands of
chunks of one byte held up everything else for seconds. Here is no more to parse than was read.
"""

import http.client
import io
import socket
from http import HTTPStatus
from typing import cast


def body_of(answer: bytes) -> bytes | None:
    """The body as it came, nothing unpacked; None where this is no whole answer, or not 200."""
    response = http.client.HTTPResponse(cast("socket.socket", _Read(answer)), method="GET")
    try:
        response.begin()
        return response.read() if response.status == HTTPStatus.OK else None
    except (http.client.HTTPException, OSError, ValueError, OverflowError):
        return None  # the last: a length that no machine can count to


class _Read:
    """As much of a socket as ``http.client`` asks for."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def makefile(self, _mode: str) -> io.BytesIO:
        return io.BytesIO(self._content)
