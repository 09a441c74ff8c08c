"""A connection to a registry that breaks: what is sent through is counted, and cut."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Thread

from tests.integration.registry.server import serving

READ_BYTES = 64 * 1024


class CuttingProxy:
    """Forwards to ``host``. ``cuts``: after how many bytes sent each of the next connections that
    send so many breaks, in turn."""

    def __init__(self, host: str, cuts: list[int]) -> None:
        name, _, port = host.partition(":")
        self._target, self.cuts = (name, int(port)), cuts
        self._server = ThreadingTCPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.host = f"127.0.0.1:{self._server.server_address[1]}"

    @contextmanager
    def running(self) -> Iterator["CuttingProxy"]:
        with serving(self._server):
            yield self

    def _handler(proxy) -> type[BaseRequestHandler]:  # noqa: N805
        class Handler(BaseRequestHandler):
            def handle(self) -> None:
                with socket.create_connection(proxy._target) as registry:
                    back = Thread(target=_pass_on, args=(registry, self.request), daemon=True)
                    back.start()
                    with suppress(OSError):
                        proxy._forward(self.request, registry)
                    for end in (self.request, registry):
                        with suppress(OSError):
                            end.shutdown(socket.SHUT_RDWR)
                    back.join()

        return Handler

    def _forward(self, client: socket.socket, registry: socket.socket) -> None:
        sent = 0
        while content := client.recv(READ_BYTES):
            sent += len(content)
            if self.cuts and sent > self.cuts[0]:
                self.cuts.pop(0)
                return
            registry.sendall(content)


def _pass_on(registry: socket.socket, client: socket.socket) -> None:
    with suppress(OSError):
        while content := registry.recv(READ_BYTES):
            client.sendall(content)
