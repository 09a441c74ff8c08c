"""Keys that the kubelet exchanges at the very moment at which they are read."""

from pathlib import Path

import pytest

from fairlead_scoring.front.http import authentication
from fairlead_scoring.front.http.authentication import MAX_READS, KeyAuthentication


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "primaryKey").write_text("first")
    (tmp_path / "secondaryKey").write_text("second")
    return tmp_path


def test_a_key_that_is_away_for_a_moment_is_not_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, gone = authentication._read, list[Path]()

    def exchanged(path: Path) -> bytes:
        if len(gone) < 2:  # the folder before was deleted, and the next one has a new key
            gone.append(path)
            (folder / "primaryKey").write_text("third-key")
            return b""
        return read(path)

    keys = KeyAuthentication(folder)
    (folder / "primaryKey").write_text("being written")
    monkeypatch.setattr(authentication, "_read", exchanged)
    assert keys.refusal("Bearer second") is None
    assert keys.refusal("Bearer third-key") is None
    assert keys.refusal("Bearer first") is not None
    assert len(gone) == 2


def test_files_that_never_hold_still_are_taken_as_they_were_read_last(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, reads = authentication._read, list[Path]()

    def restless(path: Path) -> bytes:
        reads.append(path)
        (folder / "primaryKey").write_text("x" * len(reads))
        return read(path)

    keys = KeyAuthentication(folder)
    (folder / "primaryKey").write_text("another")
    monkeypatch.setattr(authentication, "_read", restless)
    assert keys.refusal("Bearer second") is None
    assert len(reads) == 2 * MAX_READS


def test_a_key_that_was_taken_away_opens_nothing(folder: Path) -> None:
    keys = KeyAuthentication(folder)
    assert keys.refusal("Bearer second") is None
    (folder / "secondaryKey").unlink()
    assert keys.refusal("Bearer second") is not None
    assert keys.refusal("Bearer first") is None
