"""Where a log is found: in the pod of a task that runs, in the registry ever after."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from fairlead.api.meta import API_VERSION, INFERENCE_IMAGE
from fairlead.api.objects import read_image
from fairlead.api.refs import Ref
from fairlead.cluster import Cluster
from fairlead.decide.image.build import repository
from fairlead.desired.log_tail import read_tail, tail_name
from fairlead.log_address import ENVIRONMENTS, IMAGES, MODELS, LogName
from fairlead.logs.kept import KeptLogs
from fairlead.logs.pod_logs import PodLogs, TaskPod
from fairlead.redact import redacted_log
from fairlead.settings import Settings

POLL_S = 2.0  # where a task has not begun yet
LOOKS_PER_READ = 15  # a registry is asked less often than the cluster
Pieces = AsyncGenerator[str, None]


@dataclass(frozen=True)
class Place:
    """Where a log is kept: a repository as nodes name it, and whose it must be there."""

    repository: str
    owner: str


class LogSources:
    """Raises ``OperatorError`` where the cluster cannot be asked, ``LogUnreadableError`` where the
    registry cannot."""

    def __init__(self, settings: Settings, cluster: Cluster) -> None:
        self._settings, self._cluster = settings, cluster
        self._pods, self._kept = PodLogs(cluster, settings.buildkit_namespace), KeptLogs(settings)

    def close(self) -> None:
        self._pods.close()
        self._kept.close()

    async def read(self, name: LogName) -> Pieces:
        """The log as it is now, piece by piece; nothing where there is none."""
        task = await self._pods.find(name)
        begun = False
        for sources in self._places(name, task):
            for source in sources:
                async with aclosing(source) as pieces:
                    async for piece in pieces:
                        begun = True
                        yield piece
            if begun:
                return

    def _places(self, name: LogName, task: TaskPod | None) -> list[tuple[Pieces, ...]]:
        """Where the log may be: the first that has any of it counts.

        What an image printed when it was tried follows the log of how it was put together.
        """
        kept = () if name.collection == MODELS else (self._kept_log(name),)
        if task is None or not task.begun:
            return [(*kept, self._kept_tail(name))]
        printed = self._printed(task, follow=False)
        if task.tries_image:
            return [(*kept, printed)]
        rest = (*kept, self._kept_tail(name))
        return [rest, (printed,)] if task.told else [(printed,), rest]

    async def follow(self, name: LogName) -> Pieces:
        """The log to its end; a task that has not begun is waited for."""
        begun, look = False, 0
        while not begun:
            task = await self._pods.find(name)
            followed = self._followed(name, task, kept=look % LOOKS_PER_READ == 0)
            async with aclosing(followed) as pieces:
                async for piece in pieces:
                    begun = True
                    yield piece
            if not begun:
                look += 1
                await asyncio.sleep(POLL_S)

    async def _followed(self, name: LogName, task: TaskPod | None, *, kept: bool) -> Pieces:
        """What there is to follow; ``kept``: also where no Job is (any more)."""
        if task is not None and not task.over:
            source = self._followed_task(name, task)
        elif task is not None or kept:
            source = self.read(name)
        else:
            return
        async with aclosing(source) as pieces:
            async for piece in pieces:
                yield piece

    async def _followed_task(self, name: LogName, task: TaskPod) -> Pieces:
        before = [self._kept_log(name)] if task.tries_image and task.begun else []
        for source in (*before, self._printed(task, follow=True)):
            async with aclosing(source) as pieces:
                async for piece in pieces:
                    yield piece

    async def _printed(self, task: TaskPod, *, follow: bool) -> Pieces:
        if task.pod is None or not task.begun:
            return
        async with aclosing(self._pods.pieces(task.pod, follow=follow)) as pieces:
            async for piece in pieces:
                yield piece

    async def _kept_log(self, name: LogName) -> Pieces:
        place = await self._place(name)
        if not self._kept.is_ours(place.repository):
            return
        text = await self._kept.find(place.repository, name.tag, place.owner)
        if text:
            yield text

    async def _kept_tail(self, name: LogName) -> Pieces:
        """The end of a log that lies in a registry of the object's own."""
        if name.collection != IMAGES:
            return
        ref = Ref("v1", "configmaps", name.namespace, tail_name(name))
        found = await self._cluster.get(ref)
        text = await asyncio.to_thread(redacted_log, read_tail(name, found)) if found else ""
        if text:
            yield text

    async def _place(self, name: LogName) -> Place:
        if name.collection == ENVIRONMENTS:
            shared = f"{self._settings.registry}/{name.namespace}/fairlead/{ENVIRONMENTS}"
            return Place(shared, f"{name.namespace}/{ENVIRONMENTS}")
        owner = f"{name.namespace}/{name.owner}"
        ref = Ref(API_VERSION, INFERENCE_IMAGE.plural, name.namespace, name.owner)
        body = await self._cluster.get(ref)
        if body is None:  # its logs outlive it, where they usually are
            return Place(f"{self._settings.registry}/{owner}", owner)
        return Place(repository(read_image(body), self._settings), owner)
