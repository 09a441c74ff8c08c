"""One run of the story: a namespace, a proxy and an operator of its own, killed where it is told.

All runs share one cluster: the proxy shows each operator nothing but its own namespace.
"""

import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import psutil

from tests.cluster.ports import free_port, taken
from tests.faults.api import Api
from tests.faults.invariants import strangers
from tests.faults.proxy.certificate import Certificate
from tests.faults.proxy.crash_point import CrashPoint
from tests.faults.proxy.event_loop import EventLoopThread
from tests.faults.proxy.record import Recorded
from tests.faults.proxy.server import FaultProxy
from tests.faults.proxy.upstream import Upstream, behind_proxy
from tests.faults.snapshot import Snapshot, snapshot
from tests.faults.story import NAME, OURS, Step
from tests.faults.view import PATIENCE_S, ClusterView, NamespaceView

NEVER_RESYNCS = {"FAIRLEAD_RESYNC_SECONDS": "3600"}  # no resync heals what an event should
CALM_S = 1.5  # seconds without any change: nothing more follows


class Operators(Protocol):
    """How an operator process is started."""

    def start(self, registry: Path, log: Path, environment: Mapping[str, str]) -> int: ...


@dataclass(frozen=True)
class Bed:
    """What all runs share."""

    loop: EventLoopThread
    api: Api
    view: ClusterView
    upstream: Upstream
    certificate: Certificate
    kubeconfig: Path
    """The operator's own, with the API server itself in it."""
    settings: Mapping[str, str]
    operators: Operators
    digests: bool
    """Whether the same content has the same digest in every run: not where pip has run."""
    folder: Path
    """For state, logs and what the stand-in tasks remember."""


@dataclass
class Trial:
    """``with Trial(bed, name) as trial:`` and then each step of the story."""

    bed: Bed
    namespace: str
    port: int = field(default_factory=free_port)
    """Of the log server."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Of this operator alone."""
    marks: dict[str, int] = field(default_factory=dict)
    """How many changes there were when each step began."""
    began: dict[str, float] = field(default_factory=dict)
    """When, in seconds of a monotonic clock."""
    strangers: dict[str, str] = field(default_factory=dict)
    kills: int = 0
    _pid: int = 0
    _crash_point: CrashPoint | None = None
    _crashing: threading.Thread | None = None

    def __enter__(self) -> "Trial":
        bed = self.bed
        shutil.rmtree(self.folder, ignore_errors=True)
        self.registry.mkdir(parents=True)
        bed.api.create_namespace(self.namespace)
        self.strangers = strangers(bed.api, self.view, self.namespace)
        self.proxy = FaultProxy(bed.upstream, bed.certificate, self.namespace)
        bed.loop.run(self.proxy.start())
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self.bed.loop.run(self.proxy.stop())
        self.bed.api.delete_namespace(self.namespace)

    @property
    def folder(self) -> Path:
        return self.bed.folder / self.namespace

    @property
    def registry(self) -> Path:
        return self.folder / "registry"

    @property
    def log(self) -> Path:
        return self.folder / "operator.log"

    @property
    def view(self) -> NamespaceView:
        return self.bed.view.namespace(self.namespace)

    def start(self) -> None:
        """Start an operator that sees this namespace, through the proxy."""
        bed = self.bed
        kubeconfig = self.folder / "kubeconfig"
        behind_proxy(bed.kubeconfig, self.proxy.url, bed.certificate, kubeconfig)
        own = {
            "KUBECONFIG": str(kubeconfig),
            "FAIRLEAD_STATE_FOLDER": str(self.folder / "state"),
            "FAIRLEAD_LOG_ADDRESS": f"127.0.0.1:{self.port}",
        }
        self._pid = bed.operators.start(
            self.registry, self.log, {**bed.settings, **own, **self.settings}
        )

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone and its port is free."""
        with suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)
        deadline = time.monotonic() + 60
        while taken(self.port) and time.monotonic() < deadline:
            time.sleep(0.01)  # poll

    def arm(self, crash: CrashPoint) -> None:
        """At the crash point, kill the operator and start another."""
        self.bed.loop.run(self.proxy.arm(crash))
        self._crash_point = crash
        self._crashing = threading.Thread(target=self._crash, args=(crash,), daemon=True)
        self._crashing.start()

    def disarm(self) -> None:
        """Return once the crash is over, or once it is clear that its write will not come."""
        point, crashing = self._crash_point, self._crashing
        if not point or not crashing:
            return
        while not point.reached.is_set() and self._writes_lately():
            time.sleep(0.05)  # poll
        if not self.bed.loop.run(self.proxy.disarm()):
            point.given_up = True
            point.reached.set()
        crashing.join(PATIENCE_S)
        assert not crashing.is_alive(), self.report()
        self._crash_point = self._crashing = None

    def begin(self, step: Step) -> None:
        """Do what the user does."""
        self.marks[step.name], self.began[step.name] = len(self.view.changes), time.monotonic()
        for manifest in step.apply:
            self.bed.api.apply(self.namespace, manifest)
        for kind in step.delete:
            self.bed.api.delete(self.namespace, kind, NAME)

    def settle(self, step: Step) -> None:
        """Wait for what the operator does."""
        assert self.view.until(step.settled, bool), f"'{step.name}' did not end\n{self.report()}"

    @property
    def alive(self) -> bool:
        return psutil.pid_exists(self._pid)

    def until(self, holds: Callable[[], object], patience: float = PATIENCE_S) -> None:
        """Look again and again, until it holds."""
        deadline = time.monotonic() + patience
        while not holds():
            assert time.monotonic() < deadline, self.report()
            time.sleep(0.05)  # poll

    def comes_back(self, kind: str, patience: float) -> None:
        """Wait until a child that was deleted is there again."""
        found = self.view.until(lambda view: view.get(kind, NAME), bool, patience)
        assert found, f"{kind} did not come back in {patience:.0f} s\n{self.report()}"

    def reaches(self, expected: Snapshot, step: Step) -> bool:
        """Wait for the state that a step leads to.

        Another that looks like it, where digests do not count, may come before it.
        """
        return self.view.until(
            lambda view: step.settled(view) and self.snapshot(view) == expected, bool
        )

    def calm(self) -> Snapshot:
        """The state once nothing has changed for a while."""
        view = self.view
        while time.monotonic() - view.changed_at < CALM_S:
            time.sleep(0.05)  # poll
        return self.snapshot(view)

    def report(self) -> str:
        """Where the objects stand, and the end of the operator's log."""
        log = self.log.read_text().splitlines()[-15:] if self.log.exists() else []
        statuses = [
            (m["kind"], [(c["type"], c["status"], c["reason"]) for c in m["status"]["conditions"]])
            for m in self.view.all(OURS)
            if m.get("status")
        ]
        return "\n".join((self.namespace, *map(str, statuses), *log))

    def snapshot(self, view: NamespaceView) -> Snapshot:
        return snapshot(view, self.namespace, digests=self.bed.digests)

    def _writes_lately(self) -> bool:
        writes = self.proxy.record.writes()
        return not writes or time.monotonic() - writes[-1].started < CALM_S

    def _crash(self, point: CrashPoint) -> None:
        point.reached.wait()
        if point.given_up:
            return
        self.kill()
        self.kills += 1
        self.bed.loop.run(self.proxy.thaw())
        self.start()


def killed_after(
    writes: Mapping[str, str], *, withheld: bool = False
) -> Callable[[Trial, Step], None]:
    """Arrange, before each step, that the operator is killed after that step's write, if it has one
    in ``writes`` (as ``Record.subjects`` names it from the step's beginning)."""

    def before(trial: Trial, step: Step) -> None:
        trial.disarm()
        if step.name in writes:
            trial.arm(CrashPoint(at_subject(writes[step.name]), withheld))

    return before


def at_subject(subject: str) -> Callable[[Recorded], bool]:
    """Choose the write that ``Record.subjects`` names so; ``… #2`` is the second of the same."""
    name, _, number = subject.partition(" #")
    left = int(number or 1)

    def chosen(recorded: Recorded) -> bool:
        nonlocal left
        left -= recorded.subject == name
        return left == 0

    return chosen
