"""Files are read in processes of their own: what one costs, none of the others pays."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psutil
import pytest
import yaml

from fairlead.api.quantity import amount
from fairlead.api.reasons import Reason
from fairlead.inputs.parse import FileKind, Parsed, ParseJob, parse
from fairlead.parsing.frames import encode_parsed
from fairlead.parsing.parser_program import MEMORY_LIMIT_BYTES
from fairlead.parsing.pool import PROCESSES, ParserPool
from fairlead.parsing.process import COMMAND, ParserProcess, ParserStartError

DEADLINE_S = 60.0
SCRIPT = b"def init(): ...\ndef run(data): ...\n"
FRAMES = "import sys, struct, time, os\nsay = lambda b: (sys.stdout.buffer.write("
FRAMES += "struct.pack('>I', len(b)) + b), sys.stdout.buffer.flush())\n"
FRAMES += (
    "frame = lambda: sys.stdin.buffer.read(struct.unpack('>I', sys.stdin.buffer.read(4))[0])\n"
)
FRAMES += f"job = lambda: (frame(), frame())\nANSWER = {encode_parsed(Parsed())!r}\n"
PROGRAMS = {  # that stand in for the parser
    "absent": "raise RuntimeError('no libyaml')",
    "silent": "say(b'ready'); time.sleep(600)",
    "babbling": "say(b'ready'); sys.stdin.buffer.read(1); say(b'{}x')",
    "endless": "say(b'ready'); sys.stdin.buffer.read(1); sys.stdout.buffer.write(b'\\xff' * 10)",
    "dying": "say(b'ready'); sys.stdin.buffer.read(1); os.kill(os.getpid(), 11)",
    "worn": "say(b'ready'); job(); say(ANSWER); job(); os.kill(os.getpid(), 11)",
    "raising": "say(b'ready'); sys.stdin.buffer.read(1); raise ValueError('password=hunter2\\nX')",
}


def program(name: str) -> tuple[str, ...]:
    return sys.executable, "-c", FRAMES + PROGRAMS[name]


def script(content: bytes = SCRIPT, file: str = "score.py") -> ParseJob:
    return ParseJob(FileKind.SCRIPT, file, content, (3, 11))


def children() -> list[psutil.Process]:
    """Parser processes of this one, by their command."""
    return [child for child in psutil.Process().children() if _parses(child)]


def _parses(process: psutil.Process) -> bool:
    """One that has ended, and waits to be reaped, has no command any more."""
    try:
        return "parser_program" in " ".join(process.cmdline())
    except (psutil.ZombieProcess, psutil.NoSuchProcess):
        return False


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not holds():
            await asyncio.sleep(0.01)  # poll


@pytest.fixture
async def pool() -> AsyncIterator[ParserPool]:
    async with ParserPool() as pool:
        yield pool
    assert children() == []


JOBS = [
    script(b""),
    script(b"\xff"),
    script(b"print 'x'"),
    script(b"print 'x'", file="other.py"),
    ParseJob(FileKind.SCRIPT, "score.py", b"print 'x'", (3, 99)),
    ParseJob(FileKind.CONDA, "my.yml", b"dependencies: [python=3.11, {pip: [numpy==2.0]}]"),
    ParseJob(FileKind.CONDA, "my.yml", b"dependencies: [&a [*a]]"),
    ParseJob(FileKind.REQUIREMENTS, "r.txt", "numpy  # é".encode()),
    ParseJob(FileKind.STEPS, "Dockerfile.steps", b"RUN ls\nFROM x"),
    ParseJob(FileKind.STEPS, "Dockerfile.steps", b"RUN ls"),
]


async def test_a_process_says_what_would_be_said_here(pool: ParserPool) -> None:
    for job in JOBS:
        assert await pool.parse(job, "demo") == parse(job)
    assert len(children()) == 1


async def test_a_file_is_not_read_twice(pool: ParserPool) -> None:
    gives_up, one, other = (asyncio.create_task(pool.parse(script(), "demo")) for _ in range(3))
    await asyncio.sleep(0)
    gives_up.cancel()  # the reading goes on for the others
    first = await one
    assert await other is first
    [process] = children()
    process.suspend()  # whoever asked it now would wait
    assert await pool.parse(script(), "another") is first
    process.resume()


SLOW = script(b"# coding: punycode\n" + b"a" * 60_000 + b"-" + b"9" * 190_000)


async def test_a_file_that_takes_too_long_is_told_and_the_next_one_is_read(
    pool: ParserPool,
) -> None:
    """Punycode, an encoding that Python's own library decodes in quadratic time."""
    finding = (await pool.parse(SLOW, "demo")).finding
    assert finding
    assert finding.reason is Reason.ENTRY_SCRIPT_INVALID
    assert finding.message == ("score.py could not be read: it takes more than 2 s of computing.")
    assert children() == []
    assert await pool.parse(script(), "demo") == Parsed()


async def test_a_process_that_is_killed_is_told_and_the_next_file_is_read(
    pool: ParserPool,
) -> None:
    waiting = asyncio.create_task(pool.parse(SLOW, "demo"))
    await until(lambda: bool(children()))
    [process] = children()
    await until(lambda: process.cpu_times().user > 0.9)
    process.kill()
    finding = (await waiting).finding
    assert finding
    assert finding.message == (
        "score.py could not be read: the process that read it was ended by SIGKILL."
    )
    assert await pool.parse(script(), "demo") == Parsed()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("dying", "the process that read it was ended by SIGSEGV"),
        ("raising", "the process that read it was ended with exit code 1"),
        ("babbling", "the process that read it was ended with exit code 0"),
        ("endless", "the process that read it was ended with exit code 0"),
    ],
)
async def test_however_a_process_ends_it_is_a_finding(name: str, words: str) -> None:
    async with ParserPool(command=program(name)) as pool:
        finding = (await pool.parse(script(), "demo")).finding
    assert finding
    assert words in finding.message


async def test_what_an_earlier_file_did_to_a_process_is_not_held_against_the_next_one() -> None:
    """The process reads one file, and ends on the second: that one is read by a new process."""
    async with ParserPool(command=program("worn")) as pool:
        assert await pool.parse(script(b"1"), "a") == Parsed()
        assert await pool.parse(script(b"2"), "b") == Parsed()
        assert await pool.parse(script(b"3"), "c") == Parsed()


async def test_a_process_that_gets_no_time_to_compute_is_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("fairlead.parsing.process.WALL_LIMIT_S", 0.5)
    async with ParserPool(command=program("silent")) as pool:
        finding = (await pool.parse(script(), "demo")).finding
    assert finding
    assert "score.py could not be read: it took more than" in finding.message


async def test_a_process_that_cannot_start_is_nobodys_files_fault() -> None:
    async with ParserPool(command=program("absent")) as pool:
        with pytest.raises(ParserStartError, match="no libyaml"):
            await pool.parse(script(), "demo")
    async with ParserPool(command=("/no/such/program",)) as pool:
        with pytest.raises(ParserStartError, match="No such file"):
            await pool.parse(script(), "demo")


async def test_the_last_words_of_a_process_show_no_secret(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with ParserPool(command=program("raising")) as pool:
        await pool.parse(script(), "demo")
    said = capsys.readouterr().out
    assert "ValueError: password=***" in said
    assert "hunter2" not in said


async def test_processes_that_have_nothing_to_do_are_ended() -> None:
    async with ParserPool(idle_timeout=0.1) as pool:
        await pool.parse(script(), "demo")
        await until(lambda: children() == [])


async def test_a_process_is_given_none_of_our_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAIRLEAD_SECRET", "hunter2")
    process = await ParserProcess.start()
    [child] = children()
    assert "hunter2" not in str(child.environ())
    assert child.nice() > 0
    await process.end()


NEVER = {"asyncio", "kopf", "aiohttp", "kubernetes", "docker", "fairlead.cluster"}
AT_NO_START = {"email", "importlib.metadata", "pydantic", "pydantic_core", "socket"}
OF_SOME_KINDS = {"packaging", "pathspec", "yaml"}


@pytest.mark.parametrize(
    ("kinds", "unneeded"),
    [
        ((), NEVER | AT_NO_START | OF_SOME_KINDS),
        (("SCRIPT", "STEPS"), NEVER | AT_NO_START | OF_SOME_KINDS),
        (("REQUIREMENTS", "CONSTRAINTS"), NEVER | AT_NO_START | {"pathspec", "yaml"}),
        (("CONDA",), NEVER | AT_NO_START | {"pathspec"}),
        (("IGNORED",), NEVER | AT_NO_START | {"packaging", "yaml"}),
    ],
)
async def test_what_each_kind_of_file_needs_is_imported_and_nothing_of_the_operator(
    kinds: tuple[str, ...], unneeded: set[str]
) -> None:
    """Hundreds of these are started: what one imports is most of what it takes."""
    code = "import fairlead.parsing.parser_program, sys; from fairlead.inputs.parse import *\n"
    code += f"for kind in {kinds}: reader_of(FileKind[kind])\nprint(*sys.modules)"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE
    )
    modules = (await process.communicate())[0].decode().split()
    assert "fairlead.parsing.frames" in modules
    assert not unneeded & {*modules}


async def test_closing_ends_what_is_being_read() -> None:
    async with ParserPool() as pool:
        waiting = asyncio.create_task(pool.parse(SLOW, "demo"))
        await until(lambda: bool(children()))
    assert children() == []
    with pytest.raises(asyncio.CancelledError):
        await waiting


OPERATOR = """
import asyncio, sys
from fairlead.inputs.parse import FileKind, ParseJob
from fairlead.parsing.pool import ParserPool

async def main():
    async with ParserPool() as pool:
        await pool.parse(ParseJob(FileKind.SCRIPT, "a.py", b"x"), "demo")
        slow = pool.parse(ParseJob(FileKind.SCRIPT, "b.py", open(sys.argv[1], "rb").read()), "demo")
        waiting = asyncio.ensure_future(slow)
        await asyncio.sleep(0)
        print("reading", flush=True)
        await waiting

asyncio.run(main())
"""


async def test_processes_end_when_the_operator_is_killed(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_bytes(SLOW.content)
    operator = await asyncio.create_subprocess_exec(
        sys.executable, "-c", OPERATOR, str(tmp_path / "slow.py"), stdout=asyncio.subprocess.PIPE
    )
    assert operator.stdout
    assert await operator.stdout.readline() == b"reading\n"
    parsers = psutil.Process(operator.pid).children()
    assert parsers
    os.kill(operator.pid, signal.SIGKILL)
    await operator.wait()
    await until(lambda: not any(map(_runs, parsers)))


def _runs(process: psutil.Process) -> bool:
    """An orphan may stay a zombie for ever, where nobody reaps."""
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def test_the_command_is_our_own_python() -> None:
    assert COMMAND[0] == sys.executable


def test_all_processes_at_once_leave_the_operator_memory_of_its_own() -> None:
    """A script that is dense, and wrong at its end, takes all that it may."""
    chart = yaml.safe_load((Path(__file__).parents[3] / "charts/fairlead/values.yaml").read_text())
    limit = amount(chart["resources"]["limits"]["memory"])
    assert limit - 256 * 1024**2 >= PROCESSES * MEMORY_LIMIT_BYTES


async def test_a_dense_script_that_is_wrong_is_told_within_that_memory(pool: ParserPool) -> None:
    for text in (b"a\n" * 131_000 + b"a a\n", b"a,\n" * 87_000 + b"a a\n"):
        parsed = await pool.parse(ParseJob(FileKind.SCRIPT, "score.py", text), "demo")
        assert parsed.finding is not None
        assert parsed.finding.reason == Reason.ENTRY_SCRIPT_INVALID
