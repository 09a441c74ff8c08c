"""A request that is being read from a connection, and then waits for its turn there."""

from typing import Protocol

from fairlead_scoring.front.config.settings import Reading
from fairlead_scoring.front.http.messages import Header, Request, Response

# The reference server's own limits for a field and their number; its line may have 4094 bytes.
LONGEST_LINE, LONGEST_FIELD, MOST_FIELDS = 8190, 8190, 100


class UnreadableError(Exception):
    """What the client sends is not read any further. ``status`` is what it is told."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Client(Protocol):
    """Whoever takes the answer to a request: whole, or piece by piece."""

    def respond(self, response: Response) -> None: ...
    def begin(self, response: Response) -> None: ...
    def piece(self, body: bytes) -> None: ...
    def finish(self) -> None: ...

    def break_off(self) -> None:
        """The rest of the answer will not come."""

    def look_for_the_client(self) -> None:
        """The request waits from now on; is anybody still there?"""


class Visit(Protocol):
    """What the application makes of a request. It answers its client, once."""

    @property
    def waiting(self) -> bool:
        """Whether it waits for its turn in a slot."""

    def take(self, body: bytes) -> None:
        """The whole body is here."""

    def reject(self, response: Response) -> None:
        """The body cannot be read; this is to be the answer."""

    def left(self) -> None:
        """The client has gone away before it had its answer."""

    def pause(self) -> None:
        """The client takes no more of the answer for now."""

    def resume(self) -> None:
        """The client has caught up."""


class Application(Protocol):
    """Answers requests. While it is ``draining``, each answer is its connection's last."""

    draining: bool

    @property
    def reading(self) -> Reading: ...

    def visit(self, request: Request, client: Client) -> Visit:
        """Begin to answer a request; its body comes later, if it is wanted at all."""

    def too_large(self) -> Response:
        """Answer a request whose body is larger than ``reading`` allows."""


class Incoming:
    """``request`` is there when its head is; ``whole`` is whether all of its body has come.

    ``size`` is how many bytes of the body have come, ``body`` those of them that are kept.
    ``closes`` is whether its answer is the last one on its connection.
    """

    def __init__(self) -> None:
        self.url = b""
        self.pairs: list[Header] = []
        self.request: Request | None = None
        self.expects_continue = False
        self.keep_alive = True
        self.body = bytearray()
        self.size = 0
        self.whole = self.taken = self.answered = self.closes = False
        self.visit: Visit | None = None

    @property
    def waits_to_send(self) -> bool:
        """The client holds its body back until it is told to go on."""
        return self.expects_continue and not self.size

    @property
    def knows_interim_answers(self) -> bool:
        return self.request is not None and self.request.version == "1.1"

    def add_url(self, part: bytes) -> None:
        """Raise ``UnreadableError`` if it is too long, as ``add_header`` does."""
        self.url += part
        if len(self.url) > LONGEST_LINE:
            raise UnreadableError(414, "The URL is too long.")

    def add_header(self, name: bytes, value: bytes) -> None:
        if len(name) + len(value) > LONGEST_FIELD:
            raise UnreadableError(431, f"A header field has more than {LONGEST_FIELD} bytes.")
        if len(self.pairs) == MOST_FIELDS:
            raise UnreadableError(431, f"The request has more than {MOST_FIELDS} header fields.")
        pair = name.decode("latin-1").lower(), value.decode("latin-1").strip(" \t")
        self.pairs.append(pair)
        if pair[0] == "expect" and pair[1].lower() == "100-continue":
            self.expects_continue = True

    def add_body(self, part: bytes, largest: int) -> None:
        """Keep it if it is wanted; raise ``UnreadableError`` if more comes than anybody wants."""
        self.size += len(part)
        if self.answered:  # without it: the rest is let in and thrown away, up to a point
            if self.size > 2 * largest:
                raise UnreadableError(413, "The request body is far too large.")
        elif self.size > largest:
            self.body.clear()
        else:
            self.body += part
