"""What the operator's HTTP servers share: a taken address is told, connections have bounds."""

import asyncio
from collections.abc import Callable

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

Protocols = Callable[[], asyncio.BaseProtocol]


async def listen(protocols: Protocols, address: str, what: str, setting: str) -> asyncio.Server:
    """Listen on ``host:port``, where ``what`` (``probes are served``) is done.

    Raises ``OSError``, with a sentence that names the ``setting``, where the port is taken.
    """
    host, _, port = address.rpartition(":")
    try:
        return await asyncio.get_running_loop().create_server(protocols, host, int(port))
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
