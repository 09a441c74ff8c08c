"""HTTP requests and responses, and the head of a response as bytes."""

import json
from collections.abc import Iterable
from http import HTTPStatus
from urllib.parse import unquote

from fairlead_scoring.front.config.read_limits import ReadLimits
from fairlead_scoring.slot.responses import RUN_FAILED_HEADER

Header = tuple[str, str]
FRONT_HEADER = "x-fairlead-front"
OUTCOME_HEADER = "x-fairlead-outcome"
JSON_TYPE = "application/json"
HTML_TYPE = "text/html; charset=utf-8"
STATUS_LINES = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus
}
STATUSES_WITHOUT_BODY = {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}
CONTENT_LENGTH_CHARS = len("content-length")
MIN_FINAL_STATUS = 200  # a status below is that of an interim answer


class Body(bytearray):
    """The body of a request, held once: nothing copies it on its way to the slot.

    ``claim`` is what it takes of the memory for all bodies, returned with the body's own end.
    """

    __slots__ = ("claim",)
    claim: object


class Request:
    """A request without its body. ``pairs`` are its headers as they came, names in lower case;
    ``port`` is ours that it has come to, 0 where that is not known."""

    def __init__(
        self,
        method: str,
        target: tuple[str, str],
        pairs: list[Header],
        *,
        version: str = "1.1",
        client: tuple[str, int] | None = None,
        port: int = 0,
    ) -> None:
        self.method = method
        self.raw_path, self.query = target
        path = unquote(self.raw_path) if "%" in self.raw_path else self.raw_path
        self.path = (
            "/" + path.lstrip("/") if path.startswith("//") else path
        )  # as the reference's router sees it
        self.pairs = pairs
        self.version = version
        self.client = client
        self.port = port
        # As the reference server sees them: repeated ones joined, underscored ones dropped.
        # (X_Key and X-Key would become one; so gunicorn drops the former.)
        self.headers: dict[str, str] = {}
        for name, value in pairs:
            if "_" not in name:
                known = self.headers.get(name)
                self.headers[name] = value if known is None else f"{known},{value}"

    @property
    def has_another_replica(self) -> bool:
        """Whether it came by a front, which knows of other replicas if there are any."""
        return FRONT_HEADER in self.headers

    @property
    def target(self) -> str:
        return f"{self.path}?{self.query}" if self.query else self.path


class Response:
    """``headers`` are complete except for ``content-length``, ``date`` and ``connection``; a list
    becomes the response's own."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, body: bytes = b"", headers: Iterable[Header] = ()) -> None:
        self.status, self.body = status, body
        self.headers = headers if isinstance(headers, list) else list(headers)

    def with_headers(self, *headers: Header) -> "Response":
        return Response(self.status, self.body, (*self.headers, *headers))

    def head(self, more: str, *, length: int | None) -> bytes:
        """Return all before the body; ``more`` are further lines, ``length`` the body's if known.

        A length that the script gave is kept.
        """
        lines = "".join([f"{name}: {value}\r\n" for name, value in self.headers])
        if length is not None and self._may_have_length:
            lines += f"content-length: {length}\r\n"
        first = STATUS_LINES.get(self.status) or f"HTTP/1.1 {self.status} \r\n"
        return f"{first}{more}{lines}\r\n".encode("latin-1")

    @property
    def may_have_body(self) -> bool:
        return self.status >= MIN_FINAL_STATUS and self.status not in STATUSES_WITHOUT_BODY

    @property
    def _may_have_length(self) -> bool:
        if not self.may_have_body:
            return False
        for name, _ in self.headers:  # a generator takes longer than all the rest
            if len(name) == CONTENT_LENGTH_CHARS and name.lower() == "content-length":
                return False
        return True


def html(status: int, body: bytes, *headers: Header) -> Response:
    return Response(status, body, (("Content-Type", HTML_TYPE), *headers))


def json_document(body: bytes) -> Response:
    return Response(200, body, (("Content-Type", JSON_TYPE), (RUN_FAILED_HEADER, "False")))


def json_error(status: int, message: str, *, failed: bool = False, **more: str) -> Response:
    """Return an error in the reference server's form; ``more`` are further JSON fields.

    ``failed`` is whether the script is at fault.
    """
    body = json.dumps({"message": message, **more}).encode()
    return Response(status, body, (("Content-Type", JSON_TYPE), (RUN_FAILED_HEADER, str(failed))))


def payload_too_large(limits: ReadLimits) -> Response:
    return json_error(
        413,
        f"The request body is larger than {limits.largest_body_bytes // 2**20} MB, the most that "
        f"this service takes ({limits.largest_body_setting}). Send less at a time.",
    )
