"""Archives: what comes out, and what nothing comes out of."""

import gzip
import io
import lzma
import os
import random
import stat
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Literal

import pytest

from fairlead.api.reasons import Reason
from fairlead.sources import archive
from fairlead.sources.archive import unpack
from fairlead.sources.base import Limits, SourceError

FILES = {"model/weights.bin": b"w" * 2000, "model/config.json": b"{}"}
Pack = Callable[[Mapping[str, bytes]], bytes]


def limits(most_bytes: int = 10_000_000, most_files: int = 100, seconds: float = 60) -> Limits:
    return Limits(most_bytes, most_files, time.monotonic() + seconds)


def zipped(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def tarred(mode: Literal["w", "w:gz", "w:bz2", "w:xz"] = "w") -> Pack:
    def pack(files: Mapping[str, bytes]) -> bytes:
        out = io.BytesIO()
        with tarfile.open(None, mode, out) as archive:
            for name, content in files.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        return out.getvalue()

    return pack


def special(kind: bytes, name: str = "model/link", target: str = "weights.bin") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        member = tarfile.TarInfo(name)
        member.type, member.linkname = kind, target
        archive.addfile(member)
    return out.getvalue()


def zipped_link() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        member = zipfile.ZipInfo("model/link")
        member.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(member, "/etc/passwd")
    return out.getvalue()


def encrypted() -> bytes:
    content = bytearray(zipped({"a": b"x"}))
    content[content.index(b"PK\x03\x04") + 6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


def negative() -> bytes:
    """A size in base 256, as GNU writes large ones, and below nothing."""
    header = bytearray(tarfile.TarInfo("a").tobuf(tarfile.GNU_FORMAT))
    header[124:136] = b"\xff" * 10 + (-512 & 0xFFFF).to_bytes(2, "big")
    header[148:156] = b" " * 8
    header[148:156] = f"{sum(header):06o}\0 ".encode()
    return bytes(header) + bytes(2048)


def sparse(real_size: int, data: bytes = b"end") -> bytes:
    """A file of holes with something at its end, in GNU's format 1.0."""
    where = f"1\n{real_size - len(data)}\n{len(data)}\n".encode().ljust(512, b"\0")
    member = tarfile.TarInfo("m/holes.bin")
    member.size = len(where) + len(data)
    member.pax_headers = {
        "GNU.sparse.major": "1",
        "GNU.sparse.minor": "0",
        "GNU.sparse.name": "m/holes.bin",
        "GNU.sparse.realsize": str(real_size),
    }
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(member, io.BytesIO(where + data))
    return out.getvalue()


def long_header(content: bytes) -> bytes:
    """A pax header with that content, as nobody writes it."""
    header = tarfile.TarInfo("pax")
    header.type, header.size = tarfile.XHDTYPE, len(content)
    padded = content + bytes(-len(content) % 512)
    return header.tobuf(tarfile.USTAR_FORMAT) + padded + tarred()({"a": b"1"})


PACKERS = [
    pytest.param(zipped, id="zip"),
    pytest.param(tarred("w"), id="tar"),
    pytest.param(tarred("w:gz"), id="tar.gz"),
    pytest.param(tarred("w:bz2"), id="tar.bz2"),
    pytest.param(tarred("w:xz"), id="tar.xz"),
]


def unpacked(tmp_path: Path, content: bytes, within: Limits | None = None) -> dict[str, bytes]:
    archive, into = tmp_path / "m.any", tmp_path / "into"
    archive.write_bytes(content)
    into.mkdir()
    digests = unpack(archive, into, within or limits())
    found = {p.relative_to(into).as_posix(): p.read_bytes() for p in files_below(into)}
    assert digests.keys() == found.keys()
    return found


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if not path.is_dir() or path.is_symlink()]


@pytest.mark.parametrize("pack", PACKERS)
def test_every_kind_of_archive_is_told_by_its_content(tmp_path: Path, pack: Pack) -> None:
    assert unpacked(tmp_path, pack(FILES)) == FILES


@pytest.mark.parametrize("pack", PACKERS)
@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("../evil", "../evil reaches outside the archive."),
        ("model/../../evil", "model/../../evil reaches outside the archive."),
        ("/etc/evil", "/etc/evil has an absolute name, or one of another system."),
        ("C:/evil", "C:/evil has an absolute name, or one of another system."),
        ("model\\..\\evil", "model\\..\\evil has an absolute name, or one of another system."),
        ("a/" * 70 + "b", "has too long a name."),
        ("a\nb", "a\\nb has a name with characters that cannot be shown."),
    ],
)
def test_a_member_that_reaches_outside_is_named_and_nothing_is_written_there(
    tmp_path: Path, pack: Pack, name: str, why: str
) -> None:
    with pytest.raises(SourceError) as refused:
        unpacked(tmp_path, pack({**FILES, name: b"evil"}))
    assert refused.value.reason is Reason.ARCHIVE_UNSAFE
    assert str(refused.value).endswith(why)
    assert not [path for path in tmp_path.rglob("*") if path.name == "evil"]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        pytest.param(special(tarfile.SYMTYPE), "model/link is a link", id="symbolic link"),
        pytest.param(special(tarfile.LNKTYPE), "model/link is a link", id="hard link"),
        pytest.param(special(tarfile.CHRTYPE), "model/link is a device", id="device"),
        pytest.param(special(tarfile.FIFOTYPE), "model/link is a device", id="fifo"),
        pytest.param(zipped_link(), "model/link is a link", id="link in a zip"),
    ],
)
def test_links_and_devices_are_refused_by_name(tmp_path: Path, content: bytes, why: str) -> None:
    with pytest.raises(SourceError, match=why) as refused:
        unpacked(tmp_path, content)
    assert refused.value.reason is Reason.ARCHIVE_UNSAFE
    assert files_below(tmp_path / "into") == []


@pytest.mark.parametrize("pack", PACKERS)
def test_a_bomb_is_stopped_at_the_limit(tmp_path: Path, pack: Pack) -> None:
    with pytest.raises(SourceError, match="is larger than 1,000,000 bytes") as refused:
        unpacked(tmp_path, pack({"zeros": bytes(50_000_000)}), limits(most_bytes=1_000_000))
    assert refused.value.reason is Reason.MODEL_TOO_LARGE
    assert sum(path.stat().st_size for path in files_below(tmp_path / "into")) <= 1_000_000


@pytest.mark.parametrize("pack", PACKERS)
def test_the_sum_of_all_files_counts(tmp_path: Path, pack: Pack) -> None:
    files = {f"f{i}": bytes(300_000) for i in range(4)}
    with pytest.raises(SourceError, match="is larger than 1,000,000 bytes"):
        unpacked(tmp_path, pack(files), limits(most_bytes=1_000_000))


@pytest.mark.parametrize("pack", PACKERS)
def test_too_many_files_are_too_much(tmp_path: Path, pack: Pack) -> None:
    files = {f"f{i}": b"" for i in range(101)}
    with pytest.raises(SourceError, match="holds more than 100 files and folders"):
        unpacked(tmp_path, pack(files))


@pytest.mark.parametrize("pack", PACKERS)
def test_the_clock_is_looked_at(tmp_path: Path, pack: Pack) -> None:
    with pytest.raises(SourceError, match="did not arrive in time") as refused:
        unpacked(tmp_path, pack(FILES), limits(seconds=-1))
    assert refused.value.retryable


@pytest.mark.parametrize(
    ("content", "why"),
    [
        pytest.param(b"no archive at all" * 100, "is no archive that we read", id="other file"),
        pytest.param(b"", "is no archive that we read", id="empty"),
        pytest.param(zipped(FILES)[:-40], "is no archive that we read", id="half a zip"),
        pytest.param(tarred("w:gz")(FILES)[:80], "is no archive that we read", id="half a tar.gz"),
        pytest.param(b"\x1f\x8bnot really", "broken", id="wrong gzip"),
        pytest.param(b"BZhnot really", "broken", id="wrong bzip2"),
        pytest.param(b"\xfd7zXZ\x00not really", "broken", id="wrong xz"),
        pytest.param(encrypted(), "a in it is encrypted", id="encrypted"),
        pytest.param(
            tarred()({"a": b"1", "a/b": b"2"}), "a/b in it is both", id="a file that is a folder"
        ),
        pytest.param(
            zipped({"a/b": b"2", "a": b"1"}), "a in it is both", id="a folder that is a file"
        ),
        pytest.param(negative(), "a in it has a size that is none", id="a size below nothing"),
    ],
)
def test_what_is_no_archive_is_said_to_be_none(tmp_path: Path, content: bytes, why: str) -> None:
    with pytest.raises(SourceError, match=why) as refused:
        unpacked(tmp_path, content)
    assert refused.value.reason is Reason.ARCHIVE_INVALID


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_of_a_file_that_comes_twice_the_last_counts(
    tmp_path: Path, mode: Literal["w", "w:gz"]
) -> None:
    """As ``tar --append`` makes them."""
    out = io.BytesIO()
    with tarfile.open(None, mode, out) as archive:
        for name, content in [("a", b"first, longer"), ("b", b"other"), ("./a", b"last")]:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    assert unpacked(tmp_path, out.getvalue(), limits(most_bytes=20)) == {
        "a": b"last",
        "b": b"other",
    }


def test_of_a_file_that_is_twice_in_a_zip_the_last_counts(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a", b"first, longer")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("a", b"last")
    assert unpacked(tmp_path, out.getvalue()) == {"a": b"last"}


@pytest.mark.parametrize(
    "content",
    [
        tarred()({"a": b"1", "a/b": b"2"}),
        zipped({"a/b": b"2", "a": b"1"}),
        tarred("w:gz")(FILES)[:80],
        b"no archive" * 100,
        b"BZhnot really",
    ],
)
def test_no_path_of_this_machine_is_told(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(SourceError) as refused:
        unpacked(tmp_path, content)
    assert str(tmp_path) not in str(refused.value)
    assert "/tmp" not in str(refused.value)


def test_a_zip_that_says_itself_that_it_is_too_large_is_not_unpacked(tmp_path: Path) -> None:
    """Each member fits, and all together do not: the table of contents says so at once."""
    content = zipped({f"f{i}": bytes(300_000) for i in range(50)})
    with pytest.raises(SourceError, match="is larger than 1,000,000 bytes"):
        unpacked(tmp_path, content, limits(most_bytes=1_000_000))
    assert files_below(tmp_path / "into") == []


def test_a_zip_that_says_itself_that_it_holds_too_many_files_is_not_read(tmp_path: Path) -> None:
    content = zipped({f"f{i}": b"" for i in range(101)})
    broken = content[: content.index(b"PK\x01\x02")] + content[content.rindex(b"PK\x05\x06") :]
    with pytest.raises(SourceError, match="holds more than 100 files and folders"):
        unpacked(tmp_path, broken)


@pytest.mark.parametrize(
    "pack", [zipped, tarred("w:bz2"), tarred("w:xz")], ids=["zip", "bz2", "xz"]
)
def test_what_is_a_thousand_times_its_archive_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pack: Pack
) -> None:
    monkeypatch.setattr(archive, "MIN_RATIO_BYTES", 1_000_000)
    monkeypatch.setattr(archive, "MAX_RATIO", 500)
    content = pack({f"zeros{i}": bytes(900_000) for i in range(9)})
    with pytest.raises(SourceError, match="unpacks to more than 500 times its size") as refused:
        unpacked(tmp_path, content)
    assert refused.value.reason is Reason.ARCHIVE_UNSAFE
    assert sum(path.stat().st_size for path in files_below(tmp_path / "into")) <= 900_000


def test_holes_of_a_sparse_file_count(tmp_path: Path) -> None:
    assert unpacked(tmp_path, sparse(1000)) == {"m/holes.bin": bytes(997) + b"end"}


def test_a_sparse_file_that_is_too_large_is_refused_by_its_header(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="is larger than 10,000,000 bytes"):
        unpacked(tmp_path, sparse(20_000_000))
    assert files_below(tmp_path) == [tmp_path / "m.any"]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"5 aaa" * 13_000 + b"=", id="each record looks for its end"),
        pytest.param(b"1" * 65_000, id="digits without end"),
        pytest.param(b"30 GNU.sparse.map=" + b"0,1," * 16_000, id="a map of holes"),
        pytest.param(b"22 GNU.sparse.major=1\n" * 2800, id="the same again and again"),
    ],
)
def test_a_header_takes_little_time_whatever_is_in_it(tmp_path: Path, content: bytes) -> None:
    begun = time.monotonic()
    with suppress(SourceError):
        unpacked(tmp_path, long_header(content))
    assert time.monotonic() - begun < 10


def test_a_map_of_holes_is_not_read_without_end(tmp_path: Path) -> None:
    """The map lies in the data of the file, and says itself how long it is."""
    numbers = b"1000000000\n" + b"1\n" * 1_000_000
    content = sparse(1000).replace(b"1\n997\n3\n", numbers)
    with pytest.raises(SourceError, match="table of contents is too large"):
        unpacked(tmp_path, gzip.compress(content))


def test_an_xz_that_asks_for_too_much_memory_is_refused(tmp_path: Path) -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 1024**3}]
    content = lzma.compress(tarred()(FILES), filters=filters)
    with pytest.raises(SourceError, match="Memory usage limit exceeded"):
        unpacked(tmp_path, content)


def test_an_xz_of_several_streams_is_one_archive(tmp_path: Path) -> None:
    content = tarred()(FILES)
    halves = lzma.compress(content[:700]) + bytes(8) + lzma.compress(content[700:])
    assert unpacked(tmp_path, halves) == FILES


OLD_PYTHON = """
import sys, tarfile, time
from pathlib import Path
for name in ("data_filter", "FilterError"):
    if hasattr(tarfile, name):
        delattr(tarfile, name)
from fairlead.sources.archive import unpack
from fairlead.sources.base import Limits, SourceError
assert not {"kopf", "kubernetes", "httpx", "docker"} & set(sys.modules)
into = Path(sys.argv[2])
into.mkdir()
try:
    print(sorted(unpack(Path(sys.argv[1]), into, Limits(10**6, 100, time.monotonic() + 60))))
except SourceError as error:
    print(error.reason)
"""


def interpreters() -> list[str]:
    """This one, and Debian 12's own (3.11.2), where the machine has it."""
    system = "/usr/bin/python3"
    version = "import sys; sys.exit(sys.version_info[:2] != (3, 11))"
    there = (
        Path(system).exists()
        and not subprocess.run([system, "-c", version], check=False).returncode
    )
    return [sys.executable, *([system] if there else [])]


@pytest.mark.parametrize("python", interpreters())
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (zipped(FILES), str(sorted(FILES))),
        (tarred("w:gz")(FILES), str(sorted(FILES))),
        (tarred("w:xz")(FILES), str(sorted(FILES))),
        (tarred()({"../evil": b"x"}), "ArchiveUnsafe"),
        (special(tarfile.SYMTYPE), "ArchiveUnsafe"),
        (sparse(1000), "['m/holes.bin']"),
    ],
    ids=["zip", "tar.gz", "tar.xz", "outside", "link", "sparse"],
)
def test_the_rules_need_nothing_that_python_3_11_2_lacks(
    tmp_path: Path, python: str, content: bytes, said: str
) -> None:
    (tmp_path / "archive").write_bytes(content)
    operator = Path(archive.__file__).parents[2]
    packages = Path(pytest.__file__).parents[1]
    done = subprocess.run(
        [python, "-c", OLD_PYTHON, str(tmp_path / "archive"), str(tmp_path / "into")],
        env={"PYTHONPATH": f"{operator}{os.pathsep}{packages}"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (done.stdout.strip(), done.stderr) == (said, "")


def test_a_name_of_many_gigabytes_is_not_read_into_memory(tmp_path: Path) -> None:
    member = tarfile.TarInfo("././@LongLink")
    member.type, member.size = tarfile.GNUTYPE_LONGNAME, 4 * 1024**3
    content = gzip.compress(member.tobuf(tarfile.GNU_FORMAT) + bytes(20 * 1024**2), 1)
    with pytest.raises(SourceError, match="table of contents is too large"):
        unpacked(tmp_path, content)


def test_headers_without_end_are_no_archive(tmp_path: Path) -> None:
    header = tarfile.TarInfo("h").create_pax_global_header({"a": "b"})
    member = header.replace(b"g", b"x", 1) if header[156:157] == b"g" else header
    with pytest.raises(SourceError) as refused:
        unpacked(tmp_path, member * 3000)
    assert refused.value.reason is Reason.ARCHIVE_INVALID


@pytest.mark.parametrize("pack", [*PACKERS, pytest.param(lambda _: sparse(5000), id="sparse")])
def test_whatever_is_broken_in_an_archive_it_is_never_more_than_refused(
    tmp_path: Path, pack: Pack
) -> None:
    chance = random.Random(7)
    whole = pack({**FILES, "deep/er/x" * 20: b"y", "é": b"z"})
    for attempt in range(150):
        content = bytearray(whole)
        for _ in range(chance.randint(1, 8)):
            content[chance.randrange(len(content))] = chance.randrange(256)
        folder = tmp_path / str(attempt)
        folder.mkdir()
        with suppress(SourceError):
            unpacked(folder, bytes(content))
        assert {path.name for path in folder.iterdir()} == {"m.any", "into"}
