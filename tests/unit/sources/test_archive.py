"""Archives: what comes out, and what nothing comes out of."""

import gzip
import io
import random
import stat
import tarfile
import time
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Literal

import pytest

from fairlead.api.reasons import Reason
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
        pytest.param(tarred()({"a": b"1", "a/b": b"2"}), "broken", id="a file that is a folder"),
        pytest.param(zipped({"a/b": b"2", "a": b"1"}), "broken", id="a folder that is a file"),
        pytest.param(b"".join(tarred()({"a": b"1"})[:1024] for _ in "12"), "broken", id="twice"),
    ],
)
def test_what_is_no_archive_is_said_to_be_none(tmp_path: Path, content: bytes, why: str) -> None:
    with pytest.raises(SourceError, match=why) as refused:
        unpacked(tmp_path, content)
    assert refused.value.reason is Reason.ARCHIVE_INVALID


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


@pytest.mark.parametrize("pack", PACKERS)
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
