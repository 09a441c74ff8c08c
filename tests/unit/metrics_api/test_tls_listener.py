"""What cannot be accepted is told, and the next one is accepted."""

import asyncio
import socket
import ssl
from contextlib import suppress

import pytest

from fairlead.metrics_api import tls_listener as module
from fairlead.metrics_api.tls_listener import tls_listener
from tests.cluster.ports import free_port

DEADLINE_S = 120.0


async def test_where_no_connection_can_be_accepted_it_is_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loop, refused = asyncio.get_running_loop(), list[str]()
    accept = loop.sock_accept

    async def out_of_files(listening: socket.socket) -> tuple[socket.socket, object]:
        if len(refused) < 2:
            refused.append("once")
            raise ConnectionAbortedError if len(refused) == 1 else OSError(24, "Too many files")
        return await accept(listening)

    monkeypatch.setattr(module, "RETRY_S", 0.01)
    monkeypatch.setattr(loop, "sock_accept", out_of_files)
    port, tls = free_port(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    async with (
        asyncio.timeout(DEADLINE_S),
        tls_listener(asyncio.Protocol, f"127.0.0.1:{port}", tls, "NAME"),
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\n\r\n")  # that is no handshake
        with suppress(ConnectionError):
            await reader.read()
        writer.close()
    assert refused == ["once", "once"]
