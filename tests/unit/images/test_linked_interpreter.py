"""What of a linked environment its interpreter needs, out of an archive of strangers' files."""

import io
import subprocess
import tarfile
from pathlib import Path

import pytest

from fairlead.images import linked_interpreter
from fairlead.images.layout import ENVIRONMENT
from fairlead.images.linked_interpreter import unpack_interpreter


def archive(folder: Path, entries: dict[str, bytes | str]) -> Path:
    """``entries``: path in the environment to a file's content, or to a link's target."""
    path = folder / "environment.tar"
    with tarfile.open(path, "w") as tar:
        root = tarfile.TarInfo(ENVIRONMENT)
        root.type = tarfile.DIRTYPE
        tar.addfile(root)
        for name, content in entries.items():
            entry = tarfile.TarInfo(f"{ENVIRONMENT}/{name}")
            if isinstance(content, bytes):
                entry.size, entry.mode = len(content), 0o4777 if "bin/" in name else 0o644
                tar.addfile(entry, io.BytesIO(content))
            else:
                entry.type, entry.linkname = tarfile.SYMTYPE, content
                tar.addfile(entry)
    return path


def unpacked(folder: Path, entries: dict[str, bytes | str]) -> set[str]:
    target = folder / "interpreter"
    unpack_interpreter(archive(folder, entries), target)
    found = (path for path in target.rglob("*") if path.is_symlink() or not path.is_dir())
    return {str(path.relative_to(target)) for path in found}


def test_the_interpreter_and_its_libraries_are_taken_and_no_packages(tmp_path: Path) -> None:
    needed: dict[str, bytes | str] = {
        "bin/python": "python3.11",
        "bin/python3.11": b"#!/bin/sh\necho it runs\n",
        "lib/libz.so": "libz.so.1.2.13",
        "lib/libz.so.1.2.13": b"z",
        "lib/python3.11/os.py": b"",
        "lib/python3.11/lib-dynload/zlib.cpython-311-x86_64-linux-gnu.so": b"",
    }
    others: dict[str, bytes | str] = {
        "bin/pip": b"",
        "bin/python-config": b"",
        "lib/python3.11/site-packages/numpy/__init__.py": b"",
        "lib/python3.11/config-3.11-x86_64-linux-gnu/libpython3.11.a": b"",
        "share/doc/python": b"",
        "conda-meta/python.json": b"",
    }
    assert unpacked(tmp_path, needed | others) == needed.keys()
    program = tmp_path / "interpreter/bin/python"
    assert program.stat().st_mode & 0o7777 == 0o755
    said = subprocess.run([program], capture_output=True, text=True, check=True, timeout=300)
    assert said.stdout == "it runs\n"


def test_nothing_is_written_through_a_link_or_outside(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    hostile: dict[str, bytes | str] = {
        "lib/liba.so": "/etc/passwd",
        "lib/libb.so": "../../escape",
        "lib/python3.1": str(elsewhere),
        "lib/python3.1/os.py": b"1",
        "lib/python3.2/x": "..",
        "lib/python3.2/x/y.py": b"2",
        "lib/python3.3/../../../escaped": b"3",
        "lib/python3.4/..": b"4",
        "lib/python3.5/a": b"5",
        "lib/python3.5/a/b": b"6",
        "lib/python3.6/link": "a",
        "lib/python3.6/link/c": b"7",
        "../bin/python3": b"8",
    }
    found = unpacked(tmp_path, hostile)
    assert found == {
        "lib/python3.1/os.py",
        "lib/python3.2/x",
        "lib/python3.5/a",
        "lib/python3.6/link",
    }
    assert {path.name for path in tmp_path.iterdir()} == {
        "elsewhere",
        "environment.tar",
        "interpreter",
    }
    assert list(elsewhere.iterdir()) == []


def test_what_is_there_is_not_replaced(tmp_path: Path) -> None:
    path = archive(tmp_path, {"bin/python3": b"first"})
    with tarfile.open(path, "a") as tar:
        entry = tarfile.TarInfo(f"{ENVIRONMENT}/bin/python3")
        entry.type, entry.linkname = tarfile.LNKTYPE, "/etc/passwd"
        tar.addfile(entry)
        entry = tarfile.TarInfo(f"{ENVIRONMENT}/bin/python3")
        entry.size = 6
        tar.addfile(entry, io.BytesIO(b"second"))
    unpack_interpreter(path, tmp_path / "interpreter")
    assert (tmp_path / "interpreter/bin/python3").read_bytes() == b"first"


def test_a_library_that_is_too_large_for_pythons_own_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(linked_interpreter, "MAX_LIBRARY_BYTES", 3)
    assert unpacked(tmp_path, {"lib/libmkl.so": b"1234", "lib/libz.so": b"123"}) == {"lib/libz.so"}
