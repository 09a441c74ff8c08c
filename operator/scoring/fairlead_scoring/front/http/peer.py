"""The client at the other end of a connection: its address, and whether it is still there."""

import asyncio
import socket
from collections.abc import Callable

MAPPED_PREFIX = "::ffff:"  # an IPv4 address as an IPv6 socket shows it
TCP_CLOSE = 7  # the state of a connection that the other side has reset: linux/tcp_states.h
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
PROBE_INTERVAL_S = 0.1


def peer_address(transport: asyncio.Transport) -> tuple[str, int] | None:
    found = transport.get_extra_info("peername")
    if not isinstance(found, tuple):
        return None
    return str(found[0]).removeprefix(MAPPED_PREFIX), int(found[1])


def own_port(transport: asyncio.Transport) -> int:
    """Return the port that the client has connected to, 0 if it is gone already."""
    found = transport.get_extra_info("sockname")
    return int(found[1]) if isinstance(found, tuple) else 0


class ClientProbe:
    """Finds out whether a client that has closed its half of the connection is still there.

    It may have sent all that it had to send and wait for the answer, or it may have gone away. An
    interim answer, which HTTP/1.1 allows at any time before the answer, shows which: the kernel of
    a client that has gone away replies with a reset. Nothing is read any more from such a
    connection, so its state is polled.
    """

    def __init__(self, transport: asyncio.Transport, still_wanted: Callable[[], bool]) -> None:
        """Begin; the probe ends once ``still_wanted()`` is false."""
        self._transport = transport
        self._still_wanted = still_wanted
        transport.write(CONTINUE)
        self._schedule()

    def _schedule(self) -> None:
        asyncio.get_running_loop().call_later(PROBE_INTERVAL_S, self._check)

    def _check(self) -> None:
        if self._transport.is_closing() or not self._still_wanted():
            return
        info = self._transport.get_extra_info("socket").getsockopt(
            socket.IPPROTO_TCP, socket.TCP_INFO, 1
        )
        if info[0] == TCP_CLOSE:
            self._transport.abort()
        else:
            self._schedule()
