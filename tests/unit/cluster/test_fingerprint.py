from pathlib import Path

import pytest

from tests.cluster.fingerprint import fingerprint


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "main.go").write_text("package main")
    return tmp_path


def test_the_same_content_has_the_same_key(folder: Path) -> None:
    before = fingerprint(folder, "v1")
    (folder / "deep" / "main.go").touch()
    assert fingerprint(folder, "v1") == before
    assert len(before) == 12


def test_another_content_name_or_version_has_another_key(folder: Path) -> None:
    keys = {fingerprint(folder, "v1"), fingerprint(folder, "v2")}
    (folder / "deep" / "main.go").write_text("package other")
    keys.add(fingerprint(folder, "v1"))
    (folder / "deep" / "main.go").rename(folder / "deep" / "other.go")
    keys.add(fingerprint(folder, "v1"))
    assert len(keys) == 4
