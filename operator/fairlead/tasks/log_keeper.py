"""The log of a task, kept in the registry: now and then while it runs, and at its end.

What a pod that is killed or evicted has printed is gone with it, but for what was kept before.
"""

import signal
import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from types import FrameType
from typing import Self

from fairlead.contract import LogTarget
from fairlead.images.build_log import KeptLog, log_before, store_log
from fairlead.images.log_retention import remove_old_logs
from fairlead.registry.client import Registry
from fairlead.registry.errors import RegistryError
from fairlead.registry.reference import parse_repository
from fairlead.settings import Settings
from fairlead.tasks.task_log import TaskLog

KEEP_LOG_TIMEOUT_S = 60
FIRST_FLUSH_S, FLUSH_EVERY_S = 20.0, 60.0


class LogKeeper:
    """``begin``, and once ``finish``: from the program's first thread, for it uses SIGALRM."""

    def __init__(self, settings: Settings, log: TaskLog, targets: Sequence[LogTarget]) -> None:
        self._settings, self._log, self._targets = settings, log, targets
        self._before: dict[tuple[str, str], KeptLog] = {}
        self._kept_chars = 0
        self._writing = threading.Lock()  # no older text after a newer one
        self._stop = threading.Event()
        self.registry: Registry | None = None
        """One that no signal has interrupted: it is logged in to already."""

    def begin(self) -> Self:
        if self._targets:
            threading.Thread(target=self._run, name="log-keeper", daemon=True).start()
        return self

    def finish(self) -> None:
        """Store the log, and remove old ones; a registry that does neither, or not in a minute,
        changes nothing about the task's outcome."""
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        self._stop.set()
        if not self._targets:
            return
        signal.signal(signal.SIGALRM, _too_slow)
        signal.alarm(KEEP_LOG_TIMEOUT_S)
        try:
            with self._writing, self._asked() as registry:
                for target in self._targets:
                    self._finish(registry, target)
        except _TooSlowError:
            said = f"The registry did not take this log within {KEEP_LOG_TIMEOUT_S} s."
            self._log.write(said)
        finally:
            signal.alarm(0)

    def _asked(self) -> AbstractContextManager[Registry]:
        return nullcontext(self.registry) if self.registry else Registry(self._settings)

    def _finish(self, registry: Registry, target: LogTarget) -> None:
        try:
            self._store(registry, target)
        except RegistryError as error:
            self._log.write(f"This log could not be kept in the registry: {error}")
            return
        repository, keep = parse_repository(target.repository), self._settings.build_logs_max
        try:
            remove_old_logs(registry, repository, target.tag, target.owner, keep)
        except RegistryError as error:
            self._log.write(f"Old build logs stay in the registry: {error}")

    def _run(self) -> None:
        """A connection of its own: that of the task is for its first thread."""
        if self._stop.wait(FIRST_FLUSH_S):
            return  # most tasks are shorter
        with Registry(self._settings) as registry:
            while True:
                with self._writing:
                    self._flush(registry)
                if self._stop.wait(FLUSH_EVERY_S):
                    return

    def _flush(self, registry: Registry) -> None:
        chars = self._log.written_chars
        if self._stop.is_set() or chars == self._kept_chars:
            return
        try:
            for target in self._targets:
                self._store(registry, target)
        except RegistryError:
            return  # tried again, and told at the end
        self._kept_chars = chars

    def _store(self, registry: Registry, target: LogTarget) -> None:
        repository, place = parse_repository(target.repository), (target.repository, target.tag)
        if place not in self._before:
            self._before[place] = log_before(registry, repository, target.tag)
        before, text = self._before[place], self._log.text
        store_log(registry, repository, target.tag, target.owner, before, text)


class _TooSlowError(BaseException):
    """SIGALRM. No ``Exception``: no handler may swallow it."""


def _too_slow(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  (signal's own signature)
    raise _TooSlowError
