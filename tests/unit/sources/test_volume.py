"""What lies in a volume is read, and nothing that it leads to."""

import os
import time
from pathlib import Path
from typing import BinaryIO

import pytest

from fairlead.api.reasons import Reason
from fairlead.registry.oci import digest_of
from fairlead.sources import volume
from fairlead.sources.base import Digests, Limits, SourceError, chunks
from fairlead.sources.volume import VolumeSource

FILES = {"MLmodel": b"flavors: {}", "data/model.pkl": b"a trained model", "data/x/y": b"1"}


@pytest.fixture
def mounted(tmp_path: Path) -> Path:
    for name, content in FILES.items():
        path = tmp_path / "volume/team/credit" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (tmp_path / "secret").write_bytes(b"a registry's password")
    return tmp_path / "volume"


def fetch(folder: Path, path: str, most_bytes: int = 1000, most_files: int = 20) -> Digests:
    into = folder.parent / "into"
    into.mkdir(exist_ok=True)
    limits = Limits(most_bytes, most_files, time.monotonic() + 30)
    return VolumeSource(folder, path, "persistentvolumeclaim/models").fetch(into, limits)


def refused(folder: Path, path: str, most_bytes: int = 1000, most_files: int = 20) -> SourceError:
    with pytest.raises(SourceError) as told:
        fetch(folder, path, most_bytes, most_files)
    return told.value


def test_a_folder_is_had_whole(mounted: Path) -> None:
    digests = fetch(mounted, "team/credit")
    assert digests == {name: digest_of(content) for name, content in FILES.items()}
    assert (mounted.parent / "into/data/model.pkl").read_bytes() == b"a trained model"


@pytest.mark.parametrize("path", ["team/credit/data/model.pkl", "team/credit/data"])
def test_a_file_or_a_folder_in_it(mounted: Path, path: str) -> None:
    assert "model.pkl" in fetch(mounted, path)


def test_all_of_a_volume(mounted: Path) -> None:
    assert f"team/credit/{'MLmodel'}" in fetch(mounted, "")


@pytest.mark.parametrize("path", ["none", "team/credit/MLmodel/x", "team/none/x"])
def test_what_is_not_there_is_not_found(mounted: Path, path: str) -> None:
    assert refused(mounted, path).reason is Reason.MODEL_SOURCE_NOT_FOUND


@pytest.mark.parametrize("path", ["", "team", "team/credit"])
def test_a_link_is_refused_wherever_it_leads(mounted: Path, path: str) -> None:
    (mounted / "team/credit/link").symlink_to(mounted.parent / "secret")
    error = refused(mounted, path)
    assert error.reason is Reason.MODEL_SOURCE_REFUSED
    assert "credit/link" in str(error) or "has link" in str(error)


def test_a_folder_that_is_a_link_is_refused(mounted: Path) -> None:
    (mounted / "out").symlink_to(mounted.parent)
    (mounted / "team/credit/out").symlink_to(mounted.parent)
    for path in ("out", "out/secret"):
        assert refused(mounted, path).reason in (Reason.MODEL_SOURCE_NOT_FOUND,)
    assert refused(mounted, "team/credit").reason is Reason.MODEL_SOURCE_REFUSED
    (mounted / "file").symlink_to(mounted.parent / "secret")
    assert refused(mounted, "file").reason is Reason.MODEL_SOURCE_NOT_FOUND


def test_a_pipe_holds_nobody_up(mounted: Path) -> None:
    os.mkfifo(mounted / "team/credit/pipe")
    assert refused(mounted, "team/credit").reason is Reason.MODEL_SOURCE_REFUSED


def test_limits_hold(mounted: Path) -> None:
    assert refused(mounted, "", most_bytes=10).reason is Reason.MODEL_TOO_LARGE
    assert refused(mounted, "", most_files=2).reason is Reason.MODEL_TOO_LARGE


def test_a_file_that_changes_while_it_is_read_is_none(
    mounted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(file: BinaryIO) -> object:
        with (mounted / "team/credit/MLmodel").open("ab") as writer:
            writer.write(b"more")
        return chunks(file)

    monkeypatch.setattr(volume, "chunks", slow)
    error = refused(mounted, "team/credit/MLmodel")
    assert (error.reason, error.retryable) == (Reason.MODEL_SOURCE_CHANGED, True)


def test_what_may_not_be_read_is_told(mounted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object, **__: object) -> int:
        raise PermissionError

    monkeypatch.setattr(os, "open", denied)
    error = refused(mounted, "team/credit")
    assert error.reason is Reason.MODEL_SOURCE_DENIED
    assert f"user {os.getuid()}" in str(error)
