"""Tasks as child processes of the operator: for development, kind and a single machine.

Each attempt has a folder ``<state>/tasks/<id>/<attempt>/`` with its request, result and log. A task
that ran when the operator died is ended and started again, never adopted: what it wrote last says
whether it had finished. Nothing here blocks the event loop: folders are written, read and removed
by threads.
"""

import asyncio
import traceback
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Self, TypeVar

import structlog

from fairlead.api.reasons import Reason
from fairlead.contract import LANES, Task, TaskPhase, TaskState
from fairlead.errors import StalledError
from fairlead.runners.handed_files import UnsafeFileError, refuse_unsafe
from fairlead.runners.lanes import Lane
from fairlead.runners.outcome import failed, not_prepared, not_started, outcome, runner_failed
from fairlead.runners.prepared import PreparedTasks
from fairlead.runners.process import (
    Command,
    Start,
    run_program,
    starting,
    task_command,
    undisturbed,
)
from fairlead.runners.retention import RetentionLimits
from fairlead.runners.state_lock import StateLock
from fairlead.runners.task_folder import TaskFolders
from fairlead.settings import Settings

logger = structlog.get_logger("fairlead")
DISK_THREADS = 4
MAX_STATES = 10_000  # of ended tasks that are remembered; one is a few KiB at the most
OTHER_LANE = "tasks_at_once"  # of any other program
WAITING_OR_RUNNING = (TaskPhase.QUEUED, TaskPhase.RUNNING)
Result = TypeVar("Result")


class LocalRunner:
    """A ``Runner`` over child processes; a context manager, which ends them all when it is left.

    Entering it raises ``OSError``, with a sentence for people, where the state folder cannot be
    used.
    """

    def __init__(self, settings: Settings, command: Command | None = None) -> None:
        """``command``: what stands for our own programs in tests."""
        self._settings, self._command = settings, command
        self._state_folder = settings.state_folder.expanduser().absolute()
        self._folders = TaskFolders(self._state_folder)
        self._prepared = PreparedTasks(self._folders.root)
        self._threads = ThreadPoolExecutor(DISK_THREADS, "task-folders")
        self._lanes = {lane: Lane(getattr(settings, lane)) for lane in LANES.values()}
        self._turns: dict[str, asyncio.Event] = {}  # of those that wait or run: a slot is theirs
        self._wanted: dict[str, frozenset[str]] = {}  # by owner
        self._wanters: defaultdict[str, set[str]] = defaultdict(set)  # by task
        self._jobs: dict[str, asyncio.Task[TaskState]] = {}
        self._sweeping: asyncio.Task[int] | None = None
        self._unswept = self._closing = False
        self._listeners: list[Callable[[frozenset[str]], None]] = []
        self._states: dict[str, TaskState] = {}  # what changed last comes last

    async def __aenter__(self) -> Self:
        self._lock = await self._in_thread(StateLock, self._state_folder)
        try:
            recovered = await self._in_thread(self._folders.recover)
        except BaseException:
            self._lock.release()
            raise
        self._states = {state.id: state for state in recovered}
        self._sweep()
        return self

    async def __aexit__(self, *_: object) -> None:
        """End everything that runs; returns when it has ended."""
        self._closing = True
        for job in self._jobs.values():
            job.cancel()
        await asyncio.gather(*self._jobs.values(), return_exceptions=True)
        await self._prepared.close()
        if self._sweeping is not None:
            await asyncio.wait({self._sweeping})
        self._threads.shutdown()
        self._lock.release()

    def states(self, namespace: str) -> Mapping[str, TaskState]:
        del namespace  # ids of tasks are those of their objects
        return _States(self._states, self._position)

    def phases(self) -> Iterable[TaskPhase]:
        return [state.phase for state in self._states.values()]

    def positions_of_new(self, namespace: str) -> Mapping[str, int]:
        places = {lane: of.position_of_new(namespace) for lane, of in self._lanes.items()}
        return {program: places[lane] for program, lane in LANES.items()}

    def on_change(self, listener: Callable[[frozenset[str]], None]) -> None:
        self._listeners.append(listener)

    def want(self, owner: str, tasks: Iterable[Task]) -> None:
        wanted = {task.id: task for task in tasks}
        before = self._wanted.pop(owner, frozenset())
        if wanted:
            self._wanted[owner] = frozenset(wanted)
        for identifier in wanted.keys() - before:
            self._wanters[identifier].add(owner)
        for identifier in before - wanted.keys():
            self._leave(owner, identifier)
        for task in wanted.values():
            self._start(task)

    def forget(self, identifiers: Iterable[str]) -> None:
        for identifier in identifiers:
            state = self._states.get(identifier)
            if state and state.phase is TaskPhase.SUCCEEDED and identifier not in self._wanters:
                self._folders.forget(state)
                del self._states[identifier]

    async def log_of(self, build: str, max_bytes: int) -> str:
        """The log of a build (``<namespace>/<name>/<build id>``), redacted: its last ``max_bytes``
        at most."""
        return await self._in_thread(partial(self._folders.log_of, build, max_bytes))

    def _leave(self, owner: str, identifier: str) -> None:
        """``owner`` does not want a task any more; one that nobody wants is ended."""
        self._wanters[identifier].discard(owner)
        if not self._wanters[identifier]:
            del self._wanters[identifier]
            if identifier in self._jobs:
                self._jobs[identifier].cancel()

    def _start(self, task: Task) -> None:
        known = self._states.get(task.id)
        if (
            self._closing
            or task.id in self._jobs
            or (known is not None and known.attempt >= task.attempt)
        ):
            return
        try:
            refuse_unsafe(task.files)
        except UnsafeFileError as error:
            what = f"The source cannot be handed to a task: {error}. Give it another name."
            raise StalledError(Reason.INVALID_SPEC, what) from error
        lane = self._lanes[_lane_of(task.program)]
        lane.add(task.id, task.namespace)
        self._turns[task.id] = asyncio.Event()
        self._put(TaskState(task.id, task.attempt, TaskPhase.QUEUED, task.build))
        job = asyncio.create_task(self._run(task), name=task.id)
        self._jobs[task.id] = job
        job.add_done_callback(partial(self._settle, task.id, lane))
        self._give_turns(lane)

    def _give_turns(self, lane: Lane) -> None:
        for identifier in lane.begin():
            self._turns[identifier].set()

    async def _run(self, task: Task) -> TaskState:
        state = self._states[task.id]
        try:
            folder = await self._in_thread(self._folders.prepare, task)
        except (OSError, UnsafeFileError) as error:
            return failed(_finished(state), not_prepared(error))
        task = replace(task, files={})  # they are on disk: while it waits they cost no memory
        try:
            await self._turns[task.id].wait()
            state = replace(state, phase=TaskPhase.RUNNING, started_at=datetime.now(UTC))
            self._put(state)
            return await self._work(task, state, folder)
        finally:
            await undisturbed(self._in_thread(self._folders.tidy, folder))

    async def _work(self, task: Task, state: TaskState, folder: Path) -> TaskState:
        start, log_bytes = self._start_of(task.program), self._settings.task_log_max_bytes
        try:
            ending = await run_program(start, folder, task.timeout, log_bytes)
        except OSError as error:  # no process, no memory, no room for its log
            return failed(_finished(state), not_started(error))
        return await self._in_thread(outcome, folder, _finished(state), task, ending)

    def _start_of(self, program: str) -> Start:
        if self._command is not None:
            return starting(self._command(program))
        return self._prepared.starting(program, starting(task_command(program)))

    def _settle(self, identifier: str, lane: Lane, job: asyncio.Task[TaskState]) -> None:
        """Record how a job ended; one that was cancelled may never have begun."""
        del self._jobs[identifier], self._turns[identifier]
        lane.remove(identifier)
        self._give_turns(lane)
        self._put(self._ended(identifier, job))
        self._sweep()

    def _ended(self, identifier: str, job: asyncio.Task[TaskState]) -> TaskState:
        state = _finished(self._states[identifier])
        if job.cancelled():
            return replace(state, phase=TaskPhase.INTERRUPTED)
        error = job.exception()
        if error is None:
            return job.result()
        logger.error("task not run", task=identifier, traceback=_traceback(error))
        return failed(state, runner_failed(error))

    def _put(self, state: TaskState) -> None:
        self._states.pop(state.id, None)
        self._states[state.id] = state
        if len(self._states) > MAX_STATES:
            ended = (s.id for s in self._states.values() if s.phase not in WAITING_OR_RUNNING)
            self._states.pop(next(ended, ""), None)
        wanters = frozenset(self._wanters.get(state.id, ()))
        for listener in self._listeners:
            listener(wanters)

    def _position(self, identifier: str) -> int | None:
        positions = (lane.position(identifier) for lane in self._lanes.values())
        return next((position for position in positions if position), None)

    def _sweep(self) -> None:
        """Remove folders beyond the limits; one sweep at a time, another one for what has ended
        meanwhile."""
        self._unswept = True
        if self._sweeping is None and not self._closing:
            self._unswept = False
            limits = RetentionLimits.of(self._settings)
            work = self._in_thread(self._folders.sweep, limits, self._is_busy)
            self._sweeping = asyncio.create_task(work, name="sweep")
            self._sweeping.add_done_callback(self._swept)

    def _swept(self, job: asyncio.Task[int]) -> None:
        self._sweeping = None
        error = None if job.cancelled() else job.exception()
        if error is not None:
            logger.error("folders of tasks not swept", traceback=_traceback(error))
        elif self._unswept:
            self._sweep()

    def _is_busy(self, identifier: str, attempt: int) -> bool:
        """For threads too: it only looks into dictionaries."""
        state = self._states.get(identifier)
        return identifier in self._jobs and (state is None or state.attempt <= attempt)

    async def _in_thread(self, work: Callable[..., Result], *arguments: object) -> Result:
        """Run ``work`` in a thread, to its end even where the caller is cancelled meanwhile."""
        loop = asyncio.get_running_loop()
        return await undisturbed(loop.run_in_executor(self._threads, work, *arguments))


def _lane_of(program: str) -> str:
    return LANES.get(program, OTHER_LANE)


def _traceback(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))


def _finished(state: TaskState) -> TaskState:
    return replace(state, finished_at=datetime.now(UTC))


class _States(Mapping[str, TaskState]):
    """All states; those that wait know their position, as of now."""

    def __init__(
        self, states: Mapping[str, TaskState], position: Callable[[str], int | None]
    ) -> None:
        self._states, self._position = states, position

    def __getitem__(self, identifier: str) -> TaskState:
        state = self._states[identifier]
        if state.phase is not TaskPhase.QUEUED:
            return state
        return replace(state, position=self._position(identifier))

    def __iter__(self) -> Iterator[str]:
        return iter(self._states)

    def __len__(self) -> int:
        return len(self._states)
