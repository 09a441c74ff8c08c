"""A small web server on the loopback: where models come from in these tests."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus


class FileServer:
    """``files`` by path; ``gates`` hold an answer back in the middle until they are opened."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.gates: dict[str, threading.Event] = {}
        self.requests: list[str] = []
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        served = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                served.requests.append(self.path)
                content = served.files.get(self.path)
                if content is None:
                    self.send_error(HTTPStatus.NOT_FOUND)
                    return
                self.send_response(HTTPStatus.OK)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content[:1])
                self.wfile.flush()
                if self.path in served.gates:
                    served.gates[self.path].wait(60)
                self.wfile.write(content[1:])

            def log_message(self, *_: object) -> None:
                """Tests speak for themselves."""

        return Handler

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
            thread.join()
