"""One request on a connection of its own, as a kubelet or a proxy would send it."""

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass

ANSWER_TIMEOUT_S = 15.0
HEAD = (
    "{} {} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    "Content-Length: {}\r\nConnection: close\r\n\r\n"
)


@dataclass(frozen=True)
class Reply:
    """``outcome``: the status code, or how it went wrong: ``refused``, ``reset``, ``silence``."""

    outcome: str
    seconds: float
    content: bytes = b""


async def ask(
    port: int, method: str, path: str, body: bytes = b"", patience: float = ANSWER_TIMEOUT_S
) -> Reply:
    """Never raises for what a server does: that is what is measured."""
    began, content = time.perf_counter(), b""
    try:
        content = await asyncio.wait_for(_exchange(port, method, path, body), patience)
        outcome = content.split(b" ", 2)[1].decode() if content else "reset"
    except ConnectionRefusedError:
        outcome = "refused"
    except ConnectionError:
        outcome = "reset"
    except TimeoutError:
        outcome = "silence"
    return Reply(outcome, time.perf_counter() - began, content.partition(b"\r\n\r\n")[2])


async def _exchange(port: int, method: str, path: str, body: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(HEAD.format(method, path, len(body)).encode() + body)
        await writer.drain()
        return await reader.read()
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
