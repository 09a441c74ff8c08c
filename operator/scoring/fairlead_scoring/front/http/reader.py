"""Parses requests from the bytes that a client sends, within limits."""

import re
from collections.abc import Callable

import httptools

from fairlead_scoring.front.http.incoming import MAX_FIELD_BYTES, IncomingRequest, UnreadableError
from fairlead_scoring.front.http.messages import Header, Request
from fairlead_scoring.front.queue.body_budget import BodyBudget

MAX_HEAD_BYTES = 2**20  # no head within the limits for its parts is larger
LARGE_HEAD_BYTES = 65536
PIECE_BYTES = 16384  # parsed at a time: how far a client is read ahead, and no fewer
UPGRADE_HEADERS = ("upgrade", "connection")
PLAIN_PATH = re.compile(r"/[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*")
NOT_HTTP = "The request is no valid HTTP."


class RequestReader:
    """``incoming`` is being read; ``on_head`` is called as soon as its head is complete.

    What is received is kept until it is parsed, piece by piece: between two pieces the connection
    decides whether it wants more.
    """

    def __init__(
        self,
        client: tuple[str, int] | None,
        port: int,
        max_body_bytes: int,
        on_head: Callable[[IncomingRequest], None],
        large_heads: BodyBudget,
    ) -> None:
        self._client, self._port = client, port
        self._max_body_bytes = max_body_bytes
        self._on_head = on_head
        self._large_heads = large_heads
        self._parser = self._new_parser()
        self._upgrade: list[Header] | None = None  # the headers of an offer to upgrade
        self._unparsed = b""
        self._head_bytes = 0
        self._unfinished_bytes = 0  # of a field, or of an extension, that the parser has not ended
        self._ended_part = False  # whether the parser has ended one of these in the latest piece
        self.stopped = False  # what the client sends is discarded
        self.incoming: IncomingRequest | None = None

    def receive(self, data: bytes) -> None:
        """Keep it for ``parse()``."""
        if not self.stopped:
            self._unparsed = self._unparsed + data if self._unparsed else data

    def close(self) -> None:
        """Let go of what was read, and of the parser, which refers to this reader: no body waits
        for the garbage collector."""
        self.stopped = True
        self.incoming, self._unparsed = None, b""
        del self._parser, self._on_head

    @property
    def unparsed_bytes(self) -> int:
        return len(self._unparsed)

    def parse(self) -> bool:
        """Parse the next piece; return False if there is none.

        Raise ``UnreadableError`` if it cannot be parsed; nothing can be read after that.
        """
        if self.stopped:
            self._unparsed = b""
        if not self._unparsed:
            return False
        piece = self._next_piece()
        self._ended_part = False
        self._head_bytes += len(piece)
        self._parse(piece)
        self._check_size(len(piece))
        return True

    @property
    def part(self) -> str:
        """What is being read of ``incoming``: its head, its body or the trailer of that."""
        if self.incoming is None or self.incoming.request is None:
            return "head"
        return "trailer" if self.incoming.in_trailer else "body"

    # What httptools calls

    def on_message_begin(self) -> None:
        self._ended_part = True
        self._head_bytes = 0
        self.incoming = None if self.stopped else IncomingRequest()

    def on_url(self, url: bytes) -> None:
        self._ended_part = True  # it is passed on as it comes
        if self.incoming:
            self.incoming.add_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._ended_part = True
        if self.incoming:
            self.incoming.add_header(name, value)

    def on_headers_complete(self) -> None:
        self._ended_part = True
        incoming, parser = self.incoming, self._parser
        if incoming is None:
            return
        if parser.should_upgrade() and parser.get_method() != b"CONNECT":
            self._upgrade = incoming.pairs
            return
        if self._upgrade is not None:
            incoming.pairs, self._upgrade = self._upgrade, None
        version = parser.get_http_version()
        incoming.request = Request(
            parser.get_method().decode(),
            _path_and_query(incoming.url),
            incoming.pairs,
            version=version,
            client=self._client,
            port=self._port,
        )
        incoming.keep_alive = version == "1.1" and parser.should_keep_alive()
        headers = incoming.request.headers
        if incoming.hosts > 1:
            raise UnreadableError(400, "The request has more than one Host header.")
        in_chunks = "transfer-encoding" in headers
        incoming.announced_bytes = None if in_chunks else int(headers.get("content-length", 0))
        self._on_head(incoming)

    def on_body(self, body: bytes) -> None:
        self._ended_part = True
        if self.incoming:
            self.incoming.add_body(body, self._max_body_bytes)

    def on_chunk_header(self) -> None:
        self._ended_part = True
        if self.incoming:
            self.incoming.awaits_chunk = True

    def on_message_complete(self) -> None:
        self._ended_part = True
        if self._upgrade is not None:
            return
        incoming, self.incoming = self.incoming, None
        if incoming:
            incoming.complete = True

    # Internal

    def _next_piece(self) -> bytes:
        """Take so much as belongs to one body, else little: many requests may be in it."""
        data = self._unparsed
        if len(data) <= PIECE_BYTES:
            self._unparsed = b""
            return data
        missing = self.incoming.missing_bytes if self.incoming else 0
        size = max(PIECE_BYTES, missing)
        self._unparsed = data[size:]
        return data[:size]

    def _check_size(self, piece_bytes: int) -> None:
        """Limit what the parser itself keeps: a field of the head or of a trailer."""
        if self._ended_part:
            self._unfinished_bytes = 0
            if self._head_bytes > LARGE_HEAD_BYTES and self.incoming:
                self._check_head(self.incoming)
            return
        self._unfinished_bytes += piece_bytes
        if self.incoming and self.incoming.awaits_chunk:  # and no chunk has come: it was the last
            self.incoming.in_trailer = True
        if self._unfinished_bytes > 2 * MAX_FIELD_BYTES:  # with all that may stand around it
            raise UnreadableError(431, f"A field has more than {MAX_FIELD_BYTES} bytes.")

    def _check_head(self, incoming: IncomingRequest) -> None:
        """Limit how large a head is, and how many at a time are larger than nearly all are."""
        if incoming.request:
            return
        if self._head_bytes > MAX_HEAD_BYTES:
            raise UnreadableError(431, "The head of the request is too large.")
        incoming.head_claim = incoming.head_claim or self._large_heads.take(MAX_HEAD_BYTES)
        if incoming.head_claim is None:
            raise UnreadableError(503, "Too many requests with large heads come at once.")

    def _parse(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._decline_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            raise _cause(error) from error

    def _decline_upgrade(self, rest: bytes) -> None:
        """Go on in HTTP/1.1 with a request that offers to upgrade the protocol.

        The parser has stopped behind its head; a new one parses the head without the offer, and
        then the ``rest`` of the piece.
        """
        incoming = self.incoming
        if incoming is None or self._upgrade is None:
            raise UnreadableError(400, NOT_HTTP)
        method = self._parser.get_method()
        kept = [pair for pair in self._upgrade if pair[0] not in UPGRADE_HEADERS]
        lines = "".join(f"{name}: {value}\r\n" for name, value in kept)
        self._parser = self._new_parser()
        self._parse(b"%b %b HTTP/1.1\r\n%b\r\n" % (method, incoming.url, lines.encode("latin-1")))
        self._unparsed = rest + self._unparsed

    def _new_parser(self) -> httptools.HttpRequestParser:
        parser = httptools.HttpRequestParser(self)
        parser.set_dangerous_leniencies(lenient_data_after_close=True)
        return parser


def _path_and_query(url: bytes) -> tuple[str, str]:
    """Return both as they were sent, each character a byte."""
    text = url.decode("latin-1")
    if PLAIN_PATH.fullmatch(text):  # as nearly always: what follows takes longer
        return text, ""
    parsed = httptools.parse_url(url)
    return (parsed.path or b"/").decode("latin-1"), (parsed.query or b"").decode("latin-1")


def _cause(error: httptools.HttpParserError) -> Exception:
    """Return the exception of a callback, which the parser has wrapped, else the client's error."""
    cause = error.__context__
    if isinstance(cause, Exception) and not isinstance(cause, httptools.HttpParserError):
        return cause
    return UnreadableError(400, NOT_HTTP)
