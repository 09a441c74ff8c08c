"""A workspace on this machine, in folders of the test's own."""

from pathlib import Path

import pytest

from fairlead.azureml.workspace import Workspace


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
