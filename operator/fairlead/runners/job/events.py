"""The events of Jobs that were released and do not begin: only they say why.

They cost a request, so they are read of these alone, and not all the time.
"""

import asyncio
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

import structlog

from fairlead.cluster import Cluster
from fairlead.diagnosis.pod_events import needs_events
from fairlead.errors import OperatorError
from fairlead.job_evidence import NEVER, JobEvidence
from fairlead.pod_evidence import PodEvent, read_event
from fairlead.runners.job.watched import WatchedJobs

logger = structlog.get_logger("fairlead")
NO_POD_AFTER = timedelta(seconds=2)  # a pod that is refused leaves an event of the Job
EVENTS_EVERY = timedelta(seconds=4)
AT_ONCE = 16


class JobEvents:
    def __init__(self, cluster: Cluster, watched: WatchedJobs) -> None:
        self._cluster, self._watched = cluster, watched
        self._events: dict[str, Sequence[PodEvent]] = {}  # by the uid of the Job
        self._asked_at: dict[str, datetime] = {}

    def of(self, job: JobEvidence) -> Sequence[PodEvent]:
        """Those of the Job or of its pod, as they were read last."""
        return self._events.get(job.uid, ())

    def keep(self, uids: Collection[str]) -> None:
        """Forget those of all other Jobs."""
        self._events = {uid: found for uid, found in self._events.items() if uid in uids}
        self._asked_at = {uid: at for uid, at in self._asked_at.items() if uid in uids}

    async def read(self, now: datetime) -> None:
        """Read those that are needed now, of the Jobs that have waited longest for it."""
        needed = [
            (self._asked_at.get(job.uid, NEVER), about, job)
            for job in self._watched.jobs()
            if (about := self._silent(job, now))
        ]
        due = [one for one in needed if now - one[0] >= EVENTS_EVERY]
        due.sort(key=lambda one: one[0])
        await asyncio.gather(*(self._read(job, about, now) for _, about, job in due[:AT_ONCE]))

    async def _read(self, job: JobEvidence, about: str, now: datetime) -> None:
        self._asked_at[job.uid] = now
        try:
            found = await self._cluster.pod_events(job.namespace, about)
        except OperatorError as error:
            logger.warning("events of a task not read", job=job.name, why=str(error))
            return
        self._events[job.uid] = [read_event(event) for event in found]

    def _silent(self, job: JobEvidence, now: datetime) -> str:
        """The uid whose events tell why a Job does not begin; empty where none are needed."""
        if job.suspended or job.finished or job.leaving:
            return ""
        pod = self._watched.pod_of(job)
        if pod is None:
            waited = job.started_at is not None and now - job.started_at >= NO_POD_AFTER
            return job.uid if waited else ""
        return str(pod.metadata.get("uid") or "") if needs_events(pod, now) else ""
