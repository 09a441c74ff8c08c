"""What stands between pip and the indexes that want credentials, on the loopback of the task's pod.

pip runs beside foreign code, which reads whatever pip is given. So pip is given an address of this
container, which adds the credentials on the way. What it hands out, while packages are installed,
are pages of those indexes and the files that such a page has named: no other address of those
hosts can be asked for, and no credentials come back. Nothing of it stays in an image: what pip
notes down of a package of an index is its version.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpcore

from fairlead.connection import why
from fairlead.engines.index_addresses import IndexAddresses
from fairlead.engines.index_page import (
    FileLink,
    NotHtmlError,
    TooManyFilesError,
    file_links,
    written_page,
)
from fairlead.redact import one_line
from fairlead.registry.addresses import AddressRefusedError, NamedHosts
from fairlead.registry.connections import GuardedPool, Trust

LOOPBACK = "127.0.0.1"
MAX_CONNECTIONS = 4  # pip asks for one thing after the other
MAX_PAGE_BYTES = 32 * 1024 * 1024
MAX_REDIRECTS = 5
CONNECT_TIMEOUT_S = 10.0
READ_TIMEOUT_S = 60.0
ATTEMPTS = 3
CLOSING_S = 0.05  # how long it takes at the most to stop listening
REDIRECTS = {301, 302, 303, 307, 308}
PASSED_ON = {b"content-type": "Content-Type", b"content-length": "Content-Length"}
HTML = "application/vnd.pypi.simple.v1+html, text/html;q=0.9"
BROKEN = (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError)

Headers = dict[bytes | str, bytes | str]


class NoAnswerError(Exception):
    """There is nothing to hand on; the text says why, on one line."""


@dataclass(frozen=True)
class IndexAccess:
    """How indexes are reached. ``headers``: what is sent to an address, credentials above all."""

    trust: Trust
    named: NamedHosts
    headers: Callable[[str], Headers]


@contextmanager
def index_proxy(
    access: IndexAccess, indexes: Sequence[str], links: Sequence[str]
) -> Iterator[IndexAddresses]:
    """Stand between pip and those of the addresses that credentials are sent to; where there are
    none nothing listens."""
    wanted = [one for one in indexes if access.headers(one)]
    pages = [one for one in links if access.headers(one)]
    if not wanted and not pages:
        yield IndexAddresses()
        return
    server = _Server(access, wanted, pages)
    thread = threading.Thread(target=server.serve_forever, args=(CLOSING_S,), daemon=True)
    thread.start()
    try:
        yield server.addresses
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, access: IndexAccess, indexes: Sequence[str], links: Sequence[str]) -> None:
        super().__init__((LOOPBACK, 0), _Handler)
        self.access = access
        self.addresses = IndexAddresses(f"http://{LOOPBACK}:{self.server_port}", indexes, links)
        self._free = threading.BoundedSemaphore(MAX_CONNECTIONS)

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._free.acquire(timeout=READ_TIMEOUT_S):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever asks may go away at any time; what concerns pip, pip says."""


class _Handler(BaseHTTPRequestHandler):
    timeout = READ_TIMEOUT_S
    server: _Server
    server_version, sys_version = "fairlead", ""

    def do_GET(self) -> None:
        addresses = self.server.addresses
        page, file = addresses.page(self.path), addresses.file(self.path)
        if not page and not file:
            self.send_error(HTTPStatus.NOT_FOUND, "No page or file of an index")
            return
        try:
            with _answered(self.server.access, page or file, is_page=bool(page)) as found:
                address, answer, trusted = found
                self._hand_on(address, answer, trusted=trusted, is_page=bool(page))
        except NoAnswerError as error:
            self.send_error(HTTPStatus.GATEWAY_TIMEOUT, _status_words(str(error)))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """pip says what it asks for."""

    def _hand_on(
        self, address: str, answer: httpcore.Response, *, trusted: bool, is_page: bool
    ) -> None:
        if answer.status >= HTTPStatus.BAD_REQUEST:
            self.send_error(answer.status)
        elif answer.status != HTTPStatus.OK:
            raise NoAnswerError(f"it answers {answer.status}")
        elif is_page:
            links, headers = _links(answer, address), self.server.access.headers
            # of hosts that credentials are sent to a stranger's page names no file
            self._send_page([one for one in links if trusted or not headers(one.address)])
        else:
            self._send_file(answer)

    def _send_page(self, links: list[FileLink]) -> None:
        content = written_page(links, self.server.addresses.of_file).encode()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _send_file(self, answer: httpcore.Response) -> None:
        """What breaks off in the middle breaks off for pip, too: it knows the length."""
        self.send_response(HTTPStatus.OK)
        for name, value in answer.headers:
            if name.lower() in PASSED_ON:
                self.send_header(PASSED_ON[name.lower()], value.decode("latin-1"))
        self.end_headers()
        for piece in answer.iter_stream():
            self.wfile.write(piece)


def _status_words(text: str) -> str:
    """What fits into the first line of an answer."""
    return one_line(text).encode("ascii", "replace").decode()


@contextmanager
def _answered(
    access: IndexAccess, address: str, *, is_page: bool
) -> Iterator[tuple[str, httpcore.Response, bool]]:
    """Where all redirects end, the answer there, and whether credentials were sent all the way.

    Who is sent none directs no request that has some: else a stranger, with foreign code that reads
    the answer, could have whatever those hosts tell the user. Raises ``NoAnswerError``.
    """
    accept, trusted = HTML if is_page else "*/*", True
    with GuardedPool(access.trust, access.named) as pool:
        for _ in range(MAX_REDIRECTS + 1):
            credentials = access.headers(address) if trusted else {}
            trusted = bool(credentials)
            answer = _asked(pool, address, {"Accept": accept, **credentials})
            leads = _location(answer)
            if leads is None:
                try:
                    yield address, answer, trusted
                finally:
                    answer.close()
                return
            answer.close()
            address = _next(address, leads)
    raise NoAnswerError("it leads from one address to another")


def _asked(pool: GuardedPool, address: str, headers: Headers) -> httpcore.Response:
    headers = {"User-Agent": "fairlead", "Accept-Encoding": "identity", **headers}
    timeout = {"connect": CONNECT_TIMEOUT_S, "read": READ_TIMEOUT_S, "pool": READ_TIMEOUT_S}
    said = ""
    for _ in range(ATTEMPTS):
        pool.budget.begin(READ_TIMEOUT_S, grows=True)
        request = httpcore.Request(
            "GET", address, headers=_with_host(address, headers), extensions={"timeout": timeout}
        )
        try:
            return pool.handle_request(request)
        except AddressRefusedError as error:
            raise NoAnswerError(f"it leads to {error.host}, which {error}") from error
        except BROKEN as error:
            said = why(error)
    raise NoAnswerError(f"it does not answer ({said})")


def _with_host(address: str, headers: Headers) -> Headers:
    return {"Host": urlsplit(address).netloc, **headers}


def _location(answer: httpcore.Response) -> str | None:
    if answer.status not in REDIRECTS:
        return None
    named = (value for name, value in answer.headers if name.lower() == b"location")
    return next((value.decode("latin-1") for value in named), None)


def _next(hop: str, leads: str) -> str:
    try:
        found = urljoin(hop, leads)
        parts = urlsplit(found)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fits = False
    if not fits or "@" in parts.netloc or not _is_plain(found):
        raise NoAnswerError("it leads to what is no address")
    return found


def _is_plain(address: str) -> bool:
    return address.isascii() and address.isprintable() and " " not in address


def _links(answer: httpcore.Response, address: str) -> list[FileLink]:
    content = bytearray()
    try:
        for piece in answer.iter_stream():
            content += piece
            if len(content) > MAX_PAGE_BYTES:
                raise NoAnswerError(f"its page is longer than {MAX_PAGE_BYTES:,} bytes")
    except BROKEN as error:
        raise NoAnswerError(f"its page does not come whole ({why(error)})") from error
    try:
        return file_links(content.decode(errors="replace"), address)
    except TooManyFilesError as error:
        raise NoAnswerError("its page names more files than are read") from error
    except NotHtmlError as error:
        raise NoAnswerError("its page is no HTML") from error
