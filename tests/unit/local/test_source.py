"""The source below an app root: whole files, and nothing that is gone."""

from pathlib import Path

import pytest

from fairlead.local.errors import LocalError
from fairlead.local.source import replace_files


def below(root: Path) -> dict[str, bytes]:
    files = (path for path in root.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


def test_what_is_new_comes_and_what_is_gone_goes(tmp_path: Path) -> None:
    replace_files(tmp_path, {"score.py": b"1", "lib/a.py": b"a", "lib/b.py": b"b"}, keep=())
    replace_files(tmp_path, {"score.py": b"2", "lib/a.py": b"a"}, keep=())
    assert below(tmp_path) == {"score.py": b"2", "lib/a.py": b"a"}


def test_a_file_that_is_the_same_is_not_touched(tmp_path: Path) -> None:
    replace_files(tmp_path, {"score.py": b"1"}, keep=())
    before = (tmp_path / "score.py").stat()
    replace_files(tmp_path, {"score.py": b"1"}, keep=())
    assert (tmp_path / "score.py").stat() == before


def test_models_and_what_python_writes_are_left_alone(tmp_path: Path) -> None:
    kept = {"azureml-models/m/1/m.pkl": b"m", "__pycache__/score.pyc": b"c"}
    for name, content in kept.items():
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_bytes(content)
    replace_files(tmp_path, {"score.py": b"1"}, keep=("azureml-models",))
    assert below(tmp_path) == {"score.py": b"1", **kept}


def test_a_folder_becomes_a_file(tmp_path: Path) -> None:
    replace_files(tmp_path, {"a/b.py": b"b"}, keep=())
    replace_files(tmp_path, {"a": b"a"}, keep=())
    assert below(tmp_path) == {"a": b"a"}


@pytest.mark.parametrize("name", ["../out", "/out", "a/../../out", "a/..", "", ".", "link/out"])
def test_nothing_is_written_outside(name: str, tmp_path: Path) -> None:
    root = tmp_path / "app"
    root.mkdir()
    (root / "link").symlink_to(tmp_path)
    name = name.replace("/out", f"{tmp_path}/out") if name == "/out" else name
    with pytest.raises(LocalError, match="leads out of"):
        replace_files(root, {"score.py": b"1", name: b"PWNED"}, keep=())
    assert not (tmp_path / "out").exists()
    assert below(root) == {}, "it was written in part"


def test_links_are_replaced_and_never_written_through(tmp_path: Path) -> None:
    root, other = tmp_path / "app", tmp_path / "other"
    root.mkdir()
    other.write_bytes(b"mine")
    for name in ("score.py", ".score.py.new"):
        (root / name).symlink_to(other)
    replace_files(root, {"score.py": b"1"}, keep=(".score.py.new",))
    assert other.read_bytes() == b"mine"
    assert not (root / "score.py").is_symlink()
    assert (root / "score.py").read_bytes() == b"1"
