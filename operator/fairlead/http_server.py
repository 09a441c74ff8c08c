"""What the operator's HTTP servers share: a taken address is told, connections have bounds."""

import asyncio
import ssl
from collections.abc import Callable
from typing import Any

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

HANDSHAKE_TIMEOUT_S = 5.0
Protocols = Callable[[], asyncio.BaseProtocol]


async def listen(
    protocols: Protocols,
    address: str,
    what: str,
    setting: str,
    tls: ssl.SSLContext | None = None,
) -> asyncio.Server:
    """Listen on ``host:port``, where ``what`` (``probes are served``) is done. With ``tls`` another
    may listen there beside it, so that one with other certificates can take its place.

    Raises ``OSError``, with a sentence that names the ``setting``, where the port is taken.
    """
    host, _, port = address.rpartition(":")
    options: dict[str, Any] = {}
    if tls is not None:
        options = {"ssl": tls, "ssl_handshake_timeout": HANDSHAKE_TIMEOUT_S, "reuse_port": True}
    try:
        loop = asyncio.get_running_loop()
        return await loop.create_server(protocols, host, int(port), **options)
    except OSError as error:
        raise OSError(
            f"{what} on {address}, and that cannot be listened on ({error.strerror}). End what "
            f"uses it, or set {setting}."
        ) from error


def connections(runner: web.AppRunner) -> Protocols:
    """As many connections as there are."""
    if runner.server is None:
        raise ValueError("the runner is not set up")
    return runner.server


def bounded_connections(
    runner: web.AppRunner,
    most: int,
    lifetime_s: float,
    lasts: Callable[[RequestHandler], bool] = lambda _: False,
) -> Protocols:
    """At most so many connections, each closed after a while but those that ``lasts`` names."""
    loop = asyncio.get_running_loop()

    def accepted() -> asyncio.BaseProtocol:
        server = runner.server
        if server is None or len(server.connections) >= most:
            return _Closed()
        handler = server()
        loop.call_later(lifetime_s, end, handler)
        return handler

    def end(handler: RequestHandler) -> None:
        if lasts(handler):
            loop.call_later(lifetime_s, end, handler)
        else:
            handler.force_close()

    return accepted


class _Closed(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()
