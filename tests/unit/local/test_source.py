"""The source below an app root: whole files, and nothing that is gone."""

from pathlib import Path

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
