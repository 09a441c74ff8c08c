"""The log's writer: it never waits for its reader, loses as little as it can, and tells what.

A writer that waited would wait for ever: nobody reads before the test does.
"""

import errno
import fcntl
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from fairlead_scoring.slot.log_target import LogTarget
from fairlead_scoring.slot.log_writer import LogWriter
from tests.unit.scoring.pipe import Pipe

DEADLINE_S = 60.0
LINE = b"x" * 99 + b"\n"


def describe(count: int, reason: str) -> bytes:
    return f"lost {count}: {reason}\n".encode()


def wait_until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    with closing(Pipe()) as opened:
        yield opened


def writer_to(descriptor: int, **options: int) -> LogWriter:
    return LogWriter(LogTarget(descriptor, guarded=True), describe, **options)


def test_a_line_is_there_at_once_and_the_stream_still_blocks(pipe: Pipe) -> None:
    writer_to(pipe.write_end).write(b"one\n")
    assert pipe.receive() == b"one\n"
    assert os.get_blocking(pipe.write_end), "other processes write to it, too"


def test_nobody_reads_and_nobody_waits(pipe: Pipe) -> None:
    writer = writer_to(pipe.write_end, max_buffered_bytes=10_000)
    for _ in range(5000):
        writer.write(LINE)
    lost = writer.lost_lines
    assert 0 < lost < 5000
    wait_until(lambda: b"lost" in pipe.receive())
    *lines, notice = pipe.received.splitlines(keepends=True)
    assert lines == [LINE] * (5000 - lost)
    assert notice == describe(lost, "nobody read it")
    writer.write(b"on\n")
    assert pipe.receive().endswith(notice + b"on\n")


def test_what_waits_is_written_once_somebody_reads(pipe: Pipe) -> None:
    writer = writer_to(pipe.write_end)
    expected = [f"{number:098}\n".encode() for number in range(3000)]
    for line in expected:
        writer.write(line)
    wait_until(lambda: pipe.receive().splitlines(keepends=True) == expected)
    assert writer.lost_lines == 0


def test_a_patient_writer_waits_for_a_reader_that_reads(pipe: Pipe) -> None:
    writer = writer_to(pipe.write_end, max_buffered_bytes=10_000)

    def print_much() -> None:
        for _ in range(5000):
            writer.write_patiently(LINE)

    burst = threading.Thread(target=print_much)
    burst.start()
    wait_until(lambda: len(pipe.receive()) == 5000 * len(LINE))
    burst.join(DEADLINE_S)
    assert writer.lost_lines == 0


def test_a_patient_writer_gives_up_on_a_reader_that_has_stopped(pipe: Pipe) -> None:
    writer = writer_to(pipe.write_end, max_buffered_bytes=10_000)
    began = time.monotonic()
    for _ in range(5000):
        writer.write_patiently(LINE)
    assert 1 <= time.monotonic() - began < DEADLINE_S, "it waits once, not for each line"
    assert writer.lost_lines > 0
    server_line = b"the server's own\n"
    writer.write(server_line)
    wait_until(lambda: server_line in pipe.receive())


def test_a_full_disk_is_told_once_it_is_not_full(tmp_path: Path, pipe: Pipe) -> None:
    target = LogTarget(pipe.write_end, guarded=False)
    writer = LogWriter(target, describe)
    full = os.open("/dev/full", os.O_WRONLY)
    held = os.dup(target._descriptor)
    os.dup2(full, target._descriptor)
    for _ in range(3):
        writer.write(LINE)
    assert writer.lost_lines == 3
    os.dup2(held, target._descriptor)
    writer.write(b"on\n")
    assert pipe.receive() == describe(3, os.strerror(errno.ENOSPC)) + b"on\n"
    for descriptor in (full, held):
        os.close(descriptor)
    assert not list(tmp_path.iterdir())


def test_a_closed_pipe_is_no_error(pipe: Pipe) -> None:
    writer = writer_to(pipe.write_end)
    os.close(pipe.read_end)
    writer.write(LINE)
    assert writer.lost_lines == 1
    writer.flush()


def test_a_stream_that_was_never_open_is_no_error(pipe: Pipe) -> None:
    os.close(pipe.write_end)
    writer = writer_to(pipe.write_end)
    writer.write(LINE)
    assert writer.lost_lines == 1


def test_it_writes_to_no_other_file_that_took_its_number(tmp_path: Path, pipe: Pipe) -> None:
    target = LogTarget(pipe.write_end, guarded=True)
    writer = LogWriter(target, describe)
    users = os.open(tmp_path / "users", os.O_WRONLY | os.O_CREAT)
    taken = target._descriptor
    os.dup2(users, taken)
    writer.write(b"still there\n")
    assert pipe.receive() == b"still there\n"
    os.dup2(users, pipe.write_end)  # and now the stream itself
    os.dup2(users, target._descriptor)
    writer.write(LINE)
    assert (tmp_path / "users").read_bytes() == b""
    assert writer.lost_lines == 1
    for descriptor in (users, taken):
        os.close(descriptor)


def test_a_pipe_that_cannot_be_opened_anew_is_written_by_a_thread(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fairlead_scoring.slot.log_target._reopened", lambda _stream: None)
    fcntl.fcntl(pipe.write_end, fcntl.F_SETPIPE_SZ, 4096)
    writer = writer_to(pipe.write_end, max_buffered_bytes=10_000)
    for _ in range(1000):
        writer.write(LINE)
    writer.flush(0.1)
    wait_until(lambda: b"lost" in pipe.receive() and not writer._pending)
    assert pipe.receive().count(LINE) == 1000 - writer.lost_lines


def test_a_socket_is_not_waited_for() -> None:
    reader, end = socket.socketpair()
    with reader, end:
        writer = writer_to(end.fileno(), max_buffered_bytes=10_000)
        for _ in range(20_000):
            writer.write(LINE)
        assert writer.lost_lines > 0
        assert end.getblocking()


def test_a_forked_child_writes_nothing_twice_and_is_not_stuck(pipe: Pipe) -> None:
    writer = writer_to(pipe.write_end)
    for _ in range(2000):
        writer.write(LINE)
    assert writer._pending, "the pipe is full"
    with writer._lock:
        child = os.fork()
        if child == 0:
            writer.write(b"the child's\n")
            writer.flush(DEADLINE_S)
            os._exit(0)
    expected = sorted([LINE] * 2000 + [b"the child's\n"])
    wait_until(lambda: len(pipe.receive().splitlines()) >= len(expected))
    assert os.waitpid(child, 0) == (child, 0)
    assert sorted(pipe.receive().splitlines(keepends=True)) == expected
