"""Requests and responses, and how the latter look on the wire."""

import json
from collections.abc import Iterable
from http import HTTPStatus
from urllib.parse import unquote

Header = tuple[str, str]
FAILED = "x-ms-run-function-failed"
OUTCOME = "x-fairlead-outcome"
JSON = "application/json"
HTML = "text/html; charset=utf-8"
LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus}
WITHOUT_BODY = {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}
LENGTH = len("content-length")
FIRST_FINAL = 200  # a status below is of an interim answer


class Request:
    """A request without its body. ``pairs`` are its headers as they came, names in lower case."""

    def __init__(
        self,
        method: str,
        target: tuple[str, str],
        pairs: list[Header],
        *,
        version: str = "1.1",
        client: tuple[str, int] | None = None,
    ) -> None:
        self.method = method
        self.raw_path, self.query = target
        path = unquote(self.raw_path) if "%" in self.raw_path else self.raw_path
        self.path = "/" + path.lstrip("/") if path.startswith("//") else path  # as a router sees it
        self.pairs = pairs
        self.version = version
        self.client = client
        # As the reference server sees them: repeated ones joined, underscored ones dropped.
        # (X_Key and X-Key would become one; so gunicorn drops the former.)
        self.headers: dict[str, str] = {}
        for name, value in pairs:
            if "_" not in name:
                known = self.headers.get(name)
                self.headers[name] = value if known is None else f"{known},{value}"

    @property
    def target(self) -> str:
        return f"{self.path}?{self.query}" if self.query else self.path


class Response:
    """``headers`` are all that it carries, except for ``content-length``, ``date`` and the like."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, body: bytes = b"", headers: Iterable[Header] = ()) -> None:
        self.status, self.body = status, body
        self.headers = list(headers)

    def with_headers(self, *headers: Header) -> "Response":
        return Response(self.status, self.body, (*self.headers, *headers))

    def head(self, more: str, *, length: int | None) -> bytes:
        """Return all before the body; ``more`` are further lines, ``length`` is its own if known.

        A length that the script gave is not contradicted.
        """
        lines = [f"{name}: {value}\r\n" for name, value in self.headers]
        if length is not None and self._may_have_length:
            lines.append(f"content-length: {length}\r\n")
        first = LINES.get(self.status) or f"HTTP/1.1 {self.status} \r\n"
        return f"{first}{more}{''.join(lines)}\r\n".encode("latin-1")

    @property
    def may_have_body(self) -> bool:
        return self.status >= FIRST_FINAL and self.status not in WITHOUT_BODY

    @property
    def _may_have_length(self) -> bool:
        if not self.may_have_body:
            return False
        for name, _ in self.headers:  # a generator takes longer than all the rest
            if len(name) == LENGTH and name.lower() == "content-length":
                return False
        return True


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
