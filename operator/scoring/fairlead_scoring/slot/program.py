"""The slot's main: import the script, ``init()`` once, then ``run()`` for each request.

All that it must know is in the front's first frame; it reads no setting of its own.
"""

from __future__ import annotations

import faulthandler
import itertools
import logging
import os
import socket
import sys
import time
from typing import Dict, Optional

from . import logs, printing, trace
from .debugging import debugger
from .descriptions import Service
from .layout import Layout, OwnFileError, open_paths
from .own_logging import take_over
from .record import Failure, explain, make_record
from .scoring import Scorer
from .script import Script, UserScriptError, load
from .serving import serve
from .swagger import Document, documents
from .tree import walk
from .watch import watched
from .wire import Channel, Head

logger = logging.getLogger(logs.NAME)
COULD_NOT_START = 3  # the exit code of a failed start, as in the reference server
TREE_LINES = 200


def main(descriptor: int) -> int:
    """Serve the front at the other end of the socket ``descriptor``; return the exit code."""
    channel = Channel(socket.socket(fileno=descriptor))
    try:
        return work(channel)
    except (EOFError, OSError):
        return 0  # the front is gone, and with it the reason to be here


def work(channel: Channel) -> int:
    """Do as the front's first frame says. Raise ``EOFError`` or ``OSError`` when it is gone."""
    began = time.monotonic()
    order, _ = channel.receive()
    layout = Layout.from_json(order["layout"])
    try:
        prepare(layout)
        open_debugger(order["debug"], channel)
        script = start(layout, channel)
        described = describe(script, layout, Service(**order["swagger"]))
    except UserScriptError as error:
        report(error, layout, channel, time.monotonic() - began)
        return COULD_NOT_START
    channel.send({"type": "ready", "mode": script.input.mode, "swagger": described})
    debug = bool(order["debug"] and order["debug"]["tell"])
    scorer = Scorer(script, order["timeout_ms"], debug)
    serve(scorer, channel, order["threads"])
    return 0


def prepare(layout: Layout) -> None:
    """Make this process what user code expects to run in."""
    faulthandler.enable()  # a library that crashes leaves its traceback on stderr
    sys.argv = [str(layout.script)]
    os.environ.setdefault("AML_APP_ROOT", str(layout.app_root))
    open_paths(layout)
    logs.configure()
    printing.redirect()
    configure_logging(layout)


def open_debugger(order: Optional[Head], channel: Channel) -> None:
    """Do what the front's first frame says of debuggers, before any code of the user's runs."""
    debugger.report_to(lambda attached: channel.send({"type": "attached", "attached": attached}))
    if order and order["tell"]:
        sys.dont_write_bytecode = True  # it would be taken for current, second by second
    if order and order["dial"]:
        debugger.dial(order["dial"])
    elif order and order["listen"]:
        debugger.listen("0.0.0.0", order["listen"])
        if order["wait"]:
            debugger.wait(order["wait"])


def configure_logging(layout: Layout) -> None:
    """Take over the user's ``logging.json``, from the app root or else from beside the script."""
    try:
        take_over((layout.app_root, layout.script.parent))
    except OwnFileError as error:
        raise UserScriptError("script", str(error)) from error


def start(layout: Layout, channel: Channel) -> Script:
    with watched(channel, "import", layout.app_root):
        script = load(layout.script, layout.module)
    with watched(channel, "init", layout.app_root):
        script.start()
    return script


def describe(script: Script, layout: Layout, service: Service) -> Dict[str, Document]:
    try:
        return documents(layout.app_root, script.run, service)
    except OwnFileError as error:
        raise UserScriptError("script", str(error)) from error


def report(error: UserScriptError, layout: Layout, channel: Channel, elapsed: float) -> None:
    """Say why the script cannot serve: in the log, and to the front."""
    logger.error("%s", error)
    cause = error.__cause__
    if cause is None or error.stage == "script":  # then our own words are the better ones
        at = trace.definition(error.function, layout.app_root) if error.function else None
        failure = Failure(error.stage, type(error).__name__, str(error), at)
    else:
        logger.error("Encountered Exception %s", trace.formatted(cause))
        failure = explain(cause, error.stage, layout.app_root)
    _log_surroundings(error, layout)
    channel.send({"type": "failed", "record": make_record(failure, layout.models, elapsed)})


def _log_surroundings(error: UserScriptError, layout: Layout) -> None:
    """Log what a person looks at next: the folder of a missing script, the models of an init()."""
    if error.stage == "import" and not layout.script.exists():
        found = sorted(path.name for path in layout.app_root.glob("*"))
        logger.error("Current contents of AML_APP_ROOT: %s", found[:TREE_LINES])
    if error.stage == "init" and layout.model_dir and layout.model_dir.exists():
        lines = walk(layout.model_dir)
        logger.error("Model Directory Contents:")
        for line in itertools.islice(lines, TREE_LINES):
            logger.error("%s", line)
        if next(lines, None):
            logger.error("Output Truncated. First %s lines shown.", TREE_LINES)
