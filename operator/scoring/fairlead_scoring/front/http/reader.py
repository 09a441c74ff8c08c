"""Makes requests of the bytes that a client sends, within limits."""

from collections.abc import Callable

import httptools

from fairlead_scoring.front.http.incoming import Incoming, UnreadableError
from fairlead_scoring.front.http.messages import Header, Request

LARGEST_HEAD = 2**20  # bytes; no head within the limits for its parts is larger
OFFER = ("upgrade", "connection")
NOT_HTTP = "The request is no valid HTTP."


class Reader:
    """``incoming`` is what is being read; ``on_head`` is called as soon as its head is there."""

    def __init__(
        self,
        client: tuple[str, int] | None,
        largest_body: int,
        on_head: Callable[[Incoming], None],
    ) -> None:
        self._client = client
        self._largest_body = largest_body
        self._on_head = on_head
        self._parser = self._new_parser()
        self._offer: list[Header] | None = None
        self._head_size = 0
        self.deaf = False  # what the client sends is not read any more
        self.incoming: Incoming | None = None

    def feed(self, data: bytes) -> None:
        """Raise ``UnreadableError`` if it cannot be read; there is no going on after that."""
        if self.deaf:
            return
        self._head_size += len(data)
        rest = self._parse(data)
        if rest is not None:
            self._decline(rest)
        if self.reads_head and self._head_size > LARGEST_HEAD:
            raise UnreadableError(431, "The head of the request is too large.")

    @property
    def reads_head(self) -> bool:
        return self.incoming is not None and self.incoming.request is None

    # What httptools calls

    def on_message_begin(self) -> None:
        self._head_size = 0
        self.incoming = None if self.deaf else Incoming()

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
            self._offer = incoming.pairs
            return
        if self._offer is not None:
            incoming.pairs, self._offer = self._offer, None
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
            self.incoming.add_body(body, self._largest_body)

    def on_message_complete(self) -> None:
        if self._offer is not None:
            return
        incoming, self.incoming = self.incoming, None
        if incoming:
            incoming.whole = True

    def _parse(self, data: bytes) -> bytes | None:
        """Return what the parser leaves unread behind an offer to speak something else."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            return data[upgrade.args[0] :]
        except httptools.HttpParserError as error:
            raise _told(error) from error
        return None

    def _decline(self, rest: bytes) -> None:
        """Go on in HTTP/1.1 with a request that offers to speak something else.

        The parser has stopped behind its head; a new one reads the head without the offer.
        """
        incoming = self.incoming
        if incoming is None or self._offer is None:
            raise UnreadableError(400, NOT_HTTP)
        method = self._parser.get_method()
        kept = [pair for pair in self._offer if pair[0] not in OFFER]
        lines = "".join(f"{name}: {value}\r\n" for name, value in kept)
        self._parser = self._new_parser()
        self.feed(
            b"%b %b HTTP/1.1\r\n%b\r\n" % (method, incoming.url, lines.encode("latin-1")) + rest
        )

    def _new_parser(self) -> httptools.HttpRequestParser:
        parser = httptools.HttpRequestParser(self)
        parser.set_dangerous_leniencies(lenient_data_after_close=True)  # it is not looked at
        return parser


def _told(error: httptools.HttpParserError) -> Exception:
    """Return what the client is told; or a mistake of ours, which the parser has wrapped."""
    cause = error.__context__
    if isinstance(cause, Exception) and not isinstance(cause, httptools.HttpParserError):
        return cause
    return UnreadableError(400, NOT_HTTP)
