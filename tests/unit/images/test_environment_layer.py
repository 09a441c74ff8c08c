"""Whatever foreign code leaves in the environment's folder becomes a layer, or is refused."""

import errno
import gzip
import io
import os
import py_compile
import socket
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fairlead.images import environment_tree
from fairlead.images.environment_layer import Gzipped, environment_tar, folders_tar
from fairlead.images.environment_tree import EnvironmentUnfitError, Limits, survey, walk
from fairlead.registry.oci import digest_of

WITHIN = "opt/fairlead/env"
LIMITS = Limits()
DATELESS = py_compile.PycInvalidationMode.UNCHECKED_HASH


def packed(root: Path, limits: Limits = LIMITS) -> bytes:
    survey(root, limits, lambda _: None)
    return b"".join(environment_tar(root, WITHIN, limits))


def members(content: bytes) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(content), errors="surrogateescape") as archive:
        return {entry.name.removeprefix(f"{WITHIN}/"): entry for entry in archive.getmembers()}


def tree(root: Path) -> Path:
    """What ``python3 -m venv`` and pip leave, and something executable."""
    packages = root / "lib/python3.11/site-packages"
    packages.mkdir(parents=True)
    (root / "lib64").symlink_to("lib")
    (root / "bin").mkdir()
    (root / "bin/python3").symlink_to("/usr/local/bin/python3")
    (root / "bin/flask").write_text("#!/opt/fairlead/env/bin/python\n")
    (root / "bin/flask").chmod(0o700)
    (packages / "a.py").write_text("x = {'b', 'a', 'c'}\n")
    (packages / "big.so").write_bytes(b"\x7fELF" * 600_000)
    py_compile.compile(str(packages / "a.py"), dfile="a.py", invalidation_mode=DATELESS)
    return root


def test_names_contents_and_who_may_run_them_are_all_that_is_packed(tmp_path: Path) -> None:
    found = members(packed(tree(tmp_path)))
    assert {(m.mtime, m.uid, m.gid, m.uname, m.gname) for m in found.values()} == {
        (0, 0, 0, "", "")
    }
    compiled = next(name for name in found if name.endswith(".pyc"))
    assert list(found) == [
        WITHIN,
        "bin",
        "bin/flask",
        "bin/python3",
        "lib",
        "lib/python3.11",
        "lib/python3.11/site-packages",
        "lib/python3.11/site-packages/__pycache__",
        compiled,
        "lib/python3.11/site-packages/a.py",
        "lib/python3.11/site-packages/big.so",
        "lib64",
    ]
    assert [oct(found[name].mode) for name in ("bin", "bin/flask", "lib64")] == [
        "0o755",
        "0o755",
        "0o777",
    ]
    assert found["bin/python3"].linkname == "/usr/local/bin/python3"


def test_two_trees_of_the_same_content_are_the_same_bytes(tmp_path: Path) -> None:
    one, other = tree(tmp_path / "one"), tree(tmp_path / "other")
    for number, path in enumerate(sorted(other.rglob("*"), reverse=True)):
        if not path.is_symlink():
            os.utime(path, (number, number))
    (other / "bin").chmod(0o2777)
    first, second = Gzipped(environment_tar(one, WITHIN, LIMITS)), packed(other)
    compressed = b"".join(first)
    assert gzip.decompress(compressed) == second
    assert first.diff_id == digest_of(second)
    assert compressed == b"".join(Gzipped([second[:7], second[7:]]))


def test_rights_beyond_reading_and_running_do_not_come_along(tmp_path: Path) -> None:
    tool = tmp_path / "tool"
    tool.write_text("")
    tool.chmod(0o6777)
    assert members(packed(tmp_path))["tool"].mode == 0o755


def test_a_link_is_a_link_wherever_it_leads(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "token").write_text("hidden")
    root = tmp_path / "root"
    root.mkdir()
    (root / "file").symlink_to(secret / "token")
    (root / "folder").symlink_to(secret)
    (root / "up").symlink_to("../../../../etc/shadow")
    (root / "itself").symlink_to("itself")
    content = packed(root)
    assert b"hidden" not in content
    assert {name: entry.type for name, entry in members(content).items()} == {
        WITHIN: tarfile.DIRTYPE,
        **dict.fromkeys(("file", "folder", "itself", "up"), tarfile.SYMTYPE),
    }


def test_a_file_with_two_names_is_two_files(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("content")
    (tmp_path / "b").hardlink_to(tmp_path / "a")
    found = members(packed(tmp_path))
    assert [(found[name].type, found[name].size) for name in "ab"] == [(tarfile.REGTYPE, 7)] * 2


def test_what_no_image_needs_is_left_out_and_told(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(tmp_path / "socket"))
    (tmp_path / ".wh.bin").write_text("")
    (tmp_path / ".wh..wh..opq").mkdir()
    (tmp_path / "kept").write_text("")
    said = list[str]()
    assert survey(tmp_path, LIMITS, said.append).left_out == 4
    assert list(members(packed(tmp_path))) == [WITHIN, "kept"]
    listening.close()
    assert said == [
        "Left out of the image: .wh..wh..opq (its name would delete a file of the base image).",
        "Left out of the image: .wh.bin (its name would delete a file of the base image).",
        "Left out of the image: pipe (it is no file, folder or link).",
        "Left out of the image: socket (it is no file, folder or link).",
    ]


def test_a_compiled_file_with_a_date_is_left_out(tmp_path: Path) -> None:
    source = tmp_path / "a.py"
    source.write_text("x = 1\n")
    py_compile.compile(str(source))
    assert list(members(packed(tmp_path))) == [WITHIN, "__pycache__", "a.py"]
    (tmp_path / "alone.pyc").write_bytes(b"a program without its source")
    assert "alone.pyc" in members(packed(tmp_path))


def test_a_name_that_is_no_text_stays_the_bytes_that_it_is(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"\xff\xfe\n")).write_text("x")
    assert os.fsencode(list(members(packed(tmp_path)))[1]) == b"\xff\xfe\n"


def many(root: Path) -> None:
    for number in range(40):
        (root / str(number)).write_text("")


def deep(root: Path) -> None:
    (root / "/".join("d" * 11)).mkdir(parents=True)


def long(root: Path) -> None:
    (root / ("a" * 200) / ("b" * 200)).mkdir(parents=True)


def large(root: Path) -> None:
    with (root / "sparse").open("wb") as file:
        file.truncate(2000)


def twice(root: Path) -> None:
    (root / "a").write_bytes(b"x" * 900)
    (root / "b").hardlink_to(root / "a")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (many, "more than 30 files"),
        (deep, "More than 10 folders lie within each other at d/d/d/d/d/d/d/d/d/d"),
        (long, "A path is longer than 300 bytes: aaaa"),
        (large, "take more than 0 GiB"),
        (twice, "take more than 0 GiB"),
    ],
)
def test_what_goes_beyond_the_limits_is_refused_before_anything_is_packed(
    make: Callable[[Path], None], said: str, tmp_path: Path
) -> None:
    make(tmp_path)
    limits = Limits(files=30, size_bytes=1000, depth=10, path_bytes=300)
    with pytest.raises(EnvironmentUnfitError, match=said):
        survey(tmp_path, limits, lambda _: None)


def test_what_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "closed").write_text("")
    opened = os.open

    def refusing(name: str, *arguments: Any, **others: Any) -> int:
        if name == "closed":  # root, who may run this, would read it
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return opened(name, *arguments, **others)

    monkeypatch.setattr(os, "open", refusing)
    with pytest.raises(EnvironmentUnfitError, match="closed cannot be read: Permission denied"):
        packed(tmp_path)


def test_a_file_that_grows_or_becomes_a_link_while_it_is_packed_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1234")
    [found] = list(walk(tmp_path, LIMITS))
    root = os.open(tmp_path, os.O_RDONLY)
    found = replace(found, folder=root)
    for change in (lambda: (tmp_path / "a").write_text("12345"), lambda: swap(tmp_path / "a")):
        change()
        with pytest.raises(EnvironmentUnfitError):
            environment_tree.open_file(found)
    os.close(root)


def swap(path: Path) -> None:
    path.unlink()
    path.symlink_to("/etc/passwd")


def test_folders_and_files_of_steps_are_packed_in_order() -> None:
    content = folders_tar(["opt/tools/b", "opt/tools"], [("opt/tools/a", b"1")])
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        assert archive.getnames() == ["opt/tools", "opt/tools/a", "opt/tools/b"]
