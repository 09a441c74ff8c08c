"""Servers that tests talk to: a real registry of their own, and web servers with a will."""

import os
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx

DEADLINE = 20.0  # seconds for anything that a test waits for
Answer = Callable[[BaseHTTPRequestHandler], None]

CONFIG = """\
version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage:
  filesystem: {{rootdirectory: {folder}}}
  delete: {{enabled: true}}
http: {{addr: "127.0.0.1:{port}", secret: "tests"}}
"""


def wait_until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + DEADLINE
    while not holds():
        assert time.monotonic() < deadline, f"waited {DEADLINE:.0f} s in vain for: {what}"
        time.sleep(0.01)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


class RealRegistry:
    """Debian's ``docker-registry`` on a port and in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.host = f"localhost:{(port := free_port())}"
        self._config = folder / "config.yml"
        self._config.write_text(CONFIG.format(folder=folder / "data", port=port))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = ["docker-registry", "serve", str(self._config)]
        with self._config.with_name("log").open("a") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, start_new_session=True
            )
        wait_until(self._answers, "the registry to answer")

    def stop(self) -> None:
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        try:
            return httpx.get(f"http://{self.host}/v2/").status_code == 200
        except httpx.TransportError:
            return False


class WebServer:
    """A web server on the loopback: a path to what answers there, everything else 404.

    ``requests`` are the methods and paths that were asked for.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.answers: dict[str, Answer] = {}
        self.otherwise: Answer = lambda request: reply(request, 404)
        self.requests: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.host = f"127.0.0.1:{self._server.server_address[1]}"

    def url(self, path: str) -> str:
        return f"http://{self.host}{path}"

    @contextmanager
    def running(self) -> Iterator["WebServer"]:
        thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()

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
