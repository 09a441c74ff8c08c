"""A few parser processes, shared by all: fair between namespaces, and no file is read twice."""

import asyncio
import hashlib
from collections.abc import Sequence
from types import TracebackType
from typing import Self

import structlog

from fairlead.inputs.parse import Parsed, ParseJob, unreadable
from fairlead.parsing.fair_slots import FairSlots
from fairlead.parsing.process import COMMAND, ParserEndedError, ParserProcess
from fairlead.parsing.results import Results

logger = structlog.get_logger("fairlead")

PROCESSES = 2
IDLE_TIMEOUT_S = 60.0  # seconds until a process that has nothing to do is ended
UNREADABLE_KEPT_S = 600.0  # seconds; a process may have been ended for another reason than the file


class ParserPool:
    """Use as an asynchronous context; when it closes, all processes have ended.

    A process is started when there is something to read. The files of one namespace never occupy
    all of them, so that another's does not wait behind a thousand of theirs.
    """

    def __init__(
        self,
        processes: int = PROCESSES,
        command: Sequence[str] = COMMAND,
        idle_timeout: float = IDLE_TIMEOUT_S,
    ) -> None:
        self._command = command
        self._idle_timeout = idle_timeout
        self._slots = FairSlots(processes, most_each=max(processes - 1, 1))
        self._results = Results()
        self._idle = dict[ParserProcess, asyncio.TimerHandle]()
        self._ending = set[asyncio.Task[None]]()
        self._running = dict[tuple[str, str], asyncio.Task[Parsed]]()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        running = list(self._running.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        while self._idle:
            await self._pop_idle().end()
        await asyncio.gather(*self._ending)

    async def parse(self, job: ParseJob, namespace: str) -> Parsed:
        """Return what the file says. Raises ``ParserStartError`` where no process can be started.

        That a file cannot be read (it takes too long, or ends the process) is a finding.
        """
        key = _key(job)
        known = self._results.get(key)
        if known is not None:
            return known
        task = self._running.get((namespace, key))
        if task is None:
            task = asyncio.create_task(self._read(job, namespace, key), name="parse")
            self._running[namespace, key] = task
            task.add_done_callback(lambda _: self._running.pop((namespace, key)))
        return await asyncio.shield(task)

    async def _read(self, job: ParseJob, namespace: str, key: str) -> Parsed:
        async with self._slots.slot(namespace):
            try:
                parsed = await self._in_used_process(job) if self._idle else None
                if parsed is None:
                    process = await ParserProcess.start(self._command)
                    parsed = await self._in_process(job, process)
            except ParserEndedError as error:
                about = {"namespace": namespace, "file": job.file, "said": error.said}
                logger.warning("a file could not be read", why=str(error), **about)
                parsed = unreadable(job, str(error))
                self._results.put(key, parsed, UNREADABLE_KEPT_S)
                return parsed
        self._results.put(key, parsed)
        return parsed

    async def _in_used_process(self, job: ParseJob) -> Parsed | None:
        """None where it ended: an earlier file may have done it harm, so this one is not to blame
        before a new process has ended on it, too."""
        try:
            return await self._in_process(job, self._pop_idle())
        except ParserEndedError:
            return None

    async def _in_process(self, job: ParseJob, process: ParserProcess) -> Parsed:
        parsed = await process.parse(job)
        self._push_idle(process)
        return parsed

    def _push_idle(self, process: ParserProcess) -> None:
        loop = asyncio.get_running_loop()
        self._idle[process] = loop.call_later(self._idle_timeout, self._end_idle, process)

    def _pop_idle(self) -> ParserProcess:
        process, timer = self._idle.popitem()
        timer.cancel()
        return process

    def _end_idle(self, process: ParserProcess) -> None:
        del self._idle[process]
        ending = asyncio.create_task(process.end(), name="end parser")
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)


def _key(job: ParseJob) -> str:
    about = f"{job.kind}\0{job.file}\0{job.python}\0".encode()
    return hashlib.sha256(about + job.content).hexdigest()
