"""Tells the front where the script is while it starts, for whoever waits and wonders."""

from __future__ import annotations

import sys
import threading
import time
import traceback
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, Optional

from .trace import Location, innermost
from .wire import Channel

INTERVAL = 1.0  # seconds; the front decides how often the log should hear of it


@contextmanager
def watched(
    channel: Channel, stage: str, app_root: Path, interval: float = INTERVAL
) -> Iterator[None]:
    """Announce the stage, then report every ``interval`` seconds until the block is left."""
    done = threading.Event()
    watcher = threading.Thread(
        target=_report,
        args=(channel, stage, app_root, interval, done),
        name="fairlead-watch",
        daemon=True,
    )
    channel.send({"type": "stage", "stage": stage})
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


def _report(
    channel: Channel, stage: str, app_root: Path, interval: float, done: threading.Event
) -> None:
    began = time.monotonic()
    while not done.wait(interval):
        seconds, at = time.monotonic() - began, _main_thread_location(app_root)
        head = {"type": "progress", "stage": stage, "seconds": seconds, "location": at}
        try:
            channel.send(head)
        except OSError:  # the front is gone; the main thread will find out, too
            return


def _main_thread_location(app_root: Path) -> Optional[Location]:
    main = threading.main_thread().ident
    frame = sys._current_frames().get(main) if main else None
    return innermost(traceback.extract_stack(frame), app_root) if frame else None
