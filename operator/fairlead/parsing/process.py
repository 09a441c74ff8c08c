"""One parser process, seen from the operator: started when needed, ended when it misbehaves."""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress

from fairlead.inputs.parse import Parsed, ParseJob
from fairlead.parsing.answer import read_parsed
from fairlead.parsing.frames import LENGTH, READY, checked_length, encode_job
from fairlead.parsing.parser_program import CPU_LIMIT_S
from fairlead.redact import redacted

COMMAND = (sys.executable, "-W", "ignore", "-m", "fairlead.parsing.parser_program")
ENVIRONMENT = (
    *("PATH", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "LANG", "LC_ALL"),
    "PYTHONPYCACHEPREFIX",  # where its bytecode is: it can write none
)
"""All that it is given of the operator's variables: some of them are secrets."""
START_TIMEOUT_S = 60.0  # seconds, on a machine that is busy
WALL_LIMIT_S = 20.0  # seconds for one file, should the process get no CPU to use up its own limit
END_TIMEOUT_S = 5.0  # seconds for a process to end that has closed its output
MAX_SAID_BYTES = 32 * 1024  # of what it writes to standard error before it ends: a traceback
MAX_LAST_WORDS_CHARS = 300  # of that, in the operator's log
BROKEN = (asyncio.IncompleteReadError, ConnectionError, ValueError)


class ParserStartError(Exception):
    """A process could not be started, or ended before it was ready: no file is to blame."""


class ParserEndedError(Exception):
    """It ended, or had to be ended, while it read a file. ``said``: the end of what it wrote."""

    def __init__(self, why: str, said: str) -> None:
        super().__init__(why)
        self.said = said


class ParserProcess:
    """Use one at a time: one file after the other."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, command: Sequence[str] = COMMAND) -> "ParserProcess":
        """Start one and wait until it is ready. Raises ``ParserStartError``."""
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env={name: os.environ[name] for name in ENVIRONMENT if name in os.environ},
                start_new_session=True,  # Ctrl-C is for the operator to handle
            )
        except OSError as error:
            raise ParserStartError(str(error)) from error
        parser = cls(process)
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                if await parser._read() != READY:
                    raise ValueError("it did not say that it is ready")
        except (TimeoutError, *BROKEN) as error:
            raise ParserStartError(await parser._last_words() or repr(error)) from error
        except asyncio.CancelledError:
            await parser.end()
            raise
        return parser

    async def parse(self, job: ParseJob) -> Parsed:
        """Have one file read. Raises ``ParserEndedError``: there is no process any more then."""
        try:
            async with asyncio.timeout(WALL_LIMIT_S):
                return await self._exchange(job)
        except TimeoutError as error:
            await self.end()
            raise ParserEndedError(f"it took more than {WALL_LIMIT_S:.0f} s", "") from error
        except BROKEN as error:
            said = await self._last_words()
            raise ParserEndedError(self._why(), said) from error
        except asyncio.CancelledError:
            await self.end()
            raise

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            self._process.kill()

    async def end(self) -> None:
        """Kill it, and return when it is gone."""
        self.kill()
        await asyncio.shield(self._gone())

    async def _gone(self) -> None:
        assert self._process.stdin, "a pipe, as it was started"
        self._process.stdin.close()
        await self._process.communicate()

    async def _exchange(self, job: ParseJob) -> Parsed:
        assert self._process.stdin, "a pipe, as it was started"
        self._process.stdin.write(encode_job(job))
        await self._process.stdin.drain()
        return read_parsed(await self._read())

    async def _read(self) -> bytes:
        assert self._process.stdout, "a pipe, as it was started"
        length = checked_length(await self._process.stdout.readexactly(LENGTH.size))
        return await self._process.stdout.readexactly(length)

    async def _last_words(self) -> str:
        """Let it end by itself if it is about to; return the end of what it wrote, on one line."""
        with suppress(TimeoutError):
            async with asyncio.timeout(END_TIMEOUT_S):
                await self._process.wait()
        self.kill()
        assert self._process.stderr, "a pipe, as it was started"
        said = await self._process.stderr.read(MAX_SAID_BYTES)
        await self.end()
        return " ".join(redacted(said.decode(errors="replace")).split())[-MAX_LAST_WORDS_CHARS:]

    def _why(self) -> str:
        code = self._process.returncode or 0
        if code == -signal.SIGPROF:
            return f"it takes more than {CPU_LIMIT_S:.0f} s of computing"
        how = f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
        return f"the process that read it was ended {how}"
