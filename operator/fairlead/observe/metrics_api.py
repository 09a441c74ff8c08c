"""What autoscalers of this cluster can go by: is our metrics API there, or somebody else's?

It is looked at once before the first reconcile, and now and then; what cannot be read is taken to
be as it was, so that no autoscaler goes from one metric to another for want of an answer.
"""

import asyncio
import random
from collections.abc import Callable, Iterable
from dataclasses import replace

import structlog

from fairlead.api.refs import Manifest, Ref
from fairlead.cluster import Cluster
from fairlead.errors import OperatorError
from fairlead.evidence import ScalingSettings
from fairlead.observe.fast_lane import FastLane
from fairlead.observe.measures import Measures, Name

logger = structlog.get_logger("fairlead")
PERIOD_S = 60.0
REGISTRATION = Ref("apiregistration.k8s.io/v1", "apiservices", "", "v1beta2.custom.metrics.k8s.io")
TOLERANCE_SINCE = (1, 35)  # before, the field was there and, by default, dropped


class MetricsApi:
    """``service`` is that of our metrics API, as ``namespace/name``. ``settings`` is what is known;
    ``changed`` is called where that has changed."""

    def __init__(self, cluster: Cluster, service: str) -> None:
        self._cluster = cluster
        self._service = service
        self.settings = ScalingSettings(installed=True)
        self.measures = Measures(cluster)
        self.fast_lane = FastLane(cluster)

    def settings_of(self, name: Name) -> ScalingSettings:
        """With what holds for this Webservice now."""
        return replace(self.settings, floor=self.fast_lane.floor(name))

    async def run(
        self, names: Callable[[], Iterable[Name]], changed: Callable[[Iterable[Name]], None]
    ) -> None:
        """Look until cancelled; ``names`` are those of all Webservices, of which some have
        ``changed``: what they scale by, or what is measured of them."""
        while True:
            before = self.settings
            await self.look()
            ours = () if self.settings.taken_by else names()
            news = await self.measures.look(ours)
            changed(names() if self.settings != before else news)
            await asyncio.sleep(PERIOD_S * random.uniform(0.8, 1.0))

    async def look(self) -> None:
        """Once."""
        try:
            registered = await self._cluster.get(REGISTRATION)
            version = await self._cluster.server_version()
        except OperatorError as error:
            logger.warning("metrics API not looked for", why=str(error))
            return
        found = replace(
            self.settings,
            taken_by=_other(registered, self._service),
            tolerance=version >= TOLERANCE_SINCE,
        )
        if found.taken_by != self.settings.taken_by:
            logger.info("custom.metrics.k8s.io", served_by=found.taken_by or self._service)
        self.settings = found


def _other(registered: Manifest | None, service: str) -> str:
    """Who serves it; empty where that is us, or nobody yet."""
    found = ((registered or {}).get("spec") or {}).get("service") or {}
    there = f"{found.get('namespace', '')}/{found.get('name', '')}"
    return "" if registered is None or there == service else f"Service {there}"
