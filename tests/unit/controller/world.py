"""A controller over a cluster in memory and a runner that starts nothing."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from fairlead.api.meta import API_VERSION, KINDS, Kind
from fairlead.api.refs import Manifest
from fairlead.contract import Task, TaskPhase, TaskState
from fairlead.controller.controller import Controller
from fairlead.controller.work_queue import WorkQueue
from fairlead.inputs.parse import Parsed, ParseJob, parse
from fairlead.observe.cache import Cache
from fairlead.observe.config_maps import ConfigMaps
from fairlead.observe.context import ReconcileContext
from fairlead.observe.logs import Logs
from fairlead.observe.metrics_api import MetricsApi
from fairlead.observe.namespaces import Namespaces
from fairlead.observe.references import Key
from fairlead.settings import Settings
from tests.unit.fake_cluster import FakeCluster

DEADLINE_S = 60.0


class FakeRunner:
    """Remembers what is wanted."""

    def __init__(self) -> None:
        self.wanted: dict[str, tuple[Task, ...]] = {}
        self.known: dict[str, TaskState] = {}
        self.forgotten: list[str] = []

    def states(self, namespace: str) -> Mapping[str, TaskState]:
        del namespace
        return self.known

    def phases(self) -> Iterable[TaskPhase]:
        return [state.phase for state in self.known.values()]

    def positions_of_new(self, namespace: str) -> Mapping[str, int]:
        del namespace
        return {}

    def want(self, owner: str, tasks: Iterable[Task]) -> None:
        self.wanted[owner] = tuple(tasks)

    def forget(self, identifiers: Iterable[str]) -> None:
        self.forgotten += identifiers

    def on_change(self, listener: Callable[[frozenset[str]], None]) -> None:
        del listener


class ParsersHere:
    """Reads files in this process: the tests write no hostile ones."""

    async def parse(self, job: ParseJob, namespace: str) -> Parsed:
        del namespace
        return parse(job)


class World:
    """What a test looks at, and the verbs of a person at a keyboard."""

    def __init__(
        self,
        resync_seconds: int = 60,
        namespaces: Sequence[str] = (),
        metrics_api: str = "",
        **settings: Any,
    ) -> None:
        known = Settings(external_host="", resync_seconds=resync_seconds, **settings)
        self.cluster = FakeCluster()
        self.runner = FakeRunner()
        self.queue = WorkQueue[Key]()
        self.cache = Cache(
            self.cluster, self.queue.add, lambda uid: self.runner.want(uid, ()), namespaces
        )
        self.cache.watch_exposures(known)
        self.context = ReconcileContext(
            cluster=self.cluster,
            cache=self.cache,
            runner=self.runner,
            parsers=ParsersHere(),
            settings=known,
            config_maps=ConfigMaps(self.cluster, self.cache),
            logs=Logs(self.cluster),
            namespaces=Namespaces(self.cluster, self.cache),
            instance="test",
            metrics_api=MetricsApi(self.cluster, metrics_api) if metrics_api else None,
        )
        self.controller = Controller(self.context, self.queue)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The controller at work, fed as kopf would feed it."""
        tasks = [
            asyncio.create_task(self.controller.run()),
            *(asyncio.create_task(self._feed(kind)) for kind in KINDS),
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            for outcome in await asyncio.gather(*tasks, return_exceptions=True):
                with suppress(asyncio.CancelledError):
                    if isinstance(outcome, BaseException):
                        raise outcome

    def apply(self, kind: Kind, name: str, spec: Manifest, **metadata: object) -> Manifest:
        meta = {"name": name, "namespace": "demo", **metadata}
        head = {"apiVersion": API_VERSION, "kind": kind.kind, "metadata": meta}
        return self.cluster.put({**head, "spec": spec})

    def status(self, kind: Kind, name: str) -> Manifest:
        found = self.cluster.find(kind.plural, "demo", name) or {}
        status: Manifest = found.get("status") or {}
        return status

    def reason(self, kind: Kind, name: str, type_: str = "Ready") -> str:
        conditions = self.status(kind, name).get("conditions") or []
        return next((c["reason"] for c in conditions if c["type"] == type_), "")

    async def until(self, holds: Callable[[], object]) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while not holds():
                await asyncio.sleep(0.005)  # poll

    async def settled(self) -> None:
        """Return once every watch has been read and no key is due in the next seconds."""
        await self.until(self.cluster.all_read)
        await self.until(lambda: not self.queue.pending(within_s=1.5) and self.cluster.all_read())

    async def _feed(self, kind: Kind) -> None:
        async for event in self.cluster.watch_plural(kind.plural):
            self.cache.own_event(kind, event.type, event.manifest)
