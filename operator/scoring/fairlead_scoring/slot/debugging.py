"""A debugger for the script: ``debugpy``, the user's own or ours, listening or connecting.

The front is notified when one is attached: time-outs make no sense then.
"""

import importlib
import os
import threading
import time
from contextlib import suppress
from typing import Any, Callable, Optional

from .own_log import log

POLL_INTERVAL_S = 0.1  # between two checks whether a debugger is attached
RETRY_INTERVAL_S = 0.5  # between two attempts to open a port that another process holds
DEBUGPY_MISSING = (
    "debugpy is not installed, so no debugger can be attached: add it to the conda or requirements "
    "file, or say --debug, or spec.debug, which bring it."
)
REFERENCE_WARNINGS = (
    "!! Starting the inference server in DEBUGGING mode because AZUREML_DEBUG_PORT is set.",
    "!! This environment variable should not be set in a production environment.",
)
ATTACHED = "A debugger is attached: nothing is timed until it leaves."
DETACHED = "The debugger has left."
ReportAttached = Callable[[bool], None]
ReportListening = Callable[[], None]


class Debugger:
    """What the slot, and ``ptvsd`` in old scripts, do with ``debugpy``. Nothing of it raises."""

    def __init__(self) -> None:
        self._report: ReportAttached = lambda _attached: None
        self._report_listening: ReportListening = lambda: None
        self._watching = self._listening = self._attached = False
        self._checking = threading.Lock()
        self.waits_for_itself = False  # as the front's first frame says; a script need not

    def report_to(self, report: ReportAttached, report_listening: ReportListening) -> None:
        """Call ``report`` with whether a debugger is attached, whenever that changes, and
        ``report_listening`` once one can attach."""
        self._report, self._report_listening = report, report_listening

    def listen(self, host: str, port: int) -> None:
        """Let a debugger attach at this address, or as soon as the process that holds it ends."""
        debugpy = self.package()
        if debugpy is None or self._listening:
            return
        self._listening = True
        if not self._try_to_listen(debugpy, host, port):
            log.warning("Port %d is taken: a debugger can attach once it is free.", port)
            start_thread(self._keep_trying, debugpy, host, port)

    def connect(self, port: int) -> None:
        """Connect to a debugger that listens on this machine, and wait until it is ready."""
        for line in REFERENCE_WARNINGS:
            log.warning("%s", line)
        debugpy = self.package()
        if debugpy is None:
            return
        try:
            debugpy.connect(port)
        except Exception as error:  # noqa: BLE001 - the script runs without a debugger
            log.error("No debugger was reached at port %d: %s", port, error)
        else:
            self.wait(None)

    def wait(self, seconds: Optional[float]) -> bool:
        """Wait until a debugger is attached, for ever with None; return whether one is."""
        debugpy = self.package()
        if debugpy is None:
            return False
        attached = threading.Event()
        if seconds is not None:
            start_thread(_cancel_wait, debugpy, seconds, attached)
        try:
            debugpy.wait_for_client()
        except RuntimeError as error:  # it neither listens nor connects
            log.error("There is no debugger to wait for: %s", error)
        attached.set()
        self._check(debugpy)
        return self.is_attached()

    def wait_for_script(self, seconds: Optional[float]) -> bool:
        """Wait because the script says so: for some time only where nobody else says how long."""
        if seconds is not None and self.waits_for_itself:
            return self.is_attached()
        return self.wait(seconds)

    def is_attached(self) -> bool:
        debugpy = self.package()
        return bool(debugpy and debugpy.is_client_connected())

    def package(self) -> Optional[Any]:
        """Return ``debugpy``, which is watched from now on; None, and a sentence, without it."""
        os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")  # a warning about Python's own
        try:
            debugpy = importlib.import_module("debugpy")
        except ImportError:
            log.error(DEBUGPY_MISSING)
            return None
        if not self._watching:
            self._watching = True
            start_thread(self._watch, debugpy)
        return debugpy

    def _try_to_listen(self, debugpy: Any, host: str, port: int) -> bool:
        try:
            debugpy.listen((host, port))
        except RuntimeError:
            return False
        debugpy.listen = lambda *_, **__: (host, port)  # a script that does it, too, is right
        log.info("A debugger can attach at port %d.", port)
        with suppress(OSError):  # the front is gone: the main thread ends the process
            self._report_listening()
        return True

    def _keep_trying(self, debugpy: Any, host: str, port: int) -> None:
        while not self._try_to_listen(debugpy, host, port):
            time.sleep(RETRY_INTERVAL_S)

    def _watch(self, debugpy: Any) -> None:
        while True:
            self._check(debugpy)
            time.sleep(POLL_INTERVAL_S)

    def _check(self, debugpy: Any) -> None:
        with self._checking:
            if debugpy.is_client_connected() is not self._attached:
                self._attached = not self._attached
                log.info("%s", ATTACHED if self._attached else DETACHED)
                with suppress(OSError):  # the front is gone: the main thread ends the process
                    self._report(self._attached)


debugger = Debugger()


def start_thread(work: Callable[..., None], *arguments: Any) -> None:
    """Start a thread that no breakpoint stops."""
    thread = threading.Thread(target=work, args=arguments, name="fairlead-debug", daemon=True)
    thread.pydev_do_not_trace = thread.is_pydev_daemon_thread = True  # type: ignore[attr-defined]
    thread.start()


def _cancel_wait(debugpy: Any, seconds: float, attached: threading.Event) -> None:
    if not attached.wait(seconds):
        debugpy.wait_for_client.cancel()
