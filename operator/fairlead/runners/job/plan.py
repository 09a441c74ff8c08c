"""What is to be done about the Jobs of tasks: a pure function of what there is and what is wanted.

A Job that was released is never suspended again, for that would end its pod. One that is over is
never deleted before its result was taken; Kubernetes removes it some time after. One that runs is
ended when every object that it belongs to has said since this operator began that it does not want
it: after a restart nothing is ended before they have.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from fairlead.contract import Owner, TaskState
from fairlead.desired.task_job import TaskDraft
from fairlead.diagnosis.task_job import is_final
from fairlead.job_evidence import NEVER, JobEvidence

Key = tuple[str, str]
"""A task: its namespace and id. What is in one namespace says nothing of another's tasks."""
TAKEN_KEPT_S = 600  # that a Job stays, with its log, when its result was taken
KEEP_LOG_WITHIN = timedelta(minutes=10)  # then the Job goes, with its log
LINGERS_AFTER = timedelta(minutes=1)  # the Job controller needs a moment


@dataclass(frozen=True)
class Create:
    draft: TaskDraft


@dataclass(frozen=True)
class Release:
    """Make the request's ConfigMap, and let the Job run."""

    job: JobEvidence
    draft: TaskDraft


@dataclass(frozen=True)
class Join:
    """Add owners to a Job, so that it stays as long as one of them."""

    job: JobEvidence
    owners: tuple[Owner, ...]


@dataclass(frozen=True)
class End:
    job: JobEvidence


@dataclass(frozen=True)
class Expire:
    """Let Kubernetes remove a Job that is over, some time after its end."""

    job: JobEvidence
    after_s: int
    taken: bool = False


@dataclass(frozen=True)
class KeepLog:
    """Keep the end of the log of a Job that is over: its registry is not the operator's."""

    job: JobEvidence


Action = Create | Release | Join | End | Expire | KeepLog


@dataclass(frozen=True)
class View:
    """What there is, and what is wanted; Jobs that are being deleted count, too."""

    jobs: Sequence[tuple[JobEvidence, TaskState]] = ()
    drafts: Mapping[Key, TaskDraft] = field(default_factory=dict)
    wanted: Mapping[str, frozenset[Key]] = field(default_factory=dict)
    """By the uid of each owner that has spoken."""
    owners: Mapping[str, Owner] = field(default_factory=dict)
    turns: Collection[Key] = ()
    """The tasks whose turn it is to run."""
    forgotten: Collection[str] = ()
    """The uids of Jobs whose results were taken."""
    kept_s: int = 86_400
    """How long a Job that is over stays."""
    now: datetime = NEVER


def key_of(job: JobEvidence) -> Key:
    return job.works_for, job.task


def plan(view: View) -> list[Action]:
    """Return what is to be done now; doing any of it twice does no harm."""
    return [*_of_drafts(view), *_of_jobs(view)]


def wanters_of(wanted: Mapping[str, frozenset[Key]]) -> Mapping[Key, set[str]]:
    """The owners that want each task."""
    wanters = defaultdict[Key, set[str]](set)
    for owner, keys in wanted.items():
        for key in keys:
            wanters[key].add(owner)
    return wanters


def _of_drafts(view: View) -> Iterator[Action]:
    named = {(job.namespace, job.name): job for job, _ in view.jobs}
    for key, draft in view.drafts.items():
        job = named.get((draft.namespace, draft.name))
        if job is None:
            yield Create(draft)
        elif job.leaving:
            continue  # its name is free in a moment
        elif job.taken or (job.suspended and job.request != draft.request):
            yield End(job)  # the same work afresh, or with another request than it has
        elif job.suspended and key in view.turns:
            yield Release(job, draft)


def _of_jobs(view: View) -> Iterator[Action]:
    wanters, newest = wanters_of(view.wanted), _newest(view)
    for job, state in view.jobs:
        key = key_of(job)
        if job.leaving:
            continue
        if is_final(state):
            yield from _of_ended(view, job, state, superseded=newest[key] > job.attempt)
            continue
        mine = wanters.get(key, set())
        if not mine and _let_go(view, job):
            yield End(job)
        missing = sorted(mine - job.owner_uids)
        joining = tuple(view.owners[uid] for uid in missing if uid in view.owners)
        if joining:
            yield Join(job, joining)


def _of_ended(
    view: View, job: JobEvidence, state: TaskState, *, superseded: bool
) -> Iterator[Action]:
    if _log_is_to_keep(view, job, state):
        yield KeepLog(job)
        return
    taken = job.taken or job.uid in view.forgotten
    if taken and not job.taken:
        yield Expire(job, TAKEN_KEPT_S, taken=True)
    elif not job.expires:
        yield Expire(job, view.kept_s)
    elif (taken or superseded) and not job.finished and _lingers(view, state):
        yield End(job)


def _log_is_to_keep(view: View, job: JobEvidence, state: TaskState) -> bool:
    """Of what is tried again only the last attempt's log is kept: there may be any number."""
    again = state.failure is not None and state.failure.retryable
    long_ago = state.finished_at is None or view.now - state.finished_at > KEEP_LOG_WITHIN
    needless = job.log_if_failed and state.failure is None
    return job.log_to_keep and not needless and not again and not long_ago


def _lingers(view: View, state: TaskState) -> bool:
    """The task ended long ago: a container that somebody added to the pod goes on."""
    return state.finished_at is not None and view.now - state.finished_at > LINGERS_AFTER


def _let_go(view: View, job: JobEvidence) -> bool:
    """Everybody it belongs to has spoken, and nobody wants it."""
    nobody = frozenset[Key]()
    spoken = [view.wanted.get(uid) for uid in job.owner_uids]
    return bool(spoken) and all(
        keys is not None and key_of(job) not in (keys or nobody) for keys in spoken
    )


def _newest(view: View) -> Mapping[Key, int]:
    newest = defaultdict[Key, int](int)
    for job, _ in view.jobs:
        newest[key_of(job)] = max(newest[key_of(job)], job.attempt)
    return newest
