"""Bytecode for modules that have none: what Python itself would have written, where it looks."""

import importlib.util
import io
import os
import py_compile
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from fairlead.images import compile_base
from fairlead.images.base_bytecode import bytecode_tar
from fairlead.images.environment_tree import EnvironmentUnfitError, Limits

PROGRAM = Path(compile_base.__file__)
TAG = sys.implementation.cache_tag


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """As a standard library is laid out; its files have a date of their own."""
    root = tmp_path / "usr/lib/python"
    for name, text in {
        "one.py": "import package.two\n",
        "package/__init__.py": "",
        "package/two.py": "names = {'a', 'b', 'c'}\n",
        "package/broken.py": "print 'of Python 2'\n",
        "package/null.py": "\0",
        "package/odd.py": "pattern = '\\d'\n",
        "package/test/test_two.py": "",
        "site-packages/others.py": "",
        "data.txt": "",
    }.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        os.utime(path, (1_700_000_000, 1_700_000_000))
    return root


def compiled(library: Path, place: Path) -> None:
    pairs = compile_base.without_bytecode(str(library))
    compile_base.compile_all([(source, f"{place}{cached}") for source, cached in pairs])


def members(content: bytes) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        return {entry.name: entry for entry in archive.getmembers()}


def unpacked(content: bytes, root: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        archive.extractall(root, filter="data")


def test_python_takes_all_of_it_for_its_own(library: Path, tmp_path: Path) -> None:
    compiled(library, tmp_path / "made")
    unpacked(b"".join(bytecode_tar(tmp_path / "made")), Path("/"))
    imported = "import one, package.odd"
    told = subprocess.run(
        [sys.executable, "-v", "-c", imported],
        env={"PYTHONPATH": str(library), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    ).stderr
    for module in (library / "one.py", library / "package/two.py", library / "package/odd.py"):
        cached = importlib.util.cache_from_source(str(module), optimization="")
        assert f"# {cached} matches {module}" in told


def test_a_source_that_is_another_one_is_compiled_as_ever(library: Path, tmp_path: Path) -> None:
    compiled(library, tmp_path / "made")
    unpacked(b"".join(bytecode_tar(tmp_path / "made")), Path("/"))
    (library / "package/two.py").write_text("names = 'of another image'\n")
    told = subprocess.run(
        [sys.executable, "-c", "import package.two; print(package.two.names)"],
        env={"PYTHONPATH": str(library)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert told == "of another image\n"


def test_only_modules_without_bytecode_are_compiled_and_no_others(
    library: Path, tmp_path: Path
) -> None:
    py_compile.compile(str(library / "one.py"))
    compiled(library, tmp_path / "made")
    within = str(library / "package/__pycache__").lstrip("/")
    assert list(members(b"".join(bytecode_tar(tmp_path / "made")))) == [
        within,
        *(f"{within}/{name}.{TAG}.pyc" for name in ("__init__", "odd", "two")),
    ]


def test_each_time_there_are_the_same_bytes(library: Path, tmp_path: Path) -> None:
    for number in range(150):
        (library / f"module{number}.py").write_text(f"x = {{'a', 'b', {number}}}\n")
        os.utime(library / f"module{number}.py", (1_600_000_000, 1_600_000_000))
    for made in ("made", "again"):
        compiled(library, tmp_path / made)
    first, again = (b"".join(bytecode_tar(tmp_path / made)) for made in ("made", "again"))
    assert first == again
    assert len(members(first)) == 150 + 6
    entries = members(first).values()
    assert {(one.uid, one.gid, one.mtime) for one in entries} == {(0, 0, 0)}
    assert {one.mode for one in entries if one.isfile()} == {0o644}


@pytest.mark.parametrize(("last", "expected"), [((3, 5), False), (sys.version_info[:2], True)])
def test_names_that_python_keeps_are_forgotten_where_they_would_show(
    last: tuple[int, int],
    library: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    expected: bool,
) -> None:
    monkeypatch.setattr(compile_base, "LAST_THAT_MINDS_KEPT_NAMES", last)
    monkeypatch.setattr("sys._clear_type_cache", (tmp_path / "forgotten").touch)
    compiled(library, tmp_path / "made")
    assert (tmp_path / "forgotten").exists() == expected
    compile_base.forget_names()


def test_where_there_may_be_no_more_processes_none_is_left_behind(
    library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fork, begun = os.fork, list[int]()

    def fork_once() -> int:
        if begun:
            raise BlockingIOError
        begun.append(fork())
        return begun[0]

    monkeypatch.setattr(compile_base, "FILES_AT_ONCE", 1)
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    monkeypatch.setattr("os.fork", fork_once)
    with pytest.raises(BlockingIOError):
        compiled(library, tmp_path / "made")
    with pytest.raises(ChildProcessError):
        os.waitpid(begun[0], os.WNOHANG)
    assert len(list((tmp_path / "made").rglob("*.pyc"))) == 1


def test_the_program_says_nothing_and_looks_for_the_library_of_its_python(
    library: Path, tmp_path: Path
) -> None:
    place = tmp_path / "made"
    (tmp_path / "link").symlink_to(library)
    begins = (
        "import runpy, sys, sysconfig",
        f"sysconfig.get_path = {{'stdlib': {str(tmp_path / 'link')!r}}}.__getitem__",
        f"sys.argv = ['', {str(place)!r}]",
        f"runpy.run_path({str(PROGRAM)!r}, run_name='__main__')",
    )
    command = [sys.executable, "-I", "-W", "ignore", "-c", "; ".join(begins)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    made = {"/" / path.relative_to(place).parent for path in place.rglob("*.pyc")}
    assert made == {library / "__pycache__", library / "package/__pycache__"}


def test_nothing_but_bytecode_at_its_place_is_taken_of_what_a_base_image_leaves(
    tmp_path: Path,
) -> None:
    place = tmp_path / "made"
    (place / "usr/lib/__pycache__/inner").mkdir(parents=True)
    (place / "usr/lib/__pycache__/a.cpython-311.pyc").write_bytes(b"x")
    (place / "usr/lib/__pycache__/a.so").write_bytes(b"x")
    (place / "usr/lib/__pycache__/.wh.b.pyc").write_bytes(b"x")
    (place / "usr/lib/__pycache__/link.pyc").symlink_to("/etc/passwd")
    (place / "usr/lib/__pycache__/inner/c.pyc").write_bytes(b"x")
    (place / "usr/lib/d.pyc").write_bytes(b"x")
    (place / "usr/bin").mkdir()
    (place / "usr/bin/python3").write_bytes(b"x")
    (place / "etc").symlink_to("/etc")
    os.mkfifo(place / "usr/lib/__pycache__/pipe.pyc")
    assert list(members(b"".join(bytecode_tar(place)))) == [
        "usr/lib/__pycache__",
        "usr/lib/__pycache__/a.cpython-311.pyc",
    ]


def test_where_there_is_none_there_is_no_archive(tmp_path: Path) -> None:
    (tmp_path / "made/usr/lib/__pycache__").mkdir(parents=True)
    assert b"".join(bytecode_tar(tmp_path / "made")) == b""


@pytest.mark.parametrize("limits", [Limits(files=3), Limits(size_bytes=10), Limits(depth=2)])
def test_more_than_a_library_can_be_is_refused(tmp_path: Path, limits: Limits) -> None:
    folder = tmp_path / "made/usr/lib/__pycache__"
    folder.mkdir(parents=True)
    for number in range(4):
        (folder / f"{number}.pyc").write_bytes(bytes(100))
    with pytest.raises(EnvironmentUnfitError):
        b"".join(bytecode_tar(tmp_path / "made", limits))
