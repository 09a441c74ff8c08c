"""Asks the fronts, or the replicas, of every Webservice how many requests they have."""

import asyncio
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from fairlead.api.meta import FRONT, SCORING
from fairlead.informer.store import Store
from fairlead.metrics_api.growth import Growth
from fairlead.metrics_api.sample import Counted, of_front, of_pod
from fairlead.metrics_api.scrape import Scraper
from fairlead.metrics_api.store import Measured, Name
from fairlead.metrics_api.targets import MAX_ASKED, Service, Target, of_component, targets

PERIOD_S = 2.0
RUNS_PERIOD_S = 30.0  # replicas behind a front are asked how long their runs take
LOOK_S = 0.5  # for Webservices that are new


class Poller:
    """``services`` and ``pods`` are kept up to date by others; see ``targets.py``."""

    def __init__(self, services: Store, pods: Store, scraper: Scraper, measured: Measured) -> None:
        self._services = services
        self._pods = pods
        self._scraper = scraper
        self._measured = measured
        self._followed: set[Name] = set()
        self._asked: set[Name] = set()
        self._ready = False

    def unready(self) -> str:
        """Why there are no numbers yet; empty once each Webservice was asked for once."""
        missing = self._names() - self._asked
        self._ready = self._ready or not missing
        return "" if self._ready else f"{len(missing)} Webservices have not been asked yet."

    async def run(self) -> None:
        """Once both stores are filled, until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                names = self._names()
                for name in names - self._followed:
                    self._followed.add(name)
                    group.create_task(self._follow(name), name="/".join(name))
                self._measured.keep(names)
                self._scraper.keep({namespace for namespace, _ in names})
                await asyncio.sleep(LOOK_S)

    def _names(self) -> set[Name]:
        return set(self._services.names())

    async def _follow(self, name: Name) -> None:
        """Ask while it exists; not all of them at the same moment."""
        of_all, of_runs = Growth(), _Runs()
        await asyncio.sleep(random.uniform(0, PERIOD_S) if self._ready else 0)
        while self._services.entry(*name) is not None:
            begun_s = time.monotonic()
            await self._round(name, of_all, of_runs)
            self._asked.add(name)
            await asyncio.sleep(max(PERIOD_S - (time.monotonic() - begun_s), 0.1))
        self._followed.discard(name)
        self._asked.discard(name)

    async def _round(self, name: Name, of_all: Growth, of_runs: "_Runs") -> None:
        found = self._services.read(*name)
        if found is None:  # not to be read: the operator says so
            return
        service, pods = Service(*found), self._pods.owned_by(*name)
        component, asked = targets(service, pods)
        answers = await self._ask(name[0], component, asked)
        of_all.keep({target.uid for target in asked})
        if len(answers) * 2 <= min(len(asked), MAX_ASKED):  # half of them, or none: no number
            return
        replicas = len(of_component(service, pods, SCORING))
        now_s = time.monotonic()
        one = of_all.round(answers, len(asked), float(replicas * service.slots), now_s)
        if component == FRONT and of_runs.due(now_s):
            one = replace(one, run_seconds=await self._runs(name[0], service, pods, of_runs))
        self._measured.add(name, one)

    async def _runs(
        self, namespace: str, service: Service, pods: Sequence[object], of_runs: "_Runs"
    ) -> Mapping[float, float]:
        replicas = of_component(service, pods, SCORING)
        of_runs.growth.keep({target.uid for target in replicas})
        return of_runs.growth.runs(await self._ask(namespace, SCORING, replicas))

    async def _ask(
        self, namespace: str, component: str, asked: Sequence[Target]
    ) -> Mapping[str, Counted]:
        """What those say that answer, by uid."""
        some = asked[:MAX_ASKED]
        texts = await asyncio.gather(*(self._scraper.text(namespace, one.url) for one in some))
        read = of_front if component == FRONT else of_pod
        counted = {one.uid: read(text) for one, text in zip(some, texts, strict=True) if text}
        return {uid: one for uid, one in counted.items() if one is not None}


class _Runs:
    def __init__(self) -> None:
        self.growth = Growth()
        self._next_s = 0.0

    def due(self, now_s: float) -> bool:
        if now_s < self._next_s:
            return False
        self._next_s = now_s + RUNS_PERIOD_S
        return True
