"""What a task printed, kept by the operator where the task's registry is not the operator's."""

import asyncio
from contextlib import aclosing

from fairlead.api.reasons import Reason
from fairlead.api.refs import Manifest
from fairlead.cluster import Cluster
from fairlead.desired.log_tail import MAX_TAIL_BYTES, log_tail_map
from fairlead.errors import WaitingError
from fairlead.job_evidence import JobEvidence
from fairlead.log_address import LogName, image_log
from fairlead.logs.pod_logs import PodLogs

READ_TIMEOUT_S = 10.0  # no other Job is looked at meanwhile


async def kept_log(job: JobEvidence, cluster: Cluster) -> Manifest | None:
    """The ConfigMap with the end of the log of a Job that is over; None where it has none: its pod
    is gone, or it is for no build of its own namespace. Raises ``OperatorError``."""
    name = _log_of(job)
    if name is None:
        return None
    logs, text = PodLogs(cluster), ""
    try:
        pod = await logs.pod_of(job)
        if pod is None:
            return None
        async with (
            asyncio.timeout(READ_TIMEOUT_S),
            aclosing(logs.pieces(pod, follow=False)) as pieces,
        ):
            async for piece in pieces:
                text = (text + piece)[-MAX_TAIL_BYTES:]
    except TimeoutError as error:
        why = f"The log of Job {job.name} was not read within {READ_TIMEOUT_S:.0f} s."
        raise WaitingError(Reason.API_UNAVAILABLE, why) from error
    finally:
        logs.close()
    made = await asyncio.to_thread(log_tail_map, name, job.owners, text)
    return made if text and made["metadata"]["ownerReferences"] else None


def _log_of(job: JobEvidence) -> LogName | None:
    """The build's log. Whoever may write Jobs can write one for a build of another namespace."""
    namespace, _, rest = job.build.partition("/")
    image, _, build = rest.partition("/")
    return image_log(namespace, image, build) if namespace == job.namespace and build else None
