"""Reports to the front where the script is while it starts."""

import platform
import sys
import threading
import time
import traceback
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, Optional

from .trace import Location, innermost
from .wire import Channel

REPORT_INTERVAL_S = 1.0  # the front decides what of it is logged


@contextmanager
def reported(
    channel: Channel, stage: str, app_root: Path, interval_s: float = REPORT_INTERVAL_S
) -> Iterator[None]:
    """Announce the stage, then report every ``interval_s`` seconds until the block is left."""
    done = threading.Event()
    reporter = threading.Thread(
        target=_report,
        args=(channel, stage, app_root, interval_s, done),
        name="fairlead-startup-progress",
        daemon=True,
    )
    channel.send({"type": "stage", "stage": stage, "python": platform.python_version()})
    reporter.start()
    try:
        yield
    finally:
        done.set()
        reporter.join()


def _report(
    channel: Channel, stage: str, app_root: Path, interval_s: float, done: threading.Event
) -> None:
    started_at = time.monotonic()
    while not done.wait(interval_s):
        seconds, location = time.monotonic() - started_at, _main_thread_location(app_root)
        head = {"type": "progress", "stage": stage, "seconds": seconds, "location": location}
        try:
            channel.send(head)
        except OSError:  # the front is gone: the main thread ends the process
            return


def _main_thread_location(app_root: Path) -> Optional[Location]:
    main = threading.main_thread().ident
    frame = sys._current_frames().get(main) if main else None
    return innermost(traceback.extract_stack(frame), app_root) if frame else None
