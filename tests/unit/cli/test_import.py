"""`fairlead import` on files of this machine."""

import errno
import json
import os
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from fairlead.cli.app import app
from fairlead.cli.import_files import Disk
from fairlead.v1files.tree import Unread

SCORE = "def init(): pass\ndef run(data): return data\n"
WORDS = ["import", "-n", "credit", "-m", "m:2", "--ic", "inferenceconfig.json"]


@pytest.fixture(autouse=True)
def _project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("score.py").write_text(SCORE)
    Path("inferenceconfig.json").write_text('{"entryScript": "score.py"}')


def test_manifests_go_to_standard_output_and_remarks_to_standard_error() -> None:
    done = CliRunner().invoke(app, [*WORDS, "-o", "table"])
    assert done.exit_code == 0
    kinds = [one["kind"] for one in yaml.safe_load_all(done.stdout)]
    assert kinds == ["ConfigMap", "Model", "InferenceImage", "Webservice"]
    assert "Mind: -m: version 2 of `m` becomes version 1 here." in done.stderr


def test_for_programs() -> None:
    done = CliRunner().invoke(app, [*WORDS, "--output", "json"])
    told = json.loads(done.stdout)
    assert [one["kind"] for one in told["manifests"]][-1] == "Webservice"
    assert told["remarks"][0]["where"] == "-m"
    named = CliRunner().invoke(app, [*WORDS, "--output", "name"])
    assert "webservice/credit" in named.stdout.splitlines()
    assert CliRunner().invoke(app, [*WORDS, "--output", "xml"]).exit_code == 2


def test_what_is_wrong_is_told_at_once() -> None:
    words = [*WORDS, "--dc", "nowhere.json", "--cf", "nothere.yml"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 1
    assert not done.stdout
    assert "Wrong: --dc: the file `nowhere.json` doesn't exist." in done.stderr
    assert "NotImported: Nothing was made: 2 things are wrong." in done.stderr
    failure = json.loads(CliRunner().invoke(app, [*words, "--output", "json"]).stdout)["failure"]
    assert failure["reason"] == "NotImported"
    assert "nowhere.json" in failure["message"]
    assert "nothere.yml" in failure["message"]


def test_without_anything_it_says_how() -> None:
    assert CliRunner().invoke(app, ["import"]).exit_code == 2
    done = CliRunner().invoke(app, ["import", "-h"])
    assert done.exit_code == 0
    assert "az ml model deploy" in done.stdout


def test_files_are_written_and_never_over_others() -> None:
    done = CliRunner().invoke(app, [*WORDS, "--output-dir", "out"])
    assert done.exit_code == 0
    assert sorted(path.name for path in Path("out").iterdir()) == [
        *("image.yaml", "kustomization.yaml", "model.yaml", "service.yaml", "source")
    ]
    Path("out/service.yaml").write_text("mine")
    again = CliRunner().invoke(app, [*WORDS, "--output-dir", "out"])
    assert again.exit_code == 1
    assert "FileExists" in again.stderr
    assert Path("out/service.yaml").read_text() == "mine"
    assert CliRunner().invoke(app, [*WORDS, "--output-dir", "out", "--force"]).exit_code == 0
    assert "Webservice" in Path("out/service.yaml").read_text()


def test_nothing_is_written_through_links(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("precious")
    Path("out").mkdir()
    Path("out/source").symlink_to(outside)
    refused = CliRunner().invoke(app, [*WORDS, "--output-dir", "out", "--force"])
    assert refused.exit_code == 1
    assert "leads out" in refused.stderr
    Path("out/source").unlink()
    Path("out/service.yaml").symlink_to(outside / "precious")
    assert CliRunner().invoke(app, [*WORDS, "--output-dir", "out"]).exit_code == 1
    assert CliRunner().invoke(app, [*WORDS, "--output-dir", "out", "--force"]).exit_code == 0
    assert (outside / "precious").read_text() == "precious"


def test_what_was_written_before_is_none_of_the_source() -> None:
    Path("inferenceconfig.json").write_text('{"entryScript": "score.py", "sourceDirectory": "."}')
    for _ in range(2):
        words = [*WORDS, "--output-dir", "out", "--force"]
        assert CliRunner().invoke(app, words).exit_code == 0
    assert sorted(path.name for path in Path("out/source").iterdir()) == ["score.py"]


def test_a_folder_that_cannot_be_written_to() -> None:
    Path("out").write_text("a file")
    done = CliRunner().invoke(app, [*WORDS, "--output-dir", "out"])
    assert done.exit_code == 3
    assert "FileUnreadable" in done.stderr


def test_the_disk(tmp_path: Path) -> None:
    disk = Disk()
    src = tmp_path / "src"
    (src / "lib").mkdir(parents=True)
    (src / "lib/a.py").write_text("A")
    (src / "__pycache__").mkdir()
    (src / "__pycache__/a.pyc").write_bytes(b"x")
    (src / "inside.py").symlink_to("lib/a.py")
    (src / "outside.py").symlink_to("/etc/passwd")
    (src / "folder").symlink_to("/etc")
    (src / "loop").symlink_to("loop")
    os.mkfifo(src / "pipe")
    walk = disk.walk(str(src))
    assert sorted(walk.files) == ["inside.py", "lib/a.py"]
    assert sorted(walk.left_out) == ["folder", "loop", "outside.py", "pipe"]
    assert isinstance(disk.read(str(src / "pipe"), 10), Unread)
    assert disk.read(str(src / "inside.py"), 10) == b"A"
    assert isinstance(disk.read(str(src / "inside.py"), 0), Unread)
    assert not disk.is_file("\x00")
    assert not disk.is_file("a" * 5000)
    assert not disk.inside(str(src / "outside.py"), str(src))


def test_a_file_that_may_not_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(errno.EACCES, "no")

    monkeypatch.setattr(Path, "open", refused)
    found = Disk().read("score.py", 10)
    assert found == Unread("it cannot be read: Permission denied", "Let whoever runs this read it.")


def test_too_many_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fairlead.cli.import_files.MAX_FILES", 2)
    for number in range(4):
        (tmp_path / f"{number}.txt").write_text("")
    assert Disk().walk(str(tmp_path)).too_large


def test_a_folder_that_cannot_be_looked_at_is_not_left_out_without_a_word(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Disk().walk(str(tmp_path / "gone"))


def test_a_folder_is_imported_without_what_its_ignore_file_names() -> None:
    Path("src/data").mkdir(parents=True)
    Path("src/score.py").write_text(SCORE)
    Path("src/data/big.csv").write_text("1")
    Path("src/.amlignore").write_text("data/\nscore.py\n")
    words = ["import", "-n", "credit", "-m", "m:2", "--sd", "src", "--es", "score.py"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "src/: left out by its ignore file: data/big.csv. ->" in " ".join(done.stderr.split())
    assert "big.csv" not in done.stdout
    assert "score.py: |" in done.stdout  # what is named stays
    Path("src/.amlignore").write_text("!\n")
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 1
    assert "src/.amlignore:1: `!` is no pattern" in " ".join(done.stderr.split())
    Path("src/.amlignore").write_bytes(b"x" * 70_000)
    assert "longer than 64 KiB" in CliRunner().invoke(app, words).stderr


def test_a_folder_of_very_many_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fairlead.cli.import_files.MAX_WALKED_FILES", 2)
    assert Disk().walk(str(tmp_path)).too_large is False
    (tmp_path / "third").touch()
    assert Disk().walk(str(tmp_path)).too_large
