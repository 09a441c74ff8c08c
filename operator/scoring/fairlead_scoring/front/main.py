"""The front's main: opens the ports, starts the slots, serves, and shuts down in order."""

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from itertools import chain, repeat

import uvloop

from fairlead_scoring.front.allocator import return_large_blocks
from fairlead_scoring.front.config.container_memory import memory_limit_bytes
from fairlead_scoring.front.config.options import read_profile_option, read_smoke_test
from fairlead_scoring.front.config.remarks import layout_remarks
from fairlead_scoring.front.config.settings import Settings, read_settings
from fairlead_scoring.front.config.summary import summary
from fairlead_scoring.front.config.values import SettingsError
from fairlead_scoring.front.http.app import App
from fairlead_scoring.front.http.server import HttpServer, PortTakenError, listen
from fairlead_scoring.front.metrics import Metrics
from fairlead_scoring.front.profiling.order import Profile, read_profile
from fairlead_scoring.front.queue.admission import RejectionReason
from fairlead_scoring.front.slots.orphans import children
from fairlead_scoring.front.slots.pool import SlotPool
from fairlead_scoring.front.slots.reload import ScriptReloader
from fairlead_scoring.front.slots.slot import Slot
from fairlead_scoring.front.slots.startup import (
    START_FAILED_EXIT_CODE,
    StartFailedError,
    warn_of_missing_models,
    write_record,
)
from fairlead_scoring.front.smoke_test import SmokeTest, read_order
from fairlead_scoring.slot import logs
from fairlead_scoring.slot.console import LOGGER_NAME
from fairlead_scoring.slot.record import Record

logger = logging.getLogger(LOGGER_NAME)
IGNORED_SIGNALS = (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)  # each of them would end it
PORT_TAKEN_EXIT_CODE = 1


def main(arguments: Sequence[str]) -> int:
    """Serve until a signal; return the exit code."""
    return_large_blocks()
    log = logs.configure_front()
    try:
        return run(arguments)
    finally:
        log.flush()


def run(arguments: Sequence[str]) -> int:
    """Read the settings, open the ports, and serve; return the exit code."""
    try:
        settings = read_settings(arguments, os.environ, memory_limit_bytes())
        order = read_trial(arguments)
    except SettingsError as error:
        logger.error("%s", error)  # noqa: TRY400 - no traceback
        return error.code
    for line in summary(settings):
        logger.info("%s", line)
    for remark in (*settings.remarks, *layout_remarks(settings.layout)):
        logger.warning("%s", remark)
    try:
        if order is not None:
            from fairlead_scoring.front.trial import try_out  # of no use to a service

            return uvloop.run(try_out(settings, order))
        listeners = [listen(port, settings.host) for port in settings.ports]
    except PortTakenError as error:
        logger.error("%s", error)  # noqa: TRY400 - no traceback
        return PORT_TAKEN_EXIT_CODE
    return uvloop.run(serve(settings, listeners))


def read_trial(arguments: Sequence[str]) -> SmokeTest | Profile | None:
    """Return what is to be done in the place of serving, if anything is. Raise ``SettingsError``
    if the file that says so does not."""
    profile, smoke_test = read_profile_option(arguments), read_smoke_test(arguments)
    if profile:
        return read_profile(profile)
    return read_order(smoke_test) if smoke_test else None


async def serve(settings: Settings, listeners: list[socket.socket]) -> int:
    """Return the exit code."""
    metrics = Metrics()
    pool = SlotPool(settings.processes, settings.queue_limits, spawning(settings), metrics)
    reloader = (
        ScriptReloader(settings.layout, pool.replace, settings.debug.edits)
        if settings.debug.enabled
        else None
    )
    app = App(pool, settings, metrics, reloader)
    server = HttpServer(app)
    _drain_on_signals(app, pool, server, settings.drain_s)
    slots = asyncio.create_task(pool.run())
    slots.add_done_callback(lambda _: server.stop())
    background = [asyncio.create_task(children.reap_for_ever())]
    if reloader:
        background.append(asyncio.create_task(reloader.watch()))
    logger.info("Listening on port %d, starting %s", settings.port, settings.layout.script_name)
    warn_of_missing_models(settings.layout)
    await server.serve(sockets=listeners)
    interruption = pool.interruption()
    for task in background:
        task.cancel()
    await pool.close()
    return await _exit_code(slots, interruption, settings)


def spawning(settings: Settings) -> Callable[[], Awaitable[Slot]]:
    """What starts slots. The first waits for a debugger; those beside it, and those after it when
    the script has changed, do not."""
    orders = chain([settings], repeat(replace(settings, debug=settings.debug.without_wait)))
    return lambda: Slot.spawn(next(orders))


def _drain_on_signals(app: App, pool: SlotPool, server: HttpServer, drain_s: float) -> None:
    """Shut down in order at the first signal, at once at the second.

    While a service is being taken out of Kubernetes' endpoints requests still arrive; they are
    served for ``drain_s`` seconds. Before ``init()`` has returned there is nothing to wait for.
    """
    loop = asyncio.get_running_loop()

    def stop() -> None:
        if app.draining:
            server.abort()
            return
        app.start_draining()
        seconds = drain_s if pool.serving else 0.0
        if not pool.serving:
            pool.refuse_all(RejectionReason.DRAINING)
        logger.info(
            "Told to stop: no new connections in %g s; requests still to be answered: %d",
            seconds,
            pool.pending,
        )
        loop.call_later(seconds, server.stop)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    for number in IGNORED_SIGNALS:
        loop.add_signal_handler(number, logger.info, "%s has no meaning here", number.name)


async def _exit_code(
    slots: asyncio.Task[None], interruption: Record | None, settings: Settings
) -> int:
    """Return the exit code, and write the start-up record if there is one."""
    record, code = interruption, 0
    try:
        await slots
    except StartFailedError as error:
        record, code = error.record, START_FAILED_EXIT_CODE
    except asyncio.CancelledError:
        finished = "Everything that was accepted is answered, good-bye"
        logger.info("%s", record["message"] if record else finished)
    if record:
        write_record(record, settings.termination_log)
    return code
