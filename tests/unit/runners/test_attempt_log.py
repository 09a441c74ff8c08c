"""A log on disk: bounded, its beginning and its end kept, and no disk makes it raise."""

from pathlib import Path

import pytest

from fairlead.runners.attempt_log import AttemptLog, read_log

MAX_BYTES = 800
DROPPED = b"\n[a part of this log was dropped here: it was too long]\n"


def on_disk(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


def written(folder: Path, *pieces: bytes) -> AttemptLog:
    log = AttemptLog(folder, MAX_BYTES)
    for piece in pieces:
        log.write(piece)
    log.close()
    return log


def test_what_fits_is_kept_as_it_is(tmp_path: Path) -> None:
    written(tmp_path, b"one\n", b"two\n")
    assert read_log(tmp_path, 100) == b"one\ntwo\n"


@pytest.mark.parametrize("length", [1, 399, 400, 401, 500, 799, 800])
def test_nothing_is_dropped_up_to_the_limit(tmp_path: Path, length: int) -> None:
    content = bytes(number % 251 for number in range(length))
    log = written(tmp_path, content)
    assert read_log(tmp_path, 10 * MAX_BYTES) == content
    assert log.beyond_head == (length > MAX_BYTES // 2)


@pytest.mark.parametrize("size", [1, 7, 100, 5000])
def test_of_a_log_without_end_both_ends_are_kept(tmp_path: Path, size: int) -> None:
    content = bytes(number % 251 for number in range(5000))
    written(tmp_path, *(content[at : at + size] for at in range(0, len(content), size)))
    assert on_disk(tmp_path) <= MAX_BYTES
    kept = read_log(tmp_path, 10 * MAX_BYTES)
    head, tail = kept.split(DROPPED)
    assert head == content[: MAX_BYTES // 2]
    assert content.endswith(tail)
    assert len(tail) > MAX_BYTES // 4


def test_of_what_is_asked_for_the_end_is_read(tmp_path: Path) -> None:
    written(tmp_path, b"x" * 5000 + b"end")
    assert read_log(tmp_path, 5) == b"xxend"
    assert len(read_log(tmp_path, 250)) == 250


def test_a_disk_that_was_full_for_a_while_is_told(tmp_path: Path) -> None:
    log = AttemptLog(tmp_path, MAX_BYTES)
    (tmp_path / "log").symlink_to("/dev/full")
    log.write(b"12345")
    (tmp_path / "log").unlink()
    log.close()
    log.write(b"and on")
    log.close()
    assert read_log(tmp_path, 100) == b"\n[5 bytes of this log could not be written]\nand on"


@pytest.mark.parametrize("kind", ["nothing", "link", "folder"])
def test_what_is_no_log_is_an_empty_one(tmp_path: Path, kind: str) -> None:
    if kind == "link":
        (tmp_path / "log").symlink_to("/etc/passwd")
    elif kind == "folder":
        (tmp_path / "log").mkdir()
    assert read_log(tmp_path, 100) == b""


def test_the_log_of_a_folder_that_is_gone_is_empty(tmp_path: Path) -> None:
    assert read_log(tmp_path / "gone", 100) == b""
