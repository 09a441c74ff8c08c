"""The slot's main: import the script, ``init()`` once, then ``run()`` for each request.

All that it must know is in the front's first frame; it reads no setting of its own.
"""

import faulthandler
import os
import socket
import sys
import time
from functools import partial
from typing import Dict, Optional

from . import logs
from .console import console
from .debugging import debugger
from .descriptions import Service
from .failure_report import report
from .front_watch import end_with_front
from .layout import Layout, UserFileError, open_paths
from .own_log import log
from .record import explain, make_record
from .scoring import Scorer
from .script import Script, UserScriptError, load
from .serving import end, serve
from .startup_progress import reported
from .swagger import Document, documents
from .user_logging import configure_user_logging, redirect_print, reference_level
from .wire import CLOSED_BY_SCRIPT, Channel, FrameHead

START_FAILED_EXIT_CODE = 3  # as the reference server's
CHANNEL_LOST = (
    "The script has closed or replaced descriptor %d, by which its process is connected with the "
    "server: it may close only what it has opened."
)


def main(descriptor: int, *front: int) -> int:
    """Serve the front at the other end of the socket ``descriptor``; return the exit code.

    ``front`` is what ``end_with_front()`` is told, if the process is to end with the front.
    """
    if front:
        end_with_front(*front)
    logs.configure_slot()
    pipe = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, fileno=descriptor)
    channel = Channel(pipe)
    try:
        return run(channel)
    except (EOFError, ConnectionError):
        return 0  # the front is gone
    except BaseException as error:  # noqa: BLE001 - its traceback is to be in the log, come what may
        if isinstance(error, OSError) and error.errno in CLOSED_BY_SCRIPT:
            log.error(CHANNEL_LOST, descriptor)
        end(channel, error)
    finally:
        console().flush()


def run(channel: Channel) -> int:
    """Do as the front's first frame says. Raise ``EOFError`` or ``OSError`` when it is gone."""
    started_at = time.monotonic()
    order, _ = channel.receive()
    layout = Layout.from_json(order["layout"])
    try:
        prepare(layout)
        open_debugger(order["debug"], channel)
        script = start(layout, channel)
        described = describe(script, layout, Service(**order["swagger"]))
    except UserScriptError as error:
        record = report(error, layout, time.monotonic() - started_at)
        channel.send({"type": "failed", "record": record})
        return START_FAILED_EXIT_CODE
    ready = {"mode": script.input.mode, "swagger": described, "log_level": reference_level()}
    channel.send({"type": "ready", **ready})
    debug = bool(order["debug"] and order["debug"]["enabled"])
    reports = order["reports_failures"]
    told = partial(report_run, channel, layout, started_at) if reports else None
    scorer = Scorer(script, order["timeout_ms"], debug, told)
    serve(scorer, channel, order["threads"])
    return 0


def report_run(channel: Channel, layout: Layout, started_at: float, error: BaseException) -> None:
    """Send the record of a ``run()`` that failed."""
    failure = explain(error, "run", layout.app_root)
    record = make_record(failure, layout.models, time.monotonic() - started_at)
    channel.send({"type": "run_failed", "record": record})


def prepare(layout: Layout) -> None:
    """Make this process what user code expects to run in."""
    faulthandler.enable()  # a library that crashes leaves its traceback on stderr
    sys.argv = [str(layout.script)]
    os.environ.setdefault("AML_APP_ROOT", str(layout.app_root))
    open_paths(layout)
    redirect_print()
    configure_logging(layout)


def open_debugger(order: Optional[FrameHead], channel: Channel) -> None:
    """Listen or connect as the front's first frame says, before any code of the user's runs."""
    debugger.report_to(
        lambda attached: channel.send({"type": "attached", "attached": attached}),
        lambda: channel.send({"type": "listening"}),
    )
    if order and order["enabled"]:
        sys.dont_write_bytecode = True  # its time stamps have seconds: it would hide a change
    if order and order["connect_port"]:
        debugger.connect(order["connect_port"])
    elif order and order["listen_port"]:
        debugger.listen(order["listen_host"], order["listen_port"])
        debugger.waits_for_itself = True
        if order["wait_s"]:
            debugger.wait(order["wait_s"])


def configure_logging(layout: Layout) -> None:
    """Use the user's ``logging.json``, from the app root or else from beside the script."""
    try:
        configure_user_logging((layout.app_root, layout.script.parent))
    except UserFileError as error:
        raise UserScriptError("script", str(error)) from error


def start(layout: Layout, channel: Channel) -> Script:
    with reported(channel, "import", layout.app_root):
        script = load(layout.script, layout.module)
    with reported(channel, "init", layout.app_root):
        script.start()
    return script


def describe(script: Script, layout: Layout, service: Service) -> Dict[str, Document]:
    try:
        return documents(layout.app_root, script.run, service)
    except UserFileError as error:
        raise UserScriptError("script", str(error)) from error
