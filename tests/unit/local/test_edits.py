"""What is edited in a service is put, kept and made permanent, and never lost."""

import os
import signal
import stat
from collections.abc import Mapping
from pathlib import Path

import pytest

from fairlead.api.reasons import Reason
from fairlead.images.hashes import file_digests
from fairlead.local import edits
from fairlead.local.asked import Asked
from fairlead.local.diffs import MAX_LINES, changed_names, diff_lines
from fairlead.local.editor import edited, editor_of
from fairlead.local.edits import Edits, check_nothing_lost, edited_files
from fairlead.local.errors import LocalError, refusal
from fairlead.local.host import Exit
from fairlead.local.places import Places
from fairlead.local.service import LocalService
from tests.unit.local.services import Standin, service
from tests.unit.local.test_manifests import SCRIPT

BEFORE = {"score.py": SCRIPT.encode(), "lib/a.py": b"a = 1\n"}
AFTER = {**BEFORE, "score.py": b"# edited\n" + SCRIPT.encode()}


@pytest.fixture
def standin(monkeypatch: pytest.MonkeyPatch) -> Standin:
    one = Standin()
    monkeypatch.setattr(edits, "keeper_of", lambda *_: one)
    monkeypatch.setattr(edits, "load_again", lambda *_: one.calls.append("load"))
    return one


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The person's own."""
    folder = tmp_path / "mine"
    for name, content in BEFORE.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


@pytest.fixture
def known(folder: Path) -> LocalService:
    asked = Asked(entry_script=f"{folder}/score.py", source_directory=str(folder))
    return service(asked=asked, source=file_digests(BEFORE))


@pytest.fixture
def work(tmp_path: Path, standin: Standin, known: LocalService) -> Edits:
    work = Edits(Places(tmp_path / "state", tmp_path / "cache"))
    work.services.keep(known)
    standin.code = BEFORE
    return work


def editor(tmp_path: Path, script: str) -> list[str]:
    program = tmp_path / "editor"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return [str(program)]


def test_an_edit_is_put_loaded_and_committed(work: Edits, standin: Standin, folder: Path) -> None:
    one, before = work.running(None)
    (folder / "score.py").chmod(0o640)
    work.put(one, before, AFTER)
    assert standin.calls == ["put credit", "load"]
    assert standin.code == AFTER
    pending = work.pending(*work.running("credit"))
    assert dict(pending.files) == {"score.py": AFTER["score.py"]}
    assert dict(pending.before) == {"score.py": BEFORE["score.py"]}
    assert pending.conflicts == ()
    work.commit(one, pending)
    assert (folder / "score.py").read_bytes() == AFTER["score.py"]
    assert stat.S_IMODE((folder / "score.py").stat().st_mode) == 0o640
    assert sorted(path.name for path in folder.iterdir()) == ["lib", "score.py"]
    assert not work.pending(*work.running("credit")).files


def test_files_are_added_and_removed(work: Edits, standin: Standin, folder: Path) -> None:
    one, before = work.running(None)
    work.put(one, before, {"score.py": BEFORE["score.py"], "new/b.py": b"b\n", "notes": b"n"})
    assert sorted(standin.code) == ["new/b.py", "notes", "score.py"]
    pending = work.pending(*work.running(None))
    assert dict(pending.paths) == {"new/b.py": folder / "new/b.py"}  # a script writes others
    work.commit(one, pending)
    assert (folder / "new/b.py").read_bytes() == b"b\n"


def test_what_has_changed_meanwhile_is_not_overwritten(work: Edits, standin: Standin) -> None:
    one, before = work.running(None)
    standin.code = {**BEFORE, "score.py": b"another's\n"}
    with pytest.raises(LocalError, match=r"score\.py of 'credit' has changed meanwhile") as caught:
        work.put(one, before, AFTER)
    assert caught.value.finding.reason is Reason.EDITS_NOT_COMMITTED
    assert standin.calls == []


def test_a_change_of_the_persons_own_is_a_conflict(
    work: Edits, standin: Standin, folder: Path
) -> None:
    standin.code = AFTER
    (folder / "score.py").write_bytes(b"# mine\n")
    assert work.pending(*work.running(None)).conflicts == ("score.py",)
    (folder / "score.py").write_bytes(AFTER["score.py"])  # the same by hand
    assert not work.pending(*work.running(None)).files


def test_a_link_out_of_the_folder_is_not_written_through(
    work: Edits, standin: Standin, folder: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (folder / "more").symlink_to(outside)
    standin.code = {**AFTER, "more/a.py": b"a = 2\n"}
    one, running = work.running(None)
    with pytest.raises(LocalError, match="out of your folder: nothing was written"):
        work.commit(one, work.pending(one, running))
    assert not list(outside.iterdir())
    assert (folder / "score.py").read_bytes() == BEFORE["score.py"]


def test_what_stands_in_a_manifest_has_no_file(
    work: Edits, known: LocalService, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = type("Wanted", (), {"files": BEFORE})
    monkeypatch.setattr(edits, "read_asked", lambda _: wanted)
    inline = known.model_copy(update={"asked": Asked(manifests=("/nowhere/all.yaml",))})
    with pytest.raises(LocalError, match="stands in a manifest"):
        work.pending(inline, AFTER)


def test_a_service_that_has_ended_has_nothing_to_edit(work: Edits, standin: Standin) -> None:
    standin.exit = Exit(1, "")
    with pytest.raises(LocalError, match="does not answer at port"):
        work.running(None)


def test_edits_that_would_be_lost_are_named(known: LocalService) -> None:
    check_nothing_lost(known, BEFORE, {})
    check_nothing_lost(known, AFTER, AFTER)
    check_nothing_lost(known, {**BEFORE, "cache.txt": b""}, BEFORE)
    with pytest.raises(LocalError, match=r"^score\.py was edited in 'credit', and is in no file"):
        check_nothing_lost(known, AFTER, BEFORE)
    with pytest.raises(LocalError, match=r"^new\.py and score\.py were edited"):
        check_nothing_lost(known, {**AFTER, "new.py": b""}, BEFORE)
    assert not edited_files(service(), AFTER)  # one that an earlier version has made


def test_the_editor_is_the_persons(monkeypatch: pytest.MonkeyPatch) -> None:
    both = {"VISUAL": "code --wait", "EDITOR": "vi"}
    assert editor_of(both) == ["code", "--wait"]
    assert editor_of({"VISUAL": " ", "EDITOR": "vi"}) == ["vi"]
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(LocalError, match="neither VISUAL nor EDITOR"):
        editor_of({})
    with pytest.raises(LocalError, match="is no command"):
        editor_of({"EDITOR": "vi 'a"})


def test_one_that_is_there_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [program] = editor(tmp_path, "")
    Path(program).rename(tmp_path / "vi")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert editor_of({}) == [f"{tmp_path}/vi"]


@pytest.fixture
def copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where copies lie."""
    folder = tmp_path / "copies"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def test_what_the_editor_leaves_is_taken(tmp_path: Path, copies: Path) -> None:
    script = 'echo "# edited" >> "$1"; touch "$1~"; mkdir "$(dirname "$1")/.git"'
    taken: list[Mapping[str, bytes]] = []
    edited(BEFORE, "score.py", editor(tmp_path, script), taken.append)
    assert taken == [{**BEFORE, "score.py": BEFORE["score.py"] + b"# edited\n"}]
    assert list(copies.iterdir()) == []


def never(_: Mapping[str, bytes]) -> None:
    pytest.fail("nothing was to be taken")


def test_an_editor_that_fails_changes_nothing_and_loses_nothing(
    tmp_path: Path, copies: Path
) -> None:
    with pytest.raises(LocalError, match=r"ended with 3: nothing was taken\.$"):
        edited(BEFORE, "score.py", editor(tmp_path, "exit 3"), never)
    assert list(copies.iterdir()) == []
    with pytest.raises(LocalError, match="Your edit is kept in ") as caught:
        edited(BEFORE, "score.py", editor(tmp_path, 'echo x >> "$1"; exit 3'), never)
    assert caught.value.finding.reason is Reason.PROGRAM_FAILED
    [kept] = copies.iterdir()
    assert (kept / "score.py").read_bytes() == BEFORE["score.py"] + b"x\n"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o700
    with pytest.raises(LocalError, match="does not start: No such file"):
        edited(BEFORE, "score.py", ["/nowhere/editor"], never)
    with pytest.raises(LocalError, match="has no file 'other'; it has"):
        edited(BEFORE, "other", ["vi"], never)


def test_an_edit_that_cannot_be_put_is_kept(tmp_path: Path, copies: Path) -> None:
    def refuse(_: Mapping[str, bytes]) -> None:
        raise refusal(Reason.SERVICE_NOT_RUNNING, "It has ended.", "Start it.")

    with pytest.raises(LocalError, match=r"^It has ended\. Your edit is kept in .*") as caught:
        edited(BEFORE, "score.py", editor(tmp_path, 'echo x >> "$1"'), refuse)
    assert caught.value.finding.remedy == "Start it."
    assert len(list(copies.iterdir())) == 1


@pytest.mark.parametrize("script", ['echo x >> "$1"', ":"])
def test_ctrl_c_after_the_editor_loses_nothing(tmp_path: Path, copies: Path, script: str) -> None:
    def interrupted(_: Mapping[str, bytes]) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        edited(BEFORE, "score.py", editor(tmp_path, script), interrupted)
    assert len(list(copies.iterdir())) == ("echo" in script)


def test_ctrl_c_in_the_editor_is_the_editors(tmp_path: Path, copies: Path) -> None:
    """Both get it: a terminal sends it to all that run in the foreground."""
    script = f"trap 'echo x >> \"$1\"' INT; kill -INT {os.getpid()}; kill -INT $$"
    taken: list[Mapping[str, bytes]] = []
    before = signal.getsignal(signal.SIGINT)
    edited(BEFORE, "score.py", editor(tmp_path, script), taken.append)
    assert taken[0]["score.py"].endswith(b"x\n")
    assert signal.getsignal(signal.SIGINT) is before
    assert list(copies.iterdir()) == []


def test_a_diff_is_for_people() -> None:
    before = {"a.py": b"one\ntwo\r\n", "gone.py": b"x\n", "same": b"", "b": b"\0", "e": b"1\r\n"}
    after = {
        "a.py": b"one\n\x1b[31mtwo\t\n",
        "new.py": b"y\n",
        "same": b"",
        "b": b"\xff",
        "e": b"1\n",
    }
    assert changed_names(before, after) == ["a.py", "b", "e", "gone.py", "new.py"]
    lines = list(diff_lines(before, after))
    assert lines[:3] == ["--- a/a.py", "+++ b/a.py", "@@ -1,2 +1,2 @@"]
    assert "+\N{REPLACEMENT CHARACTER}[31mtwo\t" in lines
    assert "b: 1 bytes -> 1 bytes" in lines
    assert "e: only its line ends have changed" in lines
    assert lines[-8:] == [
        *("--- a/gone.py", "+++ /dev/null", "@@ -1 +0,0 @@", "-x"),
        *("--- /dev/null", "+++ b/new.py", "@@ -0,0 +1 @@", "+y"),
    ]
    assert list(diff_lines({"x": b"\0"}, {})) == ["x: 1 bytes -> nothing"]


def test_a_long_diff_is_cut() -> None:
    lines = list(diff_lines({}, {"a": b"x\n" * (MAX_LINES + 10)}))
    assert len(lines) == MAX_LINES + 1
    assert lines[-1].startswith("... and more")
