"""What was planned about the Jobs of tasks, carried out on the cluster."""

from collections.abc import Sequence

from fairlead.api.meta import LOG_KEPT, TASK_LOG, TASK_TAKEN
from fairlead.api.refs import Manifest, Ref
from fairlead.cluster import Cluster
from fairlead.contract import Owner
from fairlead.desired.task_job import owner_note, owner_reference
from fairlead.job_evidence import JobEvidence
from fairlead.runners.job.keep_log import kept_log
from fairlead.runners.job.plan import Action, Create, End, Expire, Join, KeepLog, Release


async def act(action: Action, cluster: Cluster) -> Manifest | bool:
    """Carry out one action. Raises ``OperatorError``.

    Returns the Job as it is now where it was patched; False where a Job was to be created and its
    name is taken, or where a patched one is gone; True else.
    """
    match action:
        case Create(draft):
            return await cluster.create(draft.job)
        case Release(job, draft):
            await cluster.create(draft.config_map(job.uid))  # by an operator before this one, else
            return await _patch(job, {"spec": {"suspend": False}}, cluster)
        case Join(job, owners):
            return await _patch(job, {"metadata": _joined(job, owners)}, cluster)
        case Expire(job, after_s, taken):
            spec = {"ttlSecondsAfterFinished": after_s}
            marked = {"annotations": {TASK_TAKEN: "true"}} if taken else {}
            return await _patch(job, {"metadata": marked, "spec": spec}, cluster)
        case KeepLog(job):
            log = await kept_log(job, cluster)
            if log is not None:
                await cluster.create(log)
            return await _patch(job, {"metadata": {"annotations": {TASK_LOG: LOG_KEPT}}}, cluster)
        case End(job):
            await cluster.delete(_ref(job), job.uid)
            return True


def _joined(job: JobEvidence, owners: Sequence[Owner]) -> Manifest:
    """The metadata with further owners."""
    if job.is_apart:
        return {"annotations": {key: of for one in owners for key, of in owner_note(one).items()}}
    references = [*job.owners, *(owner_reference(owner) for owner in owners)]
    return {
        "ownerReferences": references,
        "resourceVersion": job.resource_version,  # others may join meanwhile
    }


async def _patch(job: JobEvidence, patch: Manifest, cluster: Cluster) -> Manifest | bool:
    """Patch the very Job that was observed."""
    metadata = {**patch.get("metadata", {}), "uid": job.uid}
    answer = await cluster.merge(_ref(job), {**patch, "metadata": metadata})
    return answer or False


def _ref(job: JobEvidence) -> Ref:
    return Ref("batch/v1", "jobs", job.namespace, job.name)
