"""The other side of a connection: who it is, and whether it is still there."""

import asyncio
import socket
from collections.abc import Callable

MAPPED = "::ffff:"  # an IPv4 address as an IPv6 socket shows it
TCP_CLOSE = 7  # the state of a connection that the other side has reset: linux/tcp_states.h
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
INTERVAL = 0.1  # seconds


def address(transport: asyncio.Transport) -> tuple[str, int] | None:
    found = transport.get_extra_info("peername")
    if not isinstance(found, tuple):
        return None
    return str(found[0]).removeprefix(MAPPED), int(found[1])


class Probe:
    """Finds out whether a client that has closed its half of the connection is still there.

    It may only have said all that it had to say, and wait for the answer; or it has gone. An
    interim answer, which HTTP/1.1 allows at any time before the answer, tells: who has gone replies
    with a reset. Nothing is read any more from such a connection, so we have to look for that.
    """

    def __init__(self, transport: asyncio.Transport, wanted: Callable[[], bool]) -> None:
        """Begin; ``wanted`` is asked from time to time whether anybody still wants to know."""
        self._transport = transport
        self._wanted = wanted
        transport.write(CONTINUE)
        self._look_again()

    def _look_again(self) -> None:
        asyncio.get_running_loop().call_later(INTERVAL, self._look)

    def _look(self) -> None:
        if self._transport.is_closing() or not self._wanted():
            return
        info = self._transport.get_extra_info("socket").getsockopt(
            socket.IPPROTO_TCP, socket.TCP_INFO, 1
        )
        if info[0] == TCP_CLOSE:
            self._transport.abort()
        else:
            self._look_again()
