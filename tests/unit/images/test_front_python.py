"""Which Python the server brings along, and what of an archive becomes part of an image."""

import hashlib
import io
import re
import stat
import tarfile
from pathlib import Path

import pytest

from fairlead.images import front_python
from fairlead.images.front_python import DEFAULTS, FrontPython, FrontPythonError, lay_out
from fairlead.registry.oci import PLATFORM
from fairlead.settings import Settings

FILES = {
    "python/bin/python3.12": "program",
    "python/bin/pip": "not needed",
    "python/lib/python3.12/os.py": "os",
    "python/lib/python3.12/asyncio/events.py": "events",
    "python/lib/python3.12/test/test_os.py": "not needed",
    "python/lib/python3.12/site-packages/pip/__init__.py": "not needed",
    "python/lib/python3.12/__pycache__/os.cpython-312.pyc": "not needed",
    "python/lib/libpython3.12.so.1.0": "library",
    "python/lib/libtcl8.6.so": "not needed",
    "python/lib/tcl8.6/init.tcl": "not needed",
    "python/include/Python.h": "not needed",
    "elsewhere.txt": "not needed",
}
KEPT = {
    "python/bin/python3": "program",
    "python/lib/python3.12/os.py": "os",
    "python/lib/python3.12/asyncio/events.py": "events",
    "python/lib/libpython3.12.so.1.0": "library",
}


def archive(
    folder: Path, files: dict[str, str], links: dict[str, str] | None = None
) -> FrontPython:
    path = folder / "python.tar.gz"
    with tarfile.open(path, "w:gz") as opened:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(text), 0o755
            opened.addfile(member, io.BytesIO(text.encode()))
        for name, target in (links or {}).items():
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, target
            opened.addfile(member)
    return FrontPython(str(path), hashlib.sha256(path.read_bytes()).hexdigest())


def laid_out(front: FrontPython, folder: Path) -> str:
    (folder / "out").mkdir()
    return lay_out(front, folder / "out", Settings())


@pytest.mark.parametrize(("python", "own"), [("3.11.0", False), ("3.14.1", False), ("3.6.15", True),
                                             ("3.10.13", True)])  # fmt: skip
def test_the_server_brings_a_python_where_the_environments_is_too_old(
    python: str, *, own: bool
) -> None:
    found = front_python.front_python(python, Settings())
    assert (found is not None) is own
    if found:
        assert f"{found.source}#sha256={found.sha256}" == DEFAULTS[PLATFORM.architecture]


def test_the_releases_are_pinned() -> None:
    for named in DEFAULTS.values():
        assert re.fullmatch(r"https://\S+install_only_stripped\.tar\.gz#sha256=[0-9a-f]{64}", named)
        assert Settings(front_python=named).front_python == named


def test_a_setting_names_another() -> None:
    found = front_python.front_python("3.8.1", Settings(front_python=f"/x#sha256={64 * 'a'}"))
    assert found == FrontPython("/x", 64 * "a")


def test_a_platform_without_a_release_needs_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front_python, "DEFAULTS", {})
    with pytest.raises(FrontPythonError, match="FAIRLEAD_FRONT_PYTHON"):
        front_python.front_python("3.8.1", Settings())


@pytest.mark.parametrize("prefix", ["", "./", "install/deep/"])
def test_what_a_server_has_no_use_for_is_left_out(tmp_path: Path, prefix: str) -> None:
    front = archive(tmp_path, {f"{prefix}{name}": text for name, text in FILES.items()})
    assert laid_out(front, tmp_path) == "3.12"
    out = tmp_path / "out"
    found = {str(path.relative_to(out)): path.read_text() for path in out.rglob("*")
             if path.is_file()}  # fmt: skip
    assert found == KEPT
    assert (out / "python/bin/python3").stat().st_mode & stat.S_IXUSR


@pytest.mark.parametrize("target", ["../../../../etc/passwd", "..", "/etc/passwd"])
def test_a_link_out_of_the_archive_is_refused(tmp_path: Path, target: str) -> None:
    front = archive(tmp_path, FILES, {"python/lib/libx.so": target})
    with pytest.raises(FrontPythonError, match=r"leads out of its folder: python/lib/libx\.so"):
        laid_out(front, tmp_path)


def test_a_name_out_of_the_archive_is_refused(tmp_path: Path) -> None:
    front = archive(tmp_path, {**FILES, "python/lib/python3.12/../../../../x.py": "x"})
    with pytest.raises(FrontPythonError, match="leads out of its folder: "):
        laid_out(front, tmp_path)


def test_a_library_may_have_two_names(tmp_path: Path) -> None:
    front = archive(tmp_path, FILES, {"python/lib/libpython3.12.so": "libpython3.12.so.1.0"})
    laid_out(front, tmp_path)
    link = tmp_path / "out/python/lib/libpython3.12.so"
    assert (link.is_symlink(), link.read_text()) == (True, "library")


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"python/bin/python3.12": "x"}, "no Python 3.11 or newer (lib/python3.N/os.py)"),
        ({"python/lib/python3.10/os.py": "x"}, "no Python 3.11 or newer (lib/python3.N/os.py)"),
        ({"python/lib/python3.12/os.py": "x"}, "holds no bin/python3.12"),
    ],
)
def test_what_is_no_python_is_refused(tmp_path: Path, files: dict[str, str], said: str) -> None:
    with pytest.raises(FrontPythonError, match=re.escape(said)):
        laid_out(archive(tmp_path, files), tmp_path)


def test_another_content_than_the_named_one_is_refused(tmp_path: Path) -> None:
    front = FrontPython(archive(tmp_path, FILES).source, 64 * "0")
    with pytest.raises(FrontPythonError, match="is not what it should be: its sha256 is "):
        laid_out(front, tmp_path)


def test_what_cannot_be_read_is_told_with_its_path(tmp_path: Path) -> None:
    missing = str(tmp_path / "x.tar.gz")
    with pytest.raises(FrontPythonError, match=r"x\.tar\.gz cannot be unpacked: No such file"):
        laid_out(FrontPython(missing, 64 * "0"), tmp_path)


@pytest.mark.parametrize("limit", ["MAX_ARCHIVE_BYTES", "MAX_MEMBERS", "MAX_UNPACKED_BYTES"])
def test_what_is_larger_than_any_python_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setattr(front_python, limit, 3)
    with pytest.raises(FrontPythonError, match="larger than"):
        laid_out(archive(tmp_path, FILES), tmp_path)


def test_an_address_that_does_not_answer_is_tried_again(tmp_path: Path) -> None:
    with pytest.raises(FrontPythonError, match=r"http://127\.0\.0\.1:1/x: ") as caught:
        laid_out(FrontPython("http://127.0.0.1:1/x", 64 * "0"), tmp_path)
    assert caught.value.transient


def test_a_python_that_does_not_run_here_is_told(tmp_path: Path) -> None:
    laid_out(archive(tmp_path, FILES), tmp_path)
    with pytest.raises(FrontPythonError, match="The server's own Python does not run"):
        front_python.compile_all(tmp_path / "out")
