"""Web servers with a will, for tests of what talks to the world."""

import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import BaseServer
from threading import Thread

DEADLINE = 180.0  # seconds for anything that a test waits for, beside other tests
Answer = Callable[[BaseHTTPRequestHandler], None]


def wait_until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + DEADLINE
    while not holds():
        assert time.monotonic() < deadline, f"waited {DEADLINE:.0f} s in vain for: {what}"
        time.sleep(0.01)


@contextmanager
def serving(server: BaseServer) -> Iterator[None]:
    """It answers, from a thread, until the context is left."""
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class WebServer:
    """A web server on the loopback, or at another address of this machine.

    ``answers``: a path to what answers there, everything else 404.

    ``requests`` are the methods and paths that were asked for.
    """

    def __init__(self, tls: ssl.SSLContext | None = None, address: str = "127.0.0.1") -> None:
        self.answers: dict[str, Answer] = {}
        self.otherwise: Answer = lambda request: reply(request, 404)
        self.requests: list[str] = []
        self._server = ThreadingHTTPServer((address, 0), self._handler())
        self._server.daemon_threads = True
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.host = f"{address}:{self._server.server_address[1]}"

    def url(self, path: str) -> str:
        return f"http://{self.host}{path}"

    @contextmanager
    def running(self) -> Iterator["WebServer"]:
        with serving(self._server):
            yield self

    def _handler(server) -> type[BaseHTTPRequestHandler]:  # noqa: N805
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                server.requests.append(f"{self.command} {self.path}")
                path = self.path.partition("?")[0]
                server.answers.get(path, server.otherwise)(self)

            do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815

            def log_message(self, *_: object) -> None:
                """Silence: what matters is in ``requests``."""

        return Handler


def reply(request: BaseHTTPRequestHandler, status: int, body: bytes = b"", **headers: str) -> None:
    """Answer; ``_`` in a header's name stands for ``-``."""
    request.send_response(status)
    for name, value in headers.items():
        request.send_header(name.replace("_", "-"), value)
    request.send_header("Content-Length", str(len(body)))
    request.send_header("Connection", "close")
    request.end_headers()
    if request.command != "HEAD":
        request.wfile.write(body)
    request.close_connection = True


def replies(status: int, body: bytes = b"", **headers: str) -> Answer:
    return lambda request: reply(request, status, body, **headers)
