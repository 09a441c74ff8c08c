"""The log of a task from its Job's pod, found in the cluster and nowhere else.

So every replica of the operator finds it, whichever of them works.
"""

import asyncio
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass

from fairlead.api.meta import LOG_LABEL
from fairlead.api.refs import Manifest
from fairlead.cluster import Cluster, Collection, PodLog
from fairlead.diagnosis.smoke_test import TRIALS
from fairlead.job_evidence import JobEvidence, project_job, project_task_pod
from fairlead.job_request import CONTAINER
from fairlead.log_address import ENVIRONMENTS, LogName
from fairlead.logs.redacted_lines import RedactedLines
from fairlead.pod_evidence import PodEvidence
from fairlead.task_message import read_message

JOB_NAME = "batch.kubernetes.io/job-name"  # the Job controller's label on pods
MAX_LINES = 20_000
MAX_REDACTIONS_AT_ONCE = 2


@dataclass(frozen=True)
class TaskPod:
    """A Job that writes a log, and its pod: None where there is none (yet, or any more)."""

    job: JobEvidence
    pod: PodEvidence | None

    @property
    def over(self) -> bool:
        """Nothing more is printed."""
        return self.job.finished or bool(self.pod and (self.pod.finished or self.pod.scoring.ended))

    @property
    def begun(self) -> bool:
        """Its container runs or ran: there is a log."""
        container = self.pod.scoring if self.pod else None
        return bool(container and (container.running or container.ended))

    @property
    def tries_image(self) -> bool:
        """What it prints goes on where the log of how the image was put together ends, if the
        log's name is that of a build."""
        return self.job.program in TRIALS

    @property
    def told(self) -> bool:
        """It ended by itself, and so has kept its log."""
        container = self.pod.scoring if self.pod else None
        try:
            return bool(container and read_message(self.job.program, container.termination_message))
        except ValueError:
            return False


class PodLogs:
    def __init__(self, cluster: Cluster, builds_namespace: str = "") -> None:
        """``builds_namespace``: that of the settings, where tasks of other namespaces are, too."""
        self._cluster, self._builds_namespace = cluster, builds_namespace
        self._threads = ThreadPoolExecutor(MAX_REDACTIONS_AT_ONCE, "log-redaction")

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def find(self, name: LogName) -> TaskPod | None:
        """The newest Job that writes the log. Raises ``OperatorError``."""
        apart = self._builds_namespace if name.collection == ENVIRONMENTS else ""
        found = await self._jobs(name, name.namespace)
        if apart and apart != name.namespace:
            found += await self._jobs(name, apart)
        job = max(found, key=_made, default=None)
        return TaskPod(job, await self.pod_of(job)) if job else None

    async def pieces(self, pod: PodEvidence, *, follow: bool) -> AsyncGenerator[str, None]:
        """What the task printed, redacted, as it comes. Raises ``OperatorError``."""
        namespace = str(pod.metadata["namespace"])
        log = PodLog(namespace, pod.name, CONTAINER, previous=False, lines=MAX_LINES)
        lines, loop = RedactedLines(), asyncio.get_running_loop()
        async with aclosing(self._cluster.stream_log(log, follow=follow)) as contents:
            async for content in contents:
                text = await loop.run_in_executor(self._threads, lines.feed, content)
                if text:
                    yield text
        rest = await loop.run_in_executor(self._threads, lines.finish)
        if rest:
            yield rest

    async def _jobs(self, name: LogName, namespace: str) -> list[JobEvidence]:
        labelled = f"{LOG_LABEL}={name.label}"
        jobs = Collection("batch/v1", "jobs", labelled, namespace=namespace)
        listed = await self._cluster.list_all(jobs)
        found = [JobEvidence(project_job(job), self._builds_namespace) for job in listed.items]
        return [one for one in found if one.is_task and one.works_for == name.namespace]

    async def pod_of(self, job: JobEvidence) -> PodEvidence | None:
        """The Job's own pod, the newest where there are several. Raises ``OperatorError``."""
        pods = Collection("v1", "pods", f"{JOB_NAME}={job.name}", namespace=job.namespace)
        listed = await self._cluster.list_all(pods)
        mine = [project_task_pod(pod) for pod in listed.items if _belongs_to(pod, job)]
        newest = max(mine, key=lambda pod: str(pod["metadata"]["creationTimestamp"]), default=None)
        return None if newest is None else PodEvidence(newest, CONTAINER)


def _made(job: JobEvidence) -> tuple[str, str]:
    return job.created_at.isoformat(), job.name


def _belongs_to(pod: Manifest, job: JobEvidence) -> bool:
    owners = pod["metadata"].get("ownerReferences") or []
    return any(owner.get("uid") == job.uid for owner in owners)
