"""Layers: the same names and contents give the same bytes, and every tool can read them."""

import gzip
import io
import os
import tarfile
from pathlib import Path

import pytest

from fairlead.images.layers import Entry, compressed_layer, gunzipped, gzipped, tar
from fairlead.registry.oci import digest_of

ROOT = "var/azureml-app"
LONG = "ü" * 100 + "/" + "x" * 250 + ".bin"


def entries(folder: Path) -> list[Entry]:
    folder.joinpath("big").write_bytes(b"w" * 3_000_001)
    return [
        Entry(f"{ROOT}/models/m/1/{LONG}", b"long"),
        Entry(f"{ROOT}/models/m/1/big", folder / "big"),
        Entry(f"{ROOT}/score.py", b"def init(): ..."),
        Entry(f"{ROOT}/empty", b""),
    ]


def test_names_and_contents_are_all_that_is_in_an_archive(tmp_path: Path) -> None:
    content = b"".join(tar(entries(tmp_path), ROOT))
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        members = archive.getmembers()
        files = {m.name: archive.extractfile(m) for m in members if m.isreg()}
        assert {name: file.read() for name, file in files.items() if file} == {
            f"{ROOT}/empty": b"",
            f"{ROOT}/models/m/1/big": b"w" * 3_000_001,
            f"{ROOT}/models/m/1/{LONG}": b"long",
            f"{ROOT}/score.py": b"def init(): ...",
        }
    assert {(m.mtime, m.uid, m.gid, m.uname, m.gname) for m in members} == {(0, 0, 0, "", "")}
    assert {m.mode for m in members if m.isdir()} == {0o755}
    assert {m.mode for m in members if m.isreg()} == {0o644}


def test_folders_come_before_their_files_and_those_of_the_base_image_not_at_all(
    tmp_path: Path,
) -> None:
    content = b"".join(tar(entries(tmp_path)[1:3], ROOT))
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        assert archive.getnames() == [
            ROOT,
            f"{ROOT}/models",
            f"{ROOT}/models/m",
            f"{ROOT}/models/m/1",
            f"{ROOT}/models/m/1/big",
            f"{ROOT}/score.py",
        ]


def test_order_owner_date_and_mode_of_the_files_change_nothing(tmp_path: Path) -> None:
    before = b"".join(tar(entries(tmp_path), ROOT))
    shuffled = entries(tmp_path)[::-1]
    os.utime(tmp_path / "big", (1, 1))
    (tmp_path / "big").chmod(0o777)
    assert b"".join(tar(shuffled, ROOT)) == before


def test_an_archive_is_made_in_pieces_without_a_second_copy(tmp_path: Path) -> None:
    assert max(len(piece) for piece in tar(entries(tmp_path), ROOT)) == 1024 * 1024


def test_a_file_of_more_than_eight_gigabytes_has_its_size(tmp_path: Path) -> None:
    huge = tmp_path / "huge"
    with huge.open("wb") as file:
        file.truncate(9 * 1024**3)
    pieces = tar([Entry("huge", huge)], "")
    with tarfile.open(fileobj=io.BytesIO(next(pieces)), mode="r:") as archive:
        member = archive.next()
    assert member is not None
    assert (member.name, member.size) == ("huge", 9 * 1024**3)


def test_a_compressed_layer_names_both_of_its_digests() -> None:
    layer = compressed_layer([Entry(f"{ROOT}/score.py", b"x")], ROOT)
    content = gzip.decompress(layer.content)
    assert layer.diff_id == digest_of(content)
    assert layer.descriptor.digest == digest_of(layer.content)
    assert layer.descriptor.size == len(layer.content)


def test_a_layer_without_files_is_an_empty_archive() -> None:
    assert b"".join(tar([], ROOT)) == bytes(1024)


@pytest.mark.parametrize("content", [b"", b"x", b"abc" * 100_000], ids=len)
def test_what_is_compressed_has_no_date_and_can_be_read_back(content: bytes) -> None:
    packed = gzipped(content)
    assert gzip.decompress(packed) == content
    assert gunzipped(packed, len(content)) == content
    assert packed[4:10] == bytes([0, 0, 0, 0, 0, 0xFF])


def test_of_a_bomb_only_the_beginning_is_read() -> None:
    assert gunzipped(gzipped(bytes(50_000_000)), 100) == bytes(100)
