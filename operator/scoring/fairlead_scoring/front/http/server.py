"""The HTTP server: uvicorn with our own connections and shutdown, and the sockets it listens on."""

import asyncio
import os
import select
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import uvicorn

from fairlead_scoring.front.http.connection import HttpConnection
from fairlead_scoring.front.http.protocols import Application

BACKLOG = 2048  # connections that the kernel holds until they are accepted, as in gunicorn


class PortTakenError(Exception):
    """A port cannot be opened."""


class HttpServer(uvicorn.Server):
    """uvicorn without its handling of signals, which ends the process by the signal."""

    def __init__(self, app: Application) -> None:
        super().__init__(
            uvicorn.Config(
                cast(Any, app),  # no ASGI application: only our connections use it
                interface="asgi3",
                http=HttpConnection,
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="warning",
                access_log=False,
                proxy_headers=False,
                server_header=False,
                backlog=BACKLOG,
            )
        )

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept first what is in the backlog: the kernel would reset these connections."""
        while any(_has_backlog(one) for one in sockets or []):
            await asyncio.sleep(0)
        await super().shutdown(sockets)

    def stop(self) -> None:
        """Accept nothing more, finish what was accepted, return from ``serve()``."""
        self.should_exit = True

    def abort(self) -> None:
        """Return from ``serve()`` without finishing anything."""
        self.force_exit = self.should_exit = True


def listen(port: int, host: str = "") -> socket.socket:
    """Open ``port`` at the address ``host``; empty: at every one of the machine, IPv6 included
    where there is any.

    Raise ``PortTakenError``.
    """
    both = not host and socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if both or ":" in host else socket.AF_INET
    try:
        listener = socket.create_server(
            (host, port), family=family, backlog=BACKLOG, dualstack_ipv6=both
        )
    except OSError as error:
        raise PortTakenError(
            f"Port {port} cannot be opened: {os.strerror(error.errno or 0)}. Set another with "
            "--port or FAIRLEAD_PORT."
        ) from error
    # Connections inherit it. asyncio sets it only where it knows that this is TCP, which Python
    # does not tell it here; and every answer on a kept connection would wait 40 ms for an ACK.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _has_backlog(listener: socket.socket) -> bool:
    poll = select.poll()
    poll.register(listener, select.POLLIN)
    return bool(poll.poll(0))
