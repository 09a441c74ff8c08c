"""Asks the fronts, or the replicas, of every Webservice how many requests they have."""

import asyncio
import math
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from fairlead.api.meta import FRONT, SCORING
from fairlead.informer.store import Store
from fairlead.metrics_api.growth import Growth
from fairlead.metrics_api.sample import Counted, of_front, of_pod
from fairlead.metrics_api.scrape import Scraper
from fairlead.metrics_api.silence import Silence
from fairlead.metrics_api.store import Measured, Name
from fairlead.metrics_api.targets import MAX_ASKED, Service, Target, of_component, targets

PERIOD_S = 2.0
RUNS_PERIOD_S = 30.0  # replicas behind a front are asked how long their runs take
LOOK_S = 0.5  # for Webservices that are new
READY_AFTER_S = 20.0  # at the latest: pods that hang must not keep the whole API away


class Poller:
    """``services`` and ``pods`` are kept up to date by others; see ``targets.py``."""

    def __init__(self, services: Store, pods: Store, scraper: Scraper, measured: Measured) -> None:
        self._services = services
        self._pods = pods
        self._scraper = scraper
        self._measured = measured
        self._followed: set[Name] = set()
        self._asked: set[Name] = set()
        self._begun_s = math.inf
        self._ready = False

    def unready(self) -> str:
        """Why there are no numbers yet; empty once each Webservice was asked for once, or could
        have been."""
        missing = self._names() - self._asked
        late = time.monotonic() - self._begun_s > READY_AFTER_S
        self._ready = self._ready or late or not missing
        return "" if self._ready else f"{len(missing)} Webservices have not been asked yet."

    async def run(self) -> None:
        """Once both stores are filled, until cancelled."""
        self._begun_s = time.monotonic()
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
        """Ask while it exists; not all of them at the same moment. Another one of that name has
        nothing of the numbers of its predecessor."""
        of_all, of_runs, silence, uid = Growth(), _Runs(), Silence(), self._uid(name)
        await asyncio.sleep(random.uniform(0, PERIOD_S) if self._ready else 0)
        while uid is not None and self._uid(name) == uid:
            begun_s = time.monotonic()
            await self._round(name, of_all, of_runs, silence)
            self._asked.add(name)
            await asyncio.sleep(max(PERIOD_S - (time.monotonic() - begun_s), 0.1))
        self._measured.forget(name)
        self._followed.discard(name)
        self._asked.discard(name)

    def _uid(self, name: Name) -> str | None:
        entry = self._services.entry(*name)
        return None if entry is None else entry.uid

    async def _round(self, name: Name, of_all: Growth, of_runs: "_Runs", silence: Silence) -> None:
        found = self._services.read(*name)
        if found is None:  # not to be read: the operator says so
            return
        service, pods = Service(*found), self._pods.owned_by(*name)
        component, asked = targets(service, pods)
        answers = await self._ask(name[0], component, asked)
        of_all.keep({target.uid for target in asked})
        some = [target.uid for target in asked[:MAX_ASKED]]
        self._measured.note(name, silence.round(some, answers, time.monotonic()))
        if len(answers) * 2 <= min(len(asked), MAX_ASKED):  # half of them, or none: no number
            return
        replicas = len(of_component(service, pods, SCORING))
        if not replicas:  # a front without replicas has no requests that run: that is no load of 0
            return
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
        read = of_front if component == FRONT else of_pod
        said = await asyncio.gather(*(self._scraper.ask(namespace, one, read) for one in some))
        return {one.uid: told for one, told in zip(some, said, strict=True) if told is not None}


class _Runs:
    def __init__(self) -> None:
        self.growth = Growth()
        self._next_s = 0.0

    def due(self, now_s: float) -> bool:
        if now_s < self._next_s:
            return False
        self._next_s = now_s + RUNS_PERIOD_S
        return True
