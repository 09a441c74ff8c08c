"""A workspace on this machine, in folders of the test's own; a stand-in for what runs services."""

from functools import partial
from pathlib import Path

import pytest

from fairlead.azureml.workspace import Workspace
from fairlead.local import hosts, lifecycle, scoring, standing
from fairlead.local.readiness import await_ready
from tests.unit.azureml.standing_in import SCRIPT, answers
from tests.unit.local.services import Standin


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with a model in it."""
    for name in ("XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("FAIRLEAD_WORKSPACE", "local")
    folder = tmp_path / "here"
    folder.mkdir()
    (folder / "my_model.pkl").write_bytes(b"weights")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def ws(here: Path) -> Workspace:
    assert here.is_dir()
    return Workspace("subscription", "group", "Team One")


@pytest.fixture
def runs(here: Path, monkeypatch: pytest.MonkeyPatch) -> Standin:
    """What runs services: it comes up at once, and answers with what it was sent."""
    one = Standin(printed=b"one\ntwo\n")
    for module in (lifecycle, hosts):
        monkeypatch.setattr(module, "keeper_of", lambda *_: one)
    monkeypatch.setattr(lifecycle, "maker_of", lambda *_: one)
    monkeypatch.setattr(lifecycle, "choose_port", lambda port, _: port or 8890)
    monkeypatch.setattr(lifecycle, "is_free", lambda _: True)
    monkeypatch.setattr(lifecycle, "reload_script", lambda _: None)
    monkeypatch.setattr(standing, "is_ready", lambda _: not one.exit)
    ready = partial(await_ready, ready=lambda _: not one.exit)
    monkeypatch.setattr(lifecycle, "await_ready", ready)
    monkeypatch.setattr(scoring, "ask", answers(200, b'{"data": [1]}'))
    (here / "score.py").write_text(SCRIPT)
    (here / "myenv.yml").write_text("dependencies: [{pip: [numpy==2.3.5]}]\n")
    return one
