"""A task's log: seen at once, kept, bounded, without secrets."""

import errno
import io

import pytest

from fairlead.tasks import task_log
from fairlead.tasks.task_log import MAX_TEXT_CHARS, TaskLog


def test_each_line_says_when_and_in_which_phase() -> None:
    out = io.StringIO()
    log = TaskLog(out)
    log.phase("fetch")
    log.write("one\ntwo\n")
    assert [line.split("s ", 1)[1] for line in out.getvalue().splitlines()] == [
        "[fetch] one",
        "[fetch] two",
    ]
    assert log.text == out.getvalue()


def test_no_secret_reaches_the_log() -> None:
    log = TaskLog(io.StringIO())
    log.write("Fetching https://u:hunter2@h/ \x1b[31m")
    assert "https://***@h/" in log.text
    assert "\x1b" not in log.text


def test_a_long_line_is_cut() -> None:
    log = TaskLog(io.StringIO())
    log.write("x " * 10_000)
    assert len(log.text) < 5000
    assert log.text.endswith(" …\n")


def test_of_a_text_that_is_too_long_the_middle_is_left_out() -> None:
    log = TaskLog(io.StringIO())
    log.write("first\n" + "x\n" * MAX_TEXT_CHARS + "last")
    assert "[start] first\n" in log.text
    assert log.text.endswith("[start] last\n")
    assert "characters were left out]" in log.text


def test_of_a_long_log_the_end_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_log, "MAX_LOG_BYTES", 200)
    log = TaskLog(io.StringIO())
    for number in range(100):
        log.write(f"line {number}")
    assert len(log.text) <= 200
    assert log.text.endswith("line 99\n")


class FullDisk(io.StringIO):
    def write(self, _: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_stops_the_output_and_not_the_task() -> None:
    log = TaskLog(FullDisk())
    log.write("one")
    log.write("two")
    assert log.text.count("\n") == 2
