"""Accepts TLS connections from anybody in the cluster, and has little memory for strangers.

Each handshake takes a quarter of a MiB before anything is known of who is there: asyncio's own
server would have as many as come.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import structlog

from fairlead.http_server import Protocols

logger = structlog.get_logger("fairlead")
HANDSHAKE_TIMEOUT_S = 5.0
MAX_HANDSHAKES = 64  # at a time; one more ends the oldest
BACKLOG = 128
RETRY_S = 1.0


class TlsListener:
    """``tls`` is for the connections that come from now on: another may be set at any time."""

    def __init__(self, protocols: Protocols, listening: socket.socket, tls: ssl.SSLContext) -> None:
        self.tls = tls
        self._protocols = protocols
        self._socket = listening
        self._handshakes: dict[socket.socket, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Until cancelled."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                try:
                    connection, _ = await loop.sock_accept(self._socket)
                except ConnectionError:  # it went away again
                    await asyncio.sleep(0)
                    continue
                except OSError as error:  # too many open files, or no memory
                    logger.warning("connection not accepted", why=str(error))
                    await asyncio.sleep(RETRY_S)
                    continue
                self._begin(connection)
                await asyncio.sleep(0)  # others' turn, however many connections wait
        finally:
            for task in self._handshakes.values():
                task.cancel()

    def _begin(self, connection: socket.socket) -> None:
        if len(self._handshakes) >= MAX_HANDSHAKES:
            self._handshakes.pop(next(iter(self._handshakes))).cancel()
        task = asyncio.create_task(self._handshake(connection), name="handshake")
        self._handshakes[connection] = task
        task.add_done_callback(lambda ended: self._end(ended, connection))

    def _end(self, task: "asyncio.Task[None]", connection: socket.socket) -> None:
        self._handshakes.pop(connection, None)
        if task.cancelled():  # perhaps before it began: nothing else has this connection then
            connection.close()

    async def _handshake(self, connection: socket.socket) -> None:
        with suppress(OSError):  # of a stranger: no certificate, no TLS, no patience
            await asyncio.get_running_loop().connect_accepted_socket(
                self._protocols,
                connection,
                ssl=self.tls,
                ssl_handshake_timeout=HANDSHAKE_TIMEOUT_S,
            )


@asynccontextmanager
async def tls_listener(
    protocols: Protocols, address: str, tls: ssl.SSLContext, setting: str
) -> AsyncIterator[TlsListener]:
    """Listen on ``host:port`` while the context lasts.

    Raises ``OSError``, with a sentence that names the ``setting``, where the port is taken.
    """
    host, _, port = address.rpartition(":")
    try:
        listening = socket.create_server((host, int(port)), backlog=BACKLOG)
    except OSError as error:
        raise OSError(
            f"metrics are served on {address}, and that cannot be listened on ({error.strerror}). "
            f"End what uses it, or set {setting}."
        ) from error
    listening.settimeout(0)
    with listening:
        listener = TlsListener(protocols, listening, tls)
        accepting = asyncio.create_task(listener.run(), name="accept")
        try:
            yield listener
        finally:
            accepting.cancel()
            with suppress(asyncio.CancelledError):
                await accepting
