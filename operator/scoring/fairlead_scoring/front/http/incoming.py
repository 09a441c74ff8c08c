"""A request that is being read from a connection, and then waits there for its answer."""

from fairlead_scoring.front.http.messages import Header, Request
from fairlead_scoring.front.http.protocols import RequestHandler

# The reference server's own limits for a field and their number; its URL may have 4094 bytes.
MAX_URL_BYTES, MAX_FIELD_BYTES, MAX_FIELDS = 8190, 8190, 100


class UnreadableError(Exception):
    """What the client sends is not read any further. ``status`` is that of the answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class IncomingRequest:
    """``request`` is set when its head is complete; ``complete`` is whether all of its body is.

    ``received_bytes`` is how much of the body has come, ``body`` what of it is kept.
    ``closes`` is whether its answer is the last one on its connection.
    """

    def __init__(self) -> None:
        self.url = b""
        self.pairs: list[Header] = []
        self.request: Request | None = None
        self.expects_continue = False
        self.keep_alive = True
        self.body = bytearray()
        self.received_bytes = 0
        self.complete = self.delivered = self.answered = self.closes = False
        self.handler: RequestHandler | None = None

    @property
    def awaits_continue(self) -> bool:
        """The client holds its body back until it gets an interim answer."""
        return self.expects_continue and not self.received_bytes

    @property
    def allows_interim_answers(self) -> bool:
        return self.request is not None and self.request.version == "1.1"

    def add_url(self, part: bytes) -> None:
        """Raise ``UnreadableError`` if it is too long, as ``add_header`` does."""
        self.url += part
        if len(self.url) > MAX_URL_BYTES:
            raise UnreadableError(414, "The URL is too long.")

    def add_header(self, name: bytes, value: bytes) -> None:
        if len(name) + len(value) > MAX_FIELD_BYTES:
            raise UnreadableError(431, f"A header field has more than {MAX_FIELD_BYTES} bytes.")
        if len(self.pairs) == MAX_FIELDS:
            raise UnreadableError(431, f"The request has more than {MAX_FIELDS} header fields.")
        pair = name.decode("latin-1").lower(), value.decode("latin-1").strip(" \t")
        self.pairs.append(pair)
        if pair[0] == "expect" and pair[1].lower() == "100-continue":
            self.expects_continue = True

    def add_body(self, part: bytes, max_body_bytes: int) -> None:
        """Keep it within the limit; raise ``UnreadableError`` far beyond it."""
        self.received_bytes += len(part)
        if self.answered:  # the rest is read and discarded, up to a point
            if self.received_bytes > 2 * max_body_bytes:
                raise UnreadableError(413, "The request body is far too large.")
        elif self.received_bytes > max_body_bytes:
            self.body.clear()
        else:
            self.body += part
