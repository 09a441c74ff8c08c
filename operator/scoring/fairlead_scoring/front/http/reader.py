"""Parses requests from the bytes that a client sends, within limits."""

from collections.abc import Callable

import httptools

from fairlead_scoring.front.http.incoming import IncomingRequest, UnreadableError
from fairlead_scoring.front.http.messages import Header, Request

MAX_HEAD_BYTES = 2**20  # no head within the limits for its parts is larger
UPGRADE_HEADERS = ("upgrade", "connection")
NOT_HTTP = "The request is no valid HTTP."


class RequestReader:
    """``incoming`` is being read; ``on_head`` is called as soon as its head is complete."""

    def __init__(
        self,
        client: tuple[str, int] | None,
        max_body_bytes: int,
        on_head: Callable[[IncomingRequest], None],
    ) -> None:
        self._client = client
        self._max_body_bytes = max_body_bytes
        self._on_head = on_head
        self._parser = self._new_parser()
        self._upgrade: list[Header] | None = None  # the headers of an offer to upgrade
        self._head_bytes = 0
        self.stopped = False  # what the client sends is discarded
        self.incoming: IncomingRequest | None = None

    def feed(self, data: bytes) -> None:
        """Raise ``UnreadableError`` if it cannot be parsed; nothing can be read after that."""
        if self.stopped:
            return
        self._head_bytes += len(data)
        rest = self._parse(data)
        if rest is not None:
            self._decline_upgrade(rest)
        if self.reads_head and self._head_bytes > MAX_HEAD_BYTES:
            raise UnreadableError(431, "The head of the request is too large.")

    @property
    def reads_head(self) -> bool:
        return self.incoming is not None and self.incoming.request is None

    # What httptools calls

    def on_message_begin(self) -> None:
        self._head_bytes = 0
        self.incoming = None if self.stopped else IncomingRequest()

    def on_url(self, url: bytes) -> None:
        if self.incoming:
            self.incoming.add_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.incoming and self.incoming.request is None:  # else it is a trailer
            self.incoming.add_header(name, value)

    def on_headers_complete(self) -> None:
        incoming, parser = self.incoming, self._parser
        if incoming is None:
            return
        if parser.should_upgrade() and parser.get_method() != b"CONNECT":
            self._upgrade = incoming.pairs
            return
        if self._upgrade is not None:
            incoming.pairs, self._upgrade = self._upgrade, None
        url, version = httptools.parse_url(incoming.url), parser.get_http_version()
        incoming.request = Request(
            parser.get_method().decode(),
            ((url.path or b"/").decode("latin-1"), (url.query or b"").decode("latin-1")),
            incoming.pairs,
            version=version,
            client=self._client,
        )
        incoming.keep_alive = version == "1.1" and parser.should_keep_alive()
        self._on_head(incoming)

    def on_body(self, body: bytes) -> None:
        if self.incoming:
            self.incoming.add_body(body, self._max_body_bytes)

    def on_message_complete(self) -> None:
        if self._upgrade is not None:
            return
        incoming, self.incoming = self.incoming, None
        if incoming:
            incoming.complete = True

    def _parse(self, data: bytes) -> bytes | None:
        """Return what the parser leaves unread behind the head of an offer to upgrade."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            return data[upgrade.args[0] :]
        except httptools.HttpParserError as error:
            raise _cause(error) from error
        return None

    def _decline_upgrade(self, rest: bytes) -> None:
        """Go on in HTTP/1.1 with a request that offers to upgrade the protocol.

        The parser has stopped behind its head; a new one parses the head without the offer.
        """
        incoming = self.incoming
        if incoming is None or self._upgrade is None:
            raise UnreadableError(400, NOT_HTTP)
        method = self._parser.get_method()
        kept = [pair for pair in self._upgrade if pair[0] not in UPGRADE_HEADERS]
        lines = "".join(f"{name}: {value}\r\n" for name, value in kept)
        self._parser = self._new_parser()
        self.feed(
            b"%b %b HTTP/1.1\r\n%b\r\n" % (method, incoming.url, lines.encode("latin-1")) + rest
        )

    def _new_parser(self) -> httptools.HttpRequestParser:
        parser = httptools.HttpRequestParser(self)
        parser.set_dangerous_leniencies(lenient_data_after_close=True)
        return parser


def _cause(error: httptools.HttpParserError) -> Exception:
    """Return the exception of a callback, which the parser has wrapped, else the client's error."""
    cause = error.__context__
    if isinstance(cause, Exception) and not isinstance(cause, httptools.HttpParserError):
        return cause
    return UnreadableError(400, NOT_HTTP)
