"""What a server does when there is more work than it can do, and when it is told to stop."""

import asyncio
import json
import time

import psutil

from benchmarks.runtime.client import Reply, ask
from benchmarks.runtime.errors import PeerError
from benchmarks.runtime.figures import Answer, Behaviour, Health, Termination, percentile
from benchmarks.runtime.server import Server

CLIENTS, COMPUTE_S = 8, 0.05  # processor time of each request
SATURATION_S = 4.0
PAUSE_S = 0.01  # between two health requests, or before a rejected client tries again
BURST, SLOW_RUN_S = 12, 0.3
# A queue with a deadline of 0.5 s serves the second request.
RUNNING_S, NEXT_REQUEST_AFTER_S, QUEUED_S = 1.2, 0.8, 0.1
EXIT_TIMEOUT_S = 15.0


async def observe(server: Server) -> Behaviour:
    """The server does not live to see the end of it. Raise ``PeerError`` if it dies before."""
    health = await _saturated(server)
    replies = await asyncio.gather(*(_score(server, sleep=SLOW_RUN_S) for _ in range(BURST)))
    overload = [Answer(reply.outcome, reply.seconds) for reply in replies]
    return Behaviour(health, overload, await _terminated(server))


async def _saturated(server: Server) -> Health:
    """Health is asked all the time while clients keep every slot, and the core, at work."""
    end = time.monotonic() + SATURATION_S
    clients = [asyncio.create_task(_keep_busy(server, end)) for _ in range(CLIENTS)]
    await asyncio.sleep(SATURATION_S / 8)  # until then it is not yet saturated
    replies = []
    while time.monotonic() < end:
        replies.append(await ask(server.port, "GET", server.peer.health))
        await asyncio.sleep(PAUSE_S)
    await asyncio.gather(*clients)
    took = [reply.seconds * 1000 for reply in replies]
    bad = sum(reply.outcome != "200" for reply in replies)
    return Health(percentile(took, 0.50), percentile(took, 0.99), bad)


async def _keep_busy(server: Server, end: float) -> None:
    while time.monotonic() < end:
        if (await _score(server, compute=COMPUTE_S)).outcome != "200":
            await asyncio.sleep(PAUSE_S)


async def _terminated(server: Server) -> Termination:
    """SIGTERM to the main process, as the kubelet sends it: one runs, one waits, one comes late."""
    running = asyncio.create_task(_score(server, sleep=RUNNING_S))
    await asyncio.sleep(NEXT_REQUEST_AFTER_S)
    queued = asyncio.create_task(_score(server, sleep=QUEUED_S))
    await asyncio.sleep(QUEUED_S)
    if server.process.poll() is not None:
        raise PeerError(f"has ended under its load (exit code {server.process.returncode})")
    server.process.terminate()
    told = time.monotonic()
    await asyncio.sleep(QUEUED_S)
    new = asyncio.create_task(_score(server, sleep=QUEUED_S))
    ended = await asyncio.to_thread(_wait_for_exit, server.process, told)
    first, second, third = await asyncio.gather(running, queued, new)
    return Termination(first.outcome, second.outcome, third.outcome, ended)


def _wait_for_exit(process: psutil.Popen, told: float) -> float | None:
    try:
        process.wait(EXIT_TIMEOUT_S)
    except psutil.TimeoutExpired:
        return None
    return time.monotonic() - told


async def _score(server: Server, **slowly: float) -> Reply:
    body = json.dumps({"data": [1], **slowly}).encode()
    return await ask(server.port, "POST", server.peer.path, body)
