"""The Jobs of tasks and their pods as they are: listed and watched by the label of a task."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime

from fairlead.api.meta import TASK_LABEL
from fairlead.api.refs import Manifest
from fairlead.cluster import Cluster, Collection
from fairlead.contract import TaskState
from fairlead.diagnosis.task_job import TaskJob, is_final, task_state
from fairlead.informer.missing_rights import MissingRights
from fairlead.informer.reflector import Reflector
from fairlead.informer.store import Store
from fairlead.job_evidence import JobEvidence, project_job, project_task_pod
from fairlead.job_request import CONTAINER
from fairlead.pod_evidence import PodEvent, PodEvidence

JOB_NAME = "batch.kubernetes.io/job-name"  # the Job controller's label on pods


class WatchedJobs:
    """``changed`` is called when a Job, or a pod of one, is not what it was. ``namespaces`` are
    those to look at; none: all. ``builds_namespace`` is that of the settings."""

    def __init__(
        self,
        cluster: Cluster,
        image: str,
        changed: Callable[[], None],
        namespaces: Sequence[str],
        rights: MissingRights,
        builds_namespace: str = "",
    ) -> None:
        self._image, self._builds_namespace = image, builds_namespace
        self._jobs, self._pods = Store(project_job), Store(project_task_pod, JOB_NAME)
        self._final: dict[str, TaskState] = {}  # by the Job's uid: it does not change any more
        apart = (builds_namespace,) if builds_namespace else ()
        self._reflectors = [
            Reflector(cluster, collection, store, lambda *_: changed(), rights)
            for scope in dict.fromkeys((*namespaces, *apart) if namespaces else ("",))
            for collection, store in (
                (Collection("batch/v1", "jobs", TASK_LABEL, namespace=scope), self._jobs),
                (Collection("v1", "pods", TASK_LABEL, namespace=scope), self._pods),
            )
        ]

    async def run(self) -> None:
        """List and watch until cancelled."""
        async with asyncio.TaskGroup() as group:
            for reflector in self._reflectors:
                group.create_task(reflector.run())

    async def synced(self) -> None:
        for reflector in self._reflectors:
            await reflector.looked.wait()

    def put(self, job: Manifest) -> None:
        """Take in the answer to a write."""
        self._jobs.put(job)

    def jobs(self) -> list[JobEvidence]:
        """All Jobs of tasks, the oldest first; what only has the label is none."""
        read, apart = self._jobs.read, self._builds_namespace
        found = (JobEvidence(read(*name) or {}, apart) for name in self._jobs.names())
        known = [job for job in found if job.is_task]
        return sorted(known, key=lambda job: (job.created_at, job.name))

    def pod_of(self, job: JobEvidence) -> PodEvidence | None:
        """The Job's own pod, the newest where there are several."""
        found = [
            pod
            for pod in self._pods.owned_by(job.namespace, job.name)
            if any(owner.get("uid") == job.uid for owner in _owners(pod))
        ]
        newest = max(found, key=lambda pod: str(pod["metadata"]["creationTimestamp"]), default=None)
        return None if newest is None else PodEvidence(newest, CONTAINER)

    def state(self, job: JobEvidence, events: Sequence[PodEvent], now: datetime) -> TaskState:
        """How a Job stands; ``events`` are its own, or its pod's."""
        if job.uid in self._final:
            return self._final[job.uid]
        pod = self.pod_of(job)
        if pod is not None:
            pod = PodEvidence(pod.pod, CONTAINER, events=events)
        state = task_state(TaskJob(job, pod, self._image, events), now)
        if is_final(state):
            self._final[job.uid] = state
        return state

    def keep_final(self, jobs: Sequence[JobEvidence]) -> None:
        """Forget how Jobs ended that are gone."""
        there = {job.uid for job in jobs}
        self._final = {uid: state for uid, state in self._final.items() if uid in there}


def _owners(pod: Manifest) -> list[Manifest]:
    owners: list[Manifest] = pod["metadata"].get("ownerReferences") or []
    return owners
