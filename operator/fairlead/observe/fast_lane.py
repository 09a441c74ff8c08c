"""What the metrics API says of the Webservices that have ``autoscale.fastLane``: every two seconds.

Each reconcile notes what it saw of its Webservice here, and takes the floor that is held for it.
Nothing of this outlives the operator: another one lets a floor fall, and the autoscaler has seen
the load by then.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

import structlog

from fairlead.api.meta import WEBSERVICE
from fairlead.api.objects import Webservice
from fairlead.api.refs import Ref
from fairlead.api.webservice import ScalingMetric
from fairlead.capacity.spike import Floor, Lane, next_floor
from fairlead.cluster import Cluster
from fairlead.desired.autoscaler import DEMAND, requests_of_each, scaled_by
from fairlead.errors import OperatorError
from fairlead.evidence import ChildEvidence, ScalingSettings
from fairlead.observe.measures import API_VERSION, MAX_FAILURES, Name, read_metric

logger = structlog.get_logger("fairlead")
PERIOD_S = 2.0
MAX_BY_NAME = 10  # Webservices of a namespace; of more, all are asked for at once


class FastLane:
    """Nobody is asked while no Webservice asks for it."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._lanes: dict[Name, Lane] = {}
        self._floors: dict[Name, Floor] = {}

    def floor(self, name: Name) -> int:
        """The fewest replicas there may be now; 0: it is not for us to say."""
        held = self._floors.get(name)
        return held.replicas if held else 0

    def note(
        self, webservice: Webservice, deployment: ChildEvidence | None, settings: ScalingSettings
    ) -> None:
        """What a reconcile has seen."""
        name, wanted = (webservice.namespace, webservice.name), webservice.spec.autoscaled
        if (
            wanted is None
            or not wanted.fast_lane
            or deployment is None
            or scaled_by(wanted, settings) is not ScalingMetric.CONCURRENCY
        ):
            self._lanes.pop(name, None)
            self._floors.pop(name, None)
            return
        current = int(deployment.spec.get("replicas", 1))
        each = requests_of_each(webservice, wanted)
        self._lanes[name] = Lane(each, wanted.max_replicas, current)

    async def run(
        self, names: Callable[[], Iterable[Name]], changed: Callable[[Iterable[Name]], None]
    ) -> None:
        """Look until cancelled; ``names`` are all Webservices that there are."""
        while True:
            if self._lanes:
                changed(await self.look(names()))
            await asyncio.sleep(PERIOD_S)

    async def look(self, names: Iterable[Name]) -> set[Name]:
        """Once; return those of which the floor is another now."""
        there = set(names)
        self._lanes = {known: lane for known, lane in self._lanes.items() if known in there}
        demands = await self._demands()
        before, now_s = self._floors, time.monotonic()
        floors = {
            known: next_floor(before.get(known), demands.get(known), lane, now_s)
            for known, lane in self._lanes.items()
        }
        self._floors = {known: floor for known, floor in floors.items() if floor is not None}
        for new in self._floors.keys() - before.keys():
            logger.info("spike", webservice="/".join(new), replicas=self._floors[new].replicas)
        every = before.keys() | self._floors.keys()
        return {one for one in every if before.get(one) != self._floors.get(one)}

    async def _demands(self) -> Mapping[Name, float]:
        by_namespace = defaultdict[str, list[str]](list)
        for namespace, name in self._lanes:
            by_namespace[namespace].append(name)
        found, failures = dict[Name, float](), 0
        for namespace, names in by_namespace.items():
            for name in names if len(names) <= MAX_BY_NAME else ["*"]:
                answer = await self._of(namespace, name)
                found |= answer or {}
                failures += answer is None
                if failures >= MAX_FAILURES:  # it is not there: floors end in time all the same
                    return found
        return found

    async def _of(self, namespace: str, name: str) -> Mapping[Name, float] | None:
        """None where there is no answer."""
        ref = Ref(API_VERSION, WEBSERVICE.crd_name, namespace, f"{name}/{DEMAND}")
        try:
            return read_metric(await self._cluster.get(ref), DEMAND)
        except OperatorError as error:
            logger.debug("demand not read", namespace=namespace, why=str(error))
            return None
