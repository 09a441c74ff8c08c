"""The front's main: opens the port, starts the slots, serves, and ends in good order."""

import asyncio
import logging
import os
import select
import signal
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import uvicorn
import uvloop

from fairlead_scoring.front.config.settings import Settings, read_settings
from fairlead_scoring.front.config.values import SettingsError
from fairlead_scoring.front.http.app import App
from fairlead_scoring.front.http.authentication import Keys
from fairlead_scoring.front.http.connection import Connection
from fairlead_scoring.front.metrics import Figures
from fairlead_scoring.front.slots.pool import Pool
from fairlead_scoring.front.slots.reload import Reload
from fairlead_scoring.front.slots.slot import Slot
from fairlead_scoring.front.slots.startup import StartFailedError, leave_record
from fairlead_scoring.slot import logs
from fairlead_scoring.slot.record import Record

logger = logging.getLogger(logs.NAME)
PORT_TAKEN, COULD_NOT_START = 1, 3  # exit codes
BACKLOG = 2048  # connections that the kernel holds until we accept them, as in gunicorn


class PortTakenError(Exception):
    """A port cannot be opened."""


class Server(uvicorn.Server):
    """uvicorn, but without its own idea of signals, which ends the process by the signal."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take in whoever has connected already: the kernel would reset them."""
        while any(_somebody_waits(one) for one in sockets or []):
            await asyncio.sleep(0)
        await super().shutdown(sockets)

    def end(self) -> None:
        """Accept nothing more, finish what was accepted, return from ``serve()``."""
        self.should_exit = True


def main(arguments: Sequence[str]) -> int:
    """Serve until told to stop; return the exit code."""
    logs.configure()
    try:
        settings = read_settings(arguments, os.environ)
    except SettingsError as error:
        logger.error("%s", error)  # noqa: TRY400 - a sentence, no traceback
        return error.code
    try:
        listeners = [listen(port) for port in settings.ports]
    except PortTakenError as error:
        logger.error("%s", error)  # noqa: TRY400 - the same
        return PORT_TAKEN
    return uvloop.run(serve(settings, listeners))


def listen(port: int) -> socket.socket:
    """Open ``port`` on every address of the machine, IPv6 included where there is any.

    Raise ``PortTakenError``.
    """
    both = socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if both else socket.AF_INET
    try:
        listener = socket.create_server(
            ("", port), family=family, backlog=BACKLOG, dualstack_ipv6=both
        )
    except OSError as error:
        raise PortTakenError(
            f"Port {port} cannot be opened: {os.strerror(error.errno or 0)}. Set another with "
            "--port or FAIRLEAD_PORT."
        ) from error
    # Connections inherit it. asyncio would set it only if it knew that this is TCP, which Python
    # does not tell it here; and every answer on a kept connection would wait 40 ms for an ACK.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


async def serve(settings: Settings, listeners: list[socket.socket]) -> int:
    figures = Figures()
    pool = Pool(settings.processes, settings.limits, lambda: Slot.spawn(settings), figures)
    reload = Reload(settings.layout, pool.replace) if settings.debugging.mode else None
    app = App(pool, Keys(settings.keys), settings, figures, reload)
    server = Server(_configuration(app))
    _drain_on_signals(app, pool, server, settings.drain_seconds)
    slots = asyncio.create_task(pool.run())
    slots.add_done_callback(lambda _: server.end())
    watch = asyncio.create_task(reload.watch()) if reload else None
    logger.info("Listening on port %d, starting %s", settings.port, settings.layout.script_name)
    await server.serve(sockets=listeners)
    record = pool.interruption()
    if watch:
        watch.cancel()
    await pool.close()
    return await _outcome(slots, record, settings)


def _configuration(app: App) -> uvicorn.Config:
    return uvicorn.Config(
        cast(Any, app),  # it is no ASGI application: our connections know what it is
        interface="asgi3",
        http=Connection,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
    )


def _somebody_waits(listener: socket.socket) -> bool:
    poll = select.poll()
    poll.register(listener, select.POLLIN)
    return bool(poll.poll(0))


def _drain_on_signals(app: App, pool: Pool, server: Server, delay: float) -> None:
    """Stop in order at the first signal, at once at the second.

    While a service is being taken out of Kubernetes' endpoints requests still arrive; they are
    served for ``delay`` seconds. Before ``init()`` has returned there is nothing to wait for.
    """
    loop = asyncio.get_running_loop()

    def stop() -> None:
        if app.draining:
            server.force_exit = server.should_exit = True
            return
        app.draining = True
        seconds = delay if pool.serving else 0.0
        logger.info(
            "Told to stop: no new connections in %g s; requests still to be answered: %d",
            seconds,
            pool.pending,
        )
        loop.call_later(seconds, server.end)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)


async def _outcome(slots: asyncio.Task[None], record: Record | None, settings: Settings) -> int:
    """Return the exit code, and leave the record behind if there is one."""
    code = 0
    try:
        await slots
    except StartFailedError as error:
        record, code = error.record, COULD_NOT_START
    except asyncio.CancelledError:
        said = "Everything that was accepted is answered, good-bye"
        logger.info("%s", record["message"] if record else said)
    if record:
        leave_record(record, settings.termination_log)
    return code
