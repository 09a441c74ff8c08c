"""Which files of a folder are read: those that lie in it, and none that hold keys."""

from pathlib import Path

import pytest

from fairlead.local import files
from fairlead.local.errors import LocalError
from fairlead.local.files import folder_files, model_files, source_files


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder as somebody else wrote it, beside a file that is not theirs."""
    (tmp_path / "secret").write_text("key")
    made = tmp_path / "repo"
    (made / "deep").mkdir(parents=True)
    (made / "score.py").write_text("1")
    (made / "deep/x").write_text("2")
    return made


@pytest.mark.parametrize("files_of", [folder_files, model_files])
@pytest.mark.parametrize("name", ["data.csv", "deep/data.csv"])
def test_a_link_out_of_the_folder_is_refused(folder: Path, files_of: object, name: str) -> None:
    assert callable(files_of)
    (folder / name).symlink_to(folder.parent / "secret")
    with pytest.raises(LocalError, match=r"data\.csv is a link to what is no file of"):
        files_of(folder)


def test_a_link_to_a_file_of_the_folder_is_that_file(folder: Path) -> None:
    (folder / "link").symlink_to("deep/x")
    assert folder_files(folder) == {"score.py": b"1", "deep/x": b"2", "link": b"2"}
    assert folder / "link" in model_files(folder)


def test_a_folder_is_not_looked_for_links_where_it_is_left_out(folder: Path) -> None:
    (folder / "deep/link").symlink_to(folder.parent / "secret")
    assert folder_files(folder, without=("deep",)) == {"score.py": b"1"}


@pytest.mark.parametrize("target", [".", "deep", "nowhere"])
def test_a_model_has_no_links_to_folders_and_to_nothing(folder: Path, target: str) -> None:
    (folder / "link").symlink_to(target)
    with pytest.raises(LocalError, match="link is a link to what is no file of"):
        model_files(folder)


def test_files_with_keys_are_left_out(folder: Path) -> None:
    for name in (".env", ".env.local", "deep/.env"):
        (folder / name).write_text("KEY=1")
    (folder / ".environment").write_text("3")
    assert set(folder_files(folder)) == {"score.py", "deep/x", ".environment"}
    names = [one.relative_to(folder).as_posix() for one in model_files(folder)]
    assert names == [".environment", "deep/x", "score.py"]


def test_a_folder_that_is_a_link_was_named_by_the_person(folder: Path) -> None:
    link = folder.parent / "link"
    link.symlink_to(folder)
    assert set(folder_files(link)) == {"score.py", "deep/x"}
    assert len(model_files(link)) == 2
    assert model_files(link / "score.py") == [link / "score.py"]


@pytest.mark.parametrize(
    ("files", "left"),
    [
        ({".amlignore": "deep/\n"}, {".amlignore", "score.py"}),
        ({".gitignore": "deep/\r\n"}, {".gitignore", "score.py"}),
        (
            {".amlignore": "*.none\n", ".gitignore": "deep/\n"},
            {".amlignore", ".gitignore", "score.py", "deep/x"},
        ),
        ({"deep/.amlignore": "x\n"}, {"deep/.amlignore", "score.py", "deep/x"}),
    ],
)
def test_a_source_is_without_what_its_ignore_file_names(
    folder: Path, files: dict[str, str], left: set[str]
) -> None:
    for name, text in files.items():
        (folder / name).write_text(text)
    assert set(source_files(folder)) == left
    assert set(folder_files(folder)) == {*files, "score.py", "deep/x"}


def test_what_is_ignored_is_neither_read_nor_counted(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither its size nor a link in it keeps the source from being read."""
    (folder / ".amlignore").write_text("deep/\n")
    (folder / "deep/link").symlink_to("/etc/passwd")
    monkeypatch.setattr(files, "MAX_SOURCE_FILES", 2)
    assert set(source_files(folder)) == {".amlignore", "score.py"}
    monkeypatch.setattr(files, "MAX_WALKED_FILES", 3)
    with pytest.raises(LocalError, match="more than 3 files, those left out among them"):
        source_files(folder)


def test_an_ignore_file_that_is_none_is_told_by_its_line(folder: Path) -> None:
    (folder / ".gitignore").write_text("deep/\n!\n")
    with pytest.raises(LocalError, match=r"\.gitignore:2: `!` is no pattern"):
        source_files(folder)
    (folder / ".gitignore").unlink()
    (folder / ".gitignore").symlink_to("/etc/passwd")
    with pytest.raises(LocalError, match="is a link to what is no file of"):
        source_files(folder)


def test_a_name_that_no_pattern_can_be_compared_with_stays(folder: Path) -> None:
    (folder / ".gitignore").write_text("*\n")
    (folder / "a\nb").write_text("3")
    assert set(source_files(folder)) == {"a\nb"}
