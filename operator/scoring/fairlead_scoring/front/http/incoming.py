"""A request that is being read from a connection, and then waits there for its answer."""

from fairlead_scoring.front.http.messages import Body, Header, Request
from fairlead_scoring.front.http.protocols import RequestHandler

# The reference server's own limits for a field and their number; its URL may have 4094 bytes.
MAX_URL_BYTES, MAX_FIELD_BYTES, MAX_FIELDS = 8190, 8190, 100
FIRST_CLAIM_BYTES = 65536  # of a body that comes in chunks; then it is doubled again and again
AHEAD_BYTES = 16384  # that may be read before more is claimed


class UnreadableError(Exception):
    """What the client sends is not read any further. ``status`` is that of the answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class IncomingRequest:
    """``request`` is set when its head is complete; ``complete`` is whether all of its body is.

    ``announced_bytes`` is how long its body is, None where that is not known before its end;
    ``received_bytes`` is how much of it has come, ``body`` what is kept of that.
    ``awaits_chunk`` is whether a chunk has been announced and has not come.
    ``closes`` is whether its answer is the last one on its connection.
    """

    def __init__(self) -> None:
        self.url = b""
        self.pairs: list[Header] = []
        self.hosts = 0  # how many fields of this name
        self.request: Request | None = None
        self.expects_continue = False
        self.keep_alive = True
        self.announced_bytes: int | None = 0
        self.received_bytes = 0
        self.body: Body | None = None
        self.head_claim: object = None  # to memory, where the head is a large one
        self.awaits_chunk = self.in_trailer = False
        self.complete = self.delivered = self.answered = self.closes = False
        self.handler: RequestHandler | None = None
        self._trailer_fields = 0

    @property
    def awaits_continue(self) -> bool:
        """The client holds its body back until it gets an interim answer."""
        return self.expects_continue and not self.received_bytes

    @property
    def allows_interim_answers(self) -> bool:
        return self.request is not None and self.request.version == "1.1"

    @property
    def missing_bytes(self) -> int:
        """How much of the body is still to come, 0 where that is not known."""
        return max(0, (self.announced_bytes or 0) - self.received_bytes)

    def room_needed(self, max_body_bytes: int) -> int:
        """Return how many bytes of memory the body takes, as soon as it comes."""
        if self.complete:
            return self.received_bytes
        if not self.received_bytes and not self.expects_continue:
            return 0  # who announces a body and sends none takes no room from others
        if self.announced_bytes is not None:
            return self.announced_bytes
        doubled = 1 << (self.received_bytes + AHEAD_BYTES - 1).bit_length()
        return min(max_body_bytes, max(FIRST_CLAIM_BYTES, doubled))

    def add_url(self, part: bytes) -> None:
        """Raise ``UnreadableError`` if it is too long, as ``add_header`` does."""
        self.url += part
        if len(self.url) > MAX_URL_BYTES:
            raise UnreadableError(414, "The URL is too long.")

    def add_header(self, name: bytes, value: bytes) -> None:
        """Keep a field of the head. One of the trailer is within the same limits, and dropped."""
        if len(name) + len(value) > MAX_FIELD_BYTES:
            raise UnreadableError(431, f"A header field has more than {MAX_FIELD_BYTES} bytes.")
        if (self._trailer_fields if self.request else len(self.pairs)) == MAX_FIELDS:
            raise UnreadableError(431, f"The request has more than {MAX_FIELDS} header fields.")
        if self.request:
            self.in_trailer = True
            self._trailer_fields += 1
            return
        pair = name.decode("latin-1").lower(), value.decode("latin-1").strip(" \t")
        self.pairs.append(pair)
        if pair[0] == "host":
            self.hosts += 1
        elif pair[0] == "expect" and pair[1].lower() == "100-continue":
            self.expects_continue = True

    def add_body(self, part: bytes, max_body_bytes: int) -> None:
        """Keep it within the limit. What comes after the answer is read, and dropped."""
        self.received_bytes += len(part)
        self.awaits_chunk = False
        if self.answered:
            return
        if self.received_bytes > max_body_bytes:
            self.body = None
        elif self.body is None:
            self.body = Body(part)
        else:
            self.body += part
