"""A small web server on the machine: where models come from in these tests."""

import http.server
import io
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO

COPIED_BYTES = 1024 * 1024  # at a time

SLOW_MODEL = "/slow.pkl"


class FileServer:
    """``files`` by path, in memory or (a large model) on disk; ``gates`` hold an answer back in the
    middle until they are opened.

    It takes nothing: whoever pushes to it, as to a registry, is refused.
    """

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.files: dict[str, bytes | Path] = {}
        self.gates: dict[str, threading.Event] = {}
        self.requests: list[str] = []
        self._server = http.server.ThreadingHTTPServer((host, 0), self._handler())

    @property
    def base(self) -> str:
        return "http://{}:{}".format(*self._server.server_address[:2])

    def step_that_waits(self) -> tuple[str, threading.Event]:
        """A step for a build, which asks here and ends once the gate is opened."""
        gate = self.gates["/go"] = threading.Event()
        self.files["/go"] = b"ok"
        fetch = f"import urllib.request as r; r.urlopen('{self.base}/go').read()"
        return f'RUN python3 -c "{fetch}"\n', gate

    def model_that_waits(self) -> threading.Event:
        """The gate that whoever fetches ``SLOW_MODEL`` waits at."""
        self.files[SLOW_MODEL] = b"weights " * 1000
        gate = self.gates[SLOW_MODEL] = threading.Event()
        return gate

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        served = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                served.requests.append(self.path)
                content = served.files.get(self.path)
                if content is None:
                    self.send_error(HTTPStatus.NOT_FOUND)
                    return
                with served.opened(content) as (file, size):
                    self.send_response(HTTPStatus.OK)
                    self.send_header("Content-Length", str(size))
                    self.end_headers()
                    self.wfile.write(file.read(1))
                    self.wfile.flush()
                    if self.path in served.gates:
                        served.gates[self.path].wait(60)
                    shutil.copyfileobj(file, self.wfile, COPIED_BYTES)

            def do_POST(self) -> None:
                self.send_error(HTTPStatus.FORBIDDEN)

            def log_message(self, *_: object) -> None:
                """Tests speak for themselves."""

        return Handler

    @contextmanager
    def opened(self, content: bytes | Path) -> Iterator[tuple[BinaryIO, int]]:
        if isinstance(content, bytes):
            yield io.BytesIO(content), len(content)  # which shares them: no copy of a large model
            return
        with content.open("rb") as file:
            yield file, content.stat().st_size

    @contextmanager
    def serving(self) -> Iterator["FileServer"]:
        thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            for gate in self.gates.values():
                gate.set()
            self._server.shutdown()
            self._server.server_close()
            thread.join()


@contextmanager
def serving_a_model_that_waits(host: str) -> Iterator[tuple[FileServer, threading.Event]]:
    """The server, and the gate of its one model."""
    with FileServer(host).serving() as server:
        yield server, server.model_that_waits()
