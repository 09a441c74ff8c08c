"""No file is written outside of its task's folder, whoever handed it over."""

import json
from pathlib import Path

import pytest

from fairlead.api.reasons import Reason
from fairlead.api.wire import Wire
from fairlead.contract import MAX_RESULT_BYTES, RESULT_FILE, Task, TaskPhase, TaskState
from fairlead.errors import StalledError
from fairlead.runners.local import LocalRunner
from fairlead.runners.task_folder import TaskFolders, UnsafeFileError


class Request(Wire):
    pass


def task(*names: str, identifier: str = "assemble-1") -> Task:
    files = dict.fromkeys(names, b"x")
    return Task(identifier, "assemble", 1, Request(), 30, files)


def everything(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "name",
    [
        "../../../x.py",
        "/etc/x.py",
        "a/../../../x",
        "..",
        ".",
        "",
        "a//b",
        "a/",
        "nul\0",
        "line\nend",
        "\ud800",
        "x" * 256,
        "é" * 128,
    ],
)
def test_a_name_that_leads_elsewhere_is_refused_before_anything_is_written(
    tmp_path: Path, name: str
) -> None:
    folders = TaskFolders(tmp_path / "tasks")
    with pytest.raises(UnsafeFileError) as refusal:
        folders.prepare(task("score.py", name))
    assert str(refusal.value).isprintable()
    assert everything(tmp_path) == set()


def test_a_file_that_is_a_folder_too_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsafeFileError, match=r"'a' is, in another name, a folder"):
        TaskFolders(tmp_path).prepare(task("a/b", "a"))
    assert everything(tmp_path) == set()


def test_a_link_that_leads_elsewhere_is_not_followed(tmp_path: Path) -> None:
    """The folder is made afresh; what lies in it from before is gone."""
    files = tmp_path / "tasks/assemble-1/1/files"
    files.mkdir(parents=True)
    (files / "out").symlink_to(tmp_path)
    with pytest.raises(UnsafeFileError, match="outside of the folder"):
        TaskFolders(tmp_path / "tasks").prepare(task("out/x"))
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("identifier", ["..", "environment-x-../../../..", "a/b", "", "x" * 201])
def test_the_name_of_a_task_is_one_folder(tmp_path: Path, identifier: str) -> None:
    with pytest.raises(UnsafeFileError, match="is no name for the folder of a task"):
        TaskFolders(tmp_path / "tasks").prepare(task(identifier=identifier))
    assert everything(tmp_path) == set()


def test_names_that_are_fit_are_written(tmp_path: Path) -> None:
    attempt = TaskFolders(tmp_path).prepare(task("score.py", "a/.b/c-d_e", "x" * 255, "ü.txt"))
    written = {str(p.relative_to(attempt.folder / "files")) for p in everything(attempt.folder)
               if p.is_relative_to(attempt.folder / "files")}  # fmt: skip
    assert written == {"score.py", "a/.b/c-d_e", "x" * 255, "ü.txt"}


async def test_the_owner_is_told_to_rename_the_file(tmp_path: Path) -> None:
    runner = LocalRunner(tmp_path, at_once=1)
    with pytest.raises(StalledError) as refusal:
        runner.want("me", [task("../x.py")])
    assert refusal.value.reason is Reason.INVALID_SPEC
    assert str(refusal.value) == (
        "The source cannot be handed to a task: '../x.py' has no relative path for a name. "
        "Give it another name."
    )


@pytest.mark.parametrize(
    "content",
    [
        json.dumps({"ok": {"digest": "../x", "sizeBytes": 1, "seconds": 1}}).encode(),
        b"\xff\xfe",
        b" " * (MAX_RESULT_BYTES + 1),
    ],
    ids=["not what the program returns", "no text", "too long"],
)
def test_a_result_that_cannot_be_read_is_a_crash(tmp_path: Path, content: bytes) -> None:
    attempt = TaskFolders(tmp_path).prepare(task())
    (attempt.folder / RESULT_FILE).write_bytes(content)
    state = attempt.outcome(TaskState("assemble-1", 1, TaskPhase.RUNNING))
    assert state.phase is TaskPhase.FAILED
    assert state.failure
    assert state.failure.reason is Reason.TASK_CRASHED
