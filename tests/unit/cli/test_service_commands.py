"""`shell`, `edit` and `commit`, as they are typed."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fairlead.cli import changes, exit_codes, service_commands
from fairlead.cli.app import app
from fairlead.local import shell as shells
from fairlead.local.edits import Pending
from fairlead.local.service import LocalService
from tests.unit.local.services import service

BEFORE = {"score.py": b"x = 1\n"}
AFTER = {"score.py": b"x = 2\n"}


class Edits:
    """In place of a service that runs."""

    def __init__(self) -> None:
        self.put_: list[Mapping[str, bytes]] = []
        self.committed: list[Pending] = []
        self.conflicts: tuple[str, ...] = ()

    def running(self, name: str | None) -> tuple[LocalService, Mapping[str, bytes]]:
        return service(name or "credit"), BEFORE

    def put(self, _: LocalService, before: Mapping[str, bytes], after: Mapping[str, bytes]) -> None:
        assert before == BEFORE
        self.put_.append(after)

    def pending(self, _: LocalService, running: Mapping[str, bytes]) -> Pending:
        files = AFTER if self.put_ else {}
        assert running == BEFORE
        return Pending(files, BEFORE, {"score.py": Path("/mine/score.py")}, self.conflicts)

    def commit(self, _: LocalService, pending: Pending) -> None:
        self.committed.append(pending)


@pytest.fixture
def edits(monkeypatch: pytest.MonkeyPatch) -> Edits:
    one = Edits()
    monkeypatch.setattr(service_commands, "edits", lambda: one)
    return one


def run(*arguments: str, says: str = "") -> tuple[int, str]:
    done = CliRunner().invoke(app, list(arguments), input=says)
    return done.exit_code, done.output


def test_an_edit_is_shown_and_put(edits: Edits, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISUAL", "true")
    assert run("edit") == (0, "Nothing was changed.\n")
    monkeypatch.setenv("VISUAL", "sed -i s/1/2/")
    code, output = run("edit", "credit", "score.py")
    assert code == 0
    assert "-x = 1\n+x = 2\n'credit' has loaded it." in output
    assert edits.put_ == [AFTER]


def test_a_commit_is_shown_and_asked_for(edits: Edits) -> None:
    code, output = run("commit")
    assert (code, "Nothing was edited in 'credit'" in output) == (0, True)
    edits.put_.append(AFTER)
    code, output = run("commit")
    assert code == exit_codes.USAGE
    assert "+x = 2\nscore.py -> /mine/score.py\nNothing was written" in output
    assert edits.committed == []
    code, output = run("commit", "--yes")
    assert (code, output.endswith("Written.\n")) == (0, True)
    assert len(edits.committed) == 1


@pytest.mark.parametrize(("says", "code"), [("y\n", 0), ("n\n", exit_codes.FAILED)])
def test_on_a_terminal_the_person_is_asked(
    edits: Edits, monkeypatch: pytest.MonkeyPatch, says: str, code: int
) -> None:
    edits.put_.append(AFTER)
    edits.conflicts = ("score.py",)
    monkeypatch.setattr(changes, "is_typed", lambda: True)
    done, output = run("commit", "--yes", says=says)
    assert "In your files score.py has changed since, too" in output
    assert (done, len(edits.committed)) == (code, 1 - bool(code))


def test_no_yes_is_given_to_a_conflict(edits: Edits) -> None:
    edits.put_.append(AFTER)
    edits.conflicts = ("score.py",)
    code, _ = run("commit", "--yes")
    assert (code, edits.committed) == (exit_codes.FAILED, [])


def test_a_shells_end_is_ours(edits: Edits, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def shell(one: LocalService, _: object, command: tuple[str, ...], *, root: bool) -> int:
        asked.append((one.name, tuple(command), root))
        return 7

    monkeypatch.setattr(shells, "shell", shell)
    assert run("shell", "credit", "--root", "--", "ls", "-l")[0] == 7
    assert run("shell")[0] == 7
    assert asked == [("credit", ("ls", "-l"), True), ("credit", (), False)]
    assert edits.put_ == []
