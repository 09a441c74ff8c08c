"""Archives of packages as a stranger may make them."""

import bz2
import io
import json
import tarfile
import zipfile
from pathlib import Path

import pytest
import zstandard

from fairlead.conda import unpack as module
from fairlead.conda.contents import contents_of
from fairlead.conda.unpack import Meter, Unpacked, unpack
from fairlead.diagnosis.build.conda_causes import CondaError, PackageUnfit
from fairlead.images.environment_tree import GIB, Limits

Entry = tuple[str, bytes, bytes | str]  # a name, a type, and the content or where it leads
FILE, LINK, HARD, FOLDER = tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE
INDEX: Entry = ("info/index.json", FILE, b"{}")
PATHS: Entry = ("info/paths.json", FILE, b'{"paths": []}')


def tar(*entries: Entry) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for name, kind, value in entries:
            member = tarfile.TarInfo(name)
            member.type, member.mode = kind, 0o4755
            if isinstance(value, bytes):
                member.size = len(value)
                archive.addfile(member, io.BytesIO(value))
            else:
                member.linkname = value
                archive.addfile(member)
    return content.getvalue()


def conda(**parts: bytes) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for part, packed in parts.items():
            archive.writestr(f"{part}-x-1-0.tar.zst", zstandard.ZstdCompressor().compress(packed))
    return content.getvalue()


def unpacked(folder: Path, content: bytes, name: str, limits: Limits | None = None) -> Unpacked:
    archive = folder / name
    archive.write_bytes(content)
    return unpack(name, archive, folder / "tree", Meter(limits or Limits()))


def why(folder: Path, content: bytes, name: str, limits: Limits | None = None) -> str:
    with pytest.raises(CondaError) as failed:
        unpacked(folder, content, name, limits)
    (cause,) = failed.value.causes
    assert isinstance(cause, PackageUnfit)
    assert cause.file == name
    return cause.why


def test_files_come_out_and_links_are_only_told(tmp_path: Path) -> None:
    entries = (
        *(INDEX, PATHS, ("./bin", FOLDER, b""), ("./bin/a", FILE, b"a"), ("bin/b", HARD, "bin/a")),
        *(("bin/c", LINK, "/etc"), ("bin/c/d", FILE, b"d"), ("info/test/t", FILE, b"t")),
    )
    found = unpacked(tmp_path, bz2.compress(tar(*entries)), "x-1-0.tar.bz2")
    assert found.files == {"bin/a", "bin/b", "bin/c/d"}
    assert found.links == {"bin/c": "/etc"}
    assert found.info == {"info/index.json": b"{}", "info/paths.json": b'{"paths": []}'}
    assert (found.tree / "bin/b").read_bytes() == b"a"
    assert not (found.tree / "info").exists()
    assert (found.tree / "bin/a").stat().st_mode & 0o7777 == 0o755
    assert not any(path.is_symlink() for path in found.tree.rglob("*"))


def test_both_parts_of_a_newer_package_are_read(tmp_path: Path) -> None:
    content = conda(pkg=tar(("bin/a", FILE, b"a")), info=tar(INDEX, PATHS))
    found = unpacked(tmp_path, content, "x-1-0.conda")
    assert (found.files, sorted(found.info)) == ({"bin/a"}, ["info/index.json", "info/paths.json"])


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ((PATHS, PATHS), "has a file twice (info/paths.json)"),
        ((("a", FILE, b""), ("./a", LINK, "b")), "has a file twice (a)"),
        ((("../a", FILE, b""),), "has a file outside of the environment (../a)"),
        ((("/etc/a", FILE, b""),), "has a file outside of the environment (/etc/a)"),
        ((("a", HARD, "/etc/passwd"),), "has a file outside of the environment (/etc/passwd)"),
        ((("a", LINK, "/etc/passwd"), ("b", HARD, "a")), "has a second name for what it has not"),
        ((("a", tarfile.FIFOTYPE, b""),), "has something that is no file, folder or link (a)"),
        ((("a", tarfile.CHRTYPE, b""),), "has something that is no file, folder or link (a)"),
        ((("a", FILE, b""), ("a/b", FILE, b"")), "cannot be read"),
        ((("a/b", FILE, b""), ("a", FILE, b"")), "cannot be read"),
        ((("a" * 256, FILE, b""),), "has too long a name"),
        ((("a/" * 61, FILE, b""),), "has too long a name"),
        ((("a", LINK, "b" * 4001),), "has a link that leads nowhere (a)"),
        ((("a", LINK, ""),), "has a link that leads nowhere (a)"),
    ],
)
def test_an_archive_that_is_not_meant_well_is_refused(
    tmp_path: Path, entries: tuple[Entry, ...], words: str
) -> None:
    assert words in why(tmp_path, bz2.compress(tar(*entries)), "x-1-0.tar.bz2")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (conda(pkg=tar(PATHS), info=tar(INDEX, PATHS)), "in the wrong part of it (info/paths.json"),
        (conda(pkg=tar(), info=tar(INDEX, ("a", FILE, b""))), "in the wrong part of it (a)"),
        (conda(info=tar(INDEX, PATHS)), "holds 0 parts of the kind pkg"),
        (b"PK", "cannot be read"),
        (conda(pkg=tar(), info=b"no tar"), "cannot be read"),
    ],
)
def test_a_newer_package_says_in_one_place_what_it_is(
    tmp_path: Path, content: bytes, words: str
) -> None:
    assert words in why(tmp_path, content, "x-1-0.conda")


@pytest.mark.parametrize("cut", [20, 60])
def test_an_archive_that_ends_early_cannot_be_read(tmp_path: Path, cut: int) -> None:
    content = bz2.compress(tar(("a", FILE, bytes(range(256)) * 9)))[:cut]
    assert "cannot be read" in why(tmp_path, content, "x-1-0.tar.bz2")


def test_what_unpacks_to_far_more_than_it_is_stops_early(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MIN_RATIO_BYTES", 1000)
    content = bz2.compress(tar(("a", FILE, bytes(1_000_000))))
    assert "unpacks to more than 1,000 times its size" in why(tmp_path, content, "x-1-0.tar.bz2")
    assert list((tmp_path / "tree").iterdir()) == []


def test_what_describes_a_package_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_INFO_BYTES", 100)
    content = conda(pkg=tar(), info=tar(INDEX, ("info/paths.json", FILE, b" " * 101)))
    assert why(tmp_path, content, "x-1-0.conda") == "describes itself in more than 100 bytes"


def test_all_packages_together_are_bounded(tmp_path: Path) -> None:
    content = bz2.compress(tar(("a", FILE, b"a"), ("b", FILE, b"b")))
    words = why(tmp_path, content, "x-1-0.tar.bz2", Limits(files=1))
    assert words == "is one too many: the packages are more than 1 files"
    meter = Meter(Limits(size_bytes=2 * GIB))
    assert meter.count(2 * GIB) is None
    assert meter.count(1) == "is one too many: unpacked, the packages take more than 2 GiB"


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"_path": "bin/a", "path_type": "pipe"}, "does not hold what its own list says"),
        ({"_path": "bin/c", "path_type": "directory"}, "does not hold what its own list says"),
        ({"_path": "bin/a", "path_type": "softlink"}, "does not hold what its own list says"),
        ({"_path": "", "path_type": "hardlink"}, "has a file outside of the environment"),
        ({"_path": "info/a", "path_type": "hardlink"}, "a name that no package may have"),
        (
            {"_path": "bin/a", "path_type": "hardlink", "prefix_placeholder": ""},
            "names its place in no way that we read",
        ),
        (
            {
                **{"_path": "bin/a", "path_type": "hardlink", "file_mode": "odd"},
                "prefix_placeholder": "/placeholder",
            },
            "names its place in no way that we read",
        ),
    ],
)
def test_a_list_is_judged_by_what_is_there(
    tmp_path: Path, entry: dict[str, str], words: str
) -> None:
    found = Unpacked(tmp_path, {"bin/a"}, {"bin/c": "a"})
    found.info = {
        "info/index.json": b"{}",
        "info/paths.json": json.dumps({"paths": [entry]}).encode(),
    }
    with pytest.raises(CondaError) as failed:
        contents_of("x", found, "lib")
    (cause,) = failed.value.causes
    assert isinstance(cause, PackageUnfit)
    assert words in cause.why


def test_a_file_is_listed_once(tmp_path: Path) -> None:
    entry = {"_path": "bin/a", "path_type": "hardlink", "no_link": True}
    found = Unpacked(tmp_path, {"bin/a"})
    found.info = {
        "info/index.json": b"{}",
        "info/paths.json": json.dumps({"paths": [entry]}).encode(),
    }
    assert json.loads(contents_of("x", found, "lib").info["info/paths.json"])["paths"] == [entry]
    found.info["info/paths.json"] = json.dumps({"paths": [entry, entry]}).encode()
    with pytest.raises(CondaError):
        contents_of("x", found, "lib")


@pytest.mark.parametrize("index", [b"[]", b"{", b"[" * 100_000])
def test_what_describes_a_package_in_another_way_cannot_be_read(
    tmp_path: Path, index: bytes
) -> None:
    found = Unpacked(tmp_path, info={"info/index.json": index, "info/paths.json": b"{}"})
    with pytest.raises(CondaError):
        contents_of("x", found, "lib")
