"""No file is written outside of its task's folder, whoever handed it over."""

from pathlib import Path

import pytest

from fairlead.api.reasons import Reason
from fairlead.api.wire import Wire
from fairlead.contract import Task
from fairlead.errors import StalledError
from fairlead.runners.handed_files import UnsafeFileError, write_files
from fairlead.runners.local import LocalRunner
from fairlead.runners.task_folder import TaskFolders
from fairlead.settings import Settings


class Request(Wire):
    pass


def task(*names: str, identifier: str = "assemble-1") -> Task:
    files = dict.fromkeys(names, b"x")
    return Task(identifier, "assemble", 1, Request(), 30, files, namespace="demo")


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
    folders = TaskFolders(tmp_path)
    with pytest.raises(UnsafeFileError) as refusal:
        folders.prepare(task("score.py", name))
    assert str(refusal.value).isprintable()
    assert everything(tmp_path) == set()


def test_a_file_that_is_a_folder_too_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsafeFileError, match=r"'a' is, in another name, a folder"):
        TaskFolders(tmp_path).prepare(task("a/b", "a"))
    assert everything(tmp_path) == set()


def test_what_lay_in_the_folder_before_is_gone(tmp_path: Path) -> None:
    files = tmp_path / "tasks/assemble-1/1/files"
    files.mkdir(parents=True)
    (files / "out").symlink_to(tmp_path)
    folder = TaskFolders(tmp_path).prepare(task("out/x"))
    assert not (tmp_path / "x").exists()
    assert (folder / "files/out/x").read_bytes() == b"x"


def test_a_link_that_leads_elsewhere_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files/out").symlink_to(tmp_path)
    with pytest.raises(UnsafeFileError, match="outside of the folder"):
        write_files({"out/x": b"x"}, tmp_path / "files")
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("identifier", ["..", "environment-x-../../../..", "a/b", "", "x" * 201])
def test_the_name_of_a_task_is_one_folder(tmp_path: Path, identifier: str) -> None:
    with pytest.raises(UnsafeFileError, match="is no name for the folder of a task"):
        TaskFolders(tmp_path).prepare(task(identifier=identifier))
    assert everything(tmp_path) == set()


def test_names_that_are_fit_are_written(tmp_path: Path) -> None:
    folder = TaskFolders(tmp_path).prepare(task("score.py", "a/.b/c-d_e", "x" * 255, "ü.txt"))
    written = {str(path.relative_to(folder / "files")) for path in everything(folder / "files")}
    assert written == {"score.py", "a/.b/c-d_e", "x" * 255, "ü.txt"}


async def test_the_owner_is_told_to_rename_the_file(tmp_path: Path) -> None:
    async with LocalRunner(Settings(state_folder=tmp_path)) as runner:
        with pytest.raises(StalledError) as refusal:
            runner.want("me", [task("../x.py")])
    assert refusal.value.reason is Reason.INVALID_SPEC
    assert str(refusal.value) == (
        "The source cannot be handed to a task: '../x.py' has no relative path for a name. "
        "Give it another name."
    )
