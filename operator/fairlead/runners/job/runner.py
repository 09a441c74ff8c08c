"""Tasks as Kubernetes Jobs: a small reconciler of its own, from what is wanted to what there is.

What is known lies in the cluster: after a restart Jobs are found by their label and joined. What is
wanted is said anew by each object's reconcile; until all owners of a Job have spoken it is left
alone. Nothing here ends with the operator.
"""

import asyncio
import traceback
from collections.abc import Callable, Coroutine, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Self

import structlog

from fairlead.api.reasons import Reason
from fairlead.cluster import Cluster, PodLog
from fairlead.contract import LANES, Owner, Task, TaskPhase, TaskState
from fairlead.desired.task_job import RequestTooLargeError, TaskDraft, task_draft
from fairlead.diagnosis.task_job import is_final
from fairlead.errors import OperatorError, StalledError, WaitingError
from fairlead.informer.missing_rights import MissingRights
from fairlead.job_evidence import JobEvidence
from fairlead.job_request import CONTAINER
from fairlead.redact import redacted_log
from fairlead.runners.job.attempts import Attempts
from fairlead.runners.job.events import JobEvents
from fairlead.runners.job.plan import Key, View, key_of, plan
from fairlead.runners.job.turns import Turns
from fairlead.runners.job.watched import WatchedJobs
from fairlead.settings import Settings

logger = structlog.get_logger("fairlead")
ACTIVE_TICK_S, IDLE_TICK_S = 2.0, 60.0  # seconds between two looks where nothing has changed
SETTLE_S = 0.05  # several changes come at once
SYNC_TIMEOUT_S = 120.0  # for the first list
NOT_LISTED = (
    f"The Jobs of tasks, or their pods, could not be listed within {SYNC_TIMEOUT_S:.0f} s; the "
    "warnings above say why. Give the operator the rights that docs/jobs.md names."
)
REPAIR_DELAY_S = 5.0  # after a bug of ours
MAX_LOG_LINES = 20_000


class JobRunner:
    """A ``Runner`` over Jobs; a context manager, which returns once it knows all that there are.

    Entering it raises ``OperatorError`` where they cannot be listed.
    """

    def __init__(
        self,
        settings: Settings,
        cluster: Cluster,
        ca_bundle: str = "",
        rights: MissingRights | None = None,
    ) -> None:
        """``ca_bundle``: the content of the settings' file."""
        self._settings, self._cluster, self._ca_bundle = settings, cluster, ca_bundle
        self._changed = asyncio.Event()
        self._watched = WatchedJobs(
            cluster,
            settings.task_image,
            self._changed.set,
            settings.watch_namespaces,
            rights or MissingRights(),
            settings.buildkit_namespace,
        )
        self._attempts = Attempts(cluster)
        self._turns = Turns(settings)
        self._wanted: dict[str, frozenset[Key]] = {}  # by owner; of each that has spoken
        self._owners: dict[str, Owner] = {}
        self._drafts: dict[Key, TaskDraft] = {}  # of what is not released yet
        self._forgotten: set[str] = set()  # uids of Jobs
        self._states: dict[Key, TaskState] = {}  # of each task's latest attempt
        self._events = JobEvents(cluster, self._watched)
        self._listeners: list[Callable[[frozenset[str]], None]] = []
        self._work: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._work = [asyncio.create_task(_repeated(self._watched.run), name="jobs")]
        try:
            async with asyncio.timeout(SYNC_TIMEOUT_S):
                await self._watched.synced()
        except TimeoutError as error:
            await self.__aexit__()
            raise WaitingError(Reason.API_UNAVAILABLE, NOT_LISTED) from error
        self._read(datetime.now(UTC))
        self._work.append(asyncio.create_task(_repeated(self._look), name="job-runner"))
        return self

    async def __aexit__(self, *_: object) -> None:
        for work in self._work:
            work.cancel()
        await asyncio.gather(*self._work, return_exceptions=True)

    def states(self, namespace: str) -> Mapping[str, TaskState]:
        mine = {key[1]: state for key, state in self._states.items() if key[0] == namespace}
        queued = {key for key in mine if mine[key].phase is TaskPhase.QUEUED}
        places = {task: self._turns.position((namespace, task)) for task in queued}
        return mine | {task: replace(mine[task], position=places[task]) for task in queued}

    def phases(self) -> Iterable[TaskPhase]:
        return [state.phase for state in self._states.values()]

    def positions_of_new(self, namespace: str) -> Mapping[str, int]:
        return {program: self._turns.position_of_new(program, namespace) for program in LANES}

    def on_change(self, listener: Callable[[frozenset[str]], None]) -> None:
        self._listeners.append(listener)

    def want(self, owner: str, tasks: Iterable[Task]) -> None:
        wanted = list(tasks)
        keys = frozenset((task.namespace, task.id) for task in wanted)
        news = self._wanted.get(owner) != keys
        self._wanted[owner] = keys
        for task in wanted:
            news = self._note(task) or news
        if news:
            self._drop_unwanted()
            self._changed.set()

    def forget(self, identifiers: Iterable[str]) -> None:
        wanted = {task for keys in self._wanted.values() for _, task in keys}
        gone = set(identifiers) - wanted
        for job in self._watched.jobs() if gone else ():
            state = self._states.get(key_of(job))
            if job.task in gone and state and state.phase is TaskPhase.SUCCEEDED:
                self._forgotten.add(job.uid)
                self._changed.set()
        for key in [key for key, state in self._states.items() if key[1] in gone]:
            if self._states[key].phase is TaskPhase.SUCCEEDED:
                del self._states[key]

    async def log_of(self, build: str, max_bytes: int) -> str:
        """The logs of a build's pods that are still there, redacted."""
        namespace, texts = build.partition("/")[0], list[str]()
        for job in self._watched.jobs():
            mine = (job.works_for, job.build) == (namespace, build)
            pod = self._watched.pod_of(job) if mine else None
            if pod is not None:
                texts.append(await self._log(job.namespace, pod.name, max_bytes))
        return redacted_log("".join(texts)[-max_bytes:])

    async def _log(self, namespace: str, pod: str, max_bytes: int) -> str:
        log = PodLog(namespace, pod, CONTAINER, previous=False, lines=MAX_LOG_LINES)
        try:
            return await self._cluster.log_tail(replace(log, limit_bytes=max_bytes)) or ""
        except OperatorError as error:
            logger.warning("log of a task not read", pod=pod, why=str(error))
            return ""

    # --- what is wanted

    def _note(self, task: Task) -> bool:
        """Take note of a wanted task; return whether that is news. Raises ``StalledError``."""
        key = (task.namespace, task.id)
        known, draft = self._states.get(key), self._drafts.get(key)
        if task.owner is not None:
            self._owners[task.owner.uid] = task.owner
        begun = known is not None and known.attempt >= task.attempt
        waits = known is not None and known.phase is TaskPhase.QUEUED
        if (begun and not waits) or (draft and draft.attempt == task.attempt):
            return False
        self._drafts[key] = self._draft(task)
        return True

    def _draft(self, task: Task) -> TaskDraft:
        if task.owner is None:
            raise ValueError(f"nobody owns task {task.id}")
        try:
            return task_draft(task, task.owner, self._settings, self._ca_bundle)
        except RequestTooLargeError as error:
            what = f"The source cannot be handed to a task: {error}. Make it smaller."
            raise StalledError(Reason.SOURCE_TOO_LARGE, what) from error

    def _drop_unwanted(self) -> None:
        wanted = set().union(*self._wanted.values())
        for key in self._drafts.keys() - wanted:
            del self._drafts[key]

    # --- what there is

    async def _look(self) -> None:
        active = any(not is_final(state) for state in self._states.values()) or self._drafts
        with suppress(TimeoutError):
            async with asyncio.timeout(ACTIVE_TICK_S if active else IDLE_TICK_S):
                await self._changed.wait()
                await asyncio.sleep(SETTLE_S)
        self._changed.clear()
        now = datetime.now(UTC)
        await self._events.read(now)
        jobs = self._read(now)
        actions = plan(self._view(jobs, now))
        for answer in await self._attempts.carry_out(actions):
            self._watched.put(answer)

    def _read(self, now: datetime) -> list[tuple[JobEvidence, TaskState]]:
        """Read how everything stands; tell those whom it concerns what has changed."""
        jobs = self._watched.jobs()
        self._watched.keep_final(jobs)
        seen = [(job, self._watched.state(job, self._events.of(job), now)) for job in jobs]
        before, self._states = self._states, self._latest(seen)
        self._let_run()
        self._turns.update(self._drafts, seen)
        for key in before.keys() | self._states.keys():
            if before.get(key) != self._states.get(key):
                self._tell(key, jobs)
        self._tidy(jobs)
        return seen

    def _latest(self, seen: Iterable[tuple[JobEvidence, TaskState]]) -> dict[Key, TaskState]:
        """The state of each task: of its newest attempt that is news."""
        states: dict[Key, TaskState] = {}
        for job, state in seen:
            known = states.get(key_of(job))
            news = not (job.leaving or job.taken or job.uid in self._forgotten)
            if news and (known is None or known.attempt < job.attempt):
                states[key_of(job)] = state
        for key, draft in self._drafts.items():
            known, failure = states.get(key), self._attempts.failure(draft.namespace, draft.name)
            if known is None or known.attempt < draft.attempt:
                states[key] = TaskState(
                    draft.task,
                    draft.attempt,
                    TaskPhase.QUEUED,
                    draft.build,
                    failure=failure,
                )
            elif known.phase is TaskPhase.QUEUED and failure is not None:
                states[key] = replace(known, failure=failure)
        return states

    def _let_run(self) -> None:
        """What was released needs no draft any more."""
        for key, draft in list(self._drafts.items()):
            state = self._states[key]
            if state.attempt >= draft.attempt and state.phase is not TaskPhase.QUEUED:
                del self._drafts[key]

    def _tell(self, key: Key, jobs: Iterable[JobEvidence]) -> None:
        owners = {uid for uid, keys in self._wanted.items() if key in keys}
        owners |= {uid for job in jobs if key_of(job) == key for uid in job.owner_uids}
        for listener in self._listeners:
            listener(frozenset(owners))

    def _tidy(self, jobs: Iterable[JobEvidence]) -> None:
        """Remember nothing about what is gone."""
        uids, owners = {job.uid for job in jobs}, {uid for job in jobs for uid in job.owner_uids}
        self._forgotten &= uids
        self._events.keep(uids)
        if not self._attempts.pending:  # a Job that is being made belongs to somebody
            self._wanted = {o: keys for o, keys in self._wanted.items() if keys or o in owners}
        self._owners = {uid: owner for uid, owner in self._owners.items() if uid in self._wanted}

    def _view(self, jobs: list[tuple[JobEvidence, TaskState]], now: datetime) -> View:
        return View(
            jobs=jobs,
            drafts=self._drafts,
            wanted=self._wanted,
            owners=self._owners,
            turns=self._turns.given(),
            forgotten=self._forgotten,
            kept_s=self._settings.task_jobs_kept_seconds,
            now=now,
        )


async def _repeated(work: Callable[[], Coroutine[None, None, None]]) -> None:
    """Do ``work`` again and again until cancelled; a bug of ours is logged, and looked past."""
    while True:
        task = asyncio.create_task(work())
        try:
            await asyncio.wait({task})
        finally:
            task.cancel()
        error = None if task.cancelled() else task.exception()
        if error is not None:
            trace = "".join(traceback.format_exception(error))
            logger.error("job runner failed", traceback=trace)
            await asyncio.sleep(REPAIR_DELAY_S)
