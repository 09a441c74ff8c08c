"""Tasks as child processes of the operator: for development, kind and a single machine.

Each attempt has a folder ``<state>/tasks/<id>/<attempt>/`` with its request, result and log. A task
that ran when the operator died is ended and started again, never adopted: what it wrote last says
whether it had finished.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.contract import Task, TaskFailure, TaskPhase, TaskState
from fairlead.errors import StalledError, WaitingError
from fairlead.runners.process import Command, run_program, task_command
from fairlead.runners.task_folder import Attempt, TaskFolders, UnsafeFileError


class LocalRunner:
    """A ``Runner`` over child processes, at most ``at_once`` of them; the others wait in order."""

    def __init__(self, folder: Path, at_once: int, command: Command = task_command) -> None:
        self._command = command
        self._folders = TaskFolders(folder / "tasks")
        self._slots = asyncio.Semaphore(at_once)  # first come, first served
        self._wanted: dict[str, frozenset[str]] = {}
        self._jobs: dict[str, asyncio.Task[TaskState]] = {}
        self._listeners: list[Callable[[frozenset[str]], None]] = []
        self._states = {state.id: state for state in self._folders.recover()}

    def states(self) -> Mapping[str, TaskState]:
        return self._states

    def on_change(self, listener: Callable[[frozenset[str]], None]) -> None:
        self._listeners.append(listener)

    def want(self, owner: str, tasks: Iterable[Task]) -> None:
        wanted = {task.id: task for task in tasks}
        before = self._wanted.get(owner, frozenset())
        self._wanted[owner] = frozenset(wanted)
        for task in wanted.values():
            self._start(task)
        for identifier in before - wanted.keys():
            if identifier in self._jobs and not self._wanters(identifier):
                self._jobs[identifier].cancel()
        if not wanted:
            del self._wanted[owner]

    def forget(self, identifiers: Iterable[str]) -> None:
        for identifier in identifiers:
            state = self._states.get(identifier)
            if state and state.phase is TaskPhase.SUCCEEDED and not self._wanters(identifier):
                self._folders.forget(state)
                del self._states[identifier]

    def logs_of(self, build: str) -> list[Path]:
        """The log files of a build (``<namespace>/<name>/<build id>``), oldest first."""
        return self._folders.logs_of(build)

    async def stop(self) -> None:
        """End everything that runs; returns when it has ended."""
        jobs = list(self._jobs.values())
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)

    def _start(self, task: Task) -> None:
        known = self._states.get(task.id)
        if task.id in self._jobs or (known is not None and known.attempt >= task.attempt):
            return
        try:
            attempt = self._folders.prepare(task)
        except UnsafeFileError as error:
            what = f"The source cannot be handed to a task: {error}. Give it another name."
            raise StalledError(Reason.INVALID_SPEC, what) from error
        except OSError as error:
            what = f"The folder of a task could not be written ({error.strerror})"
            raise WaitingError(
                Reason.OUT_OF_DISK, f"{what}: make room for the operator."
            ) from error
        self._put(TaskState(task.id, task.attempt, TaskPhase.QUEUED, task.build))
        job = asyncio.create_task(self._run(task, attempt), name=task.id)
        self._jobs[task.id] = job
        job.add_done_callback(lambda done: self._settle(task.id, done))

    async def _run(self, task: Task, attempt: Attempt) -> TaskState:
        async with self._slots:
            started = replace(
                self._states[task.id], phase=TaskPhase.RUNNING, started_at=datetime.now(UTC)
            )
            self._put(started)
            try:
                in_time = await run_program(
                    self._command(task.program), attempt.folder, task.timeout
                )
            except OSError as error:  # no process, no memory: told by the log, and tried again
                attempt.log.write_text(f"The task could not be started: {error}\n")
                in_time = True
        attempt.tidy()
        ended = attempt.outcome(replace(started, finished_at=datetime.now(UTC)))
        return ended if in_time or ended.result else _out_of_time(ended, task)

    def _settle(self, identifier: str, job: asyncio.Task[TaskState]) -> None:
        """Record how a job ended; one that was cancelled may never have begun."""
        del self._jobs[identifier]
        if job.cancelled():
            interrupted = replace(self._states[identifier], phase=TaskPhase.INTERRUPTED)
            self._put(replace(interrupted, finished_at=datetime.now(UTC)))
        else:
            self._put(job.result())
        for gone in self._folders.sweep(busy=self._jobs):
            self._states.pop(gone, None)

    def _put(self, state: TaskState) -> None:
        self._states[state.id] = state
        for listener in self._listeners:
            listener(self._wanters(state.id))

    def _wanters(self, identifier: str) -> frozenset[str]:
        return frozenset(owner for owner, ids in self._wanted.items() if identifier in ids)


def _out_of_time(state: TaskState, task: Task) -> TaskState:
    failure = TaskFailure(
        reason=Reason.TASK_TIMED_OUT,
        class_=FailureClass.RESOURCE,
        message=f"The {task.program} task took longer than {task.timeout:.0f} s and was ended.",
        remedy="See what it waited for at the end of its log, or raise the time-out in the "
        "operator's settings.",
    )
    return replace(state, phase=TaskPhase.FAILED, failure=failure)
