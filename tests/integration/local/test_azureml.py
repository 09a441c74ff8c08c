"""The guide's chapter on local web services, block by block: no Docker, no cluster."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fairlead.azureml.core import Model, Workspace
from fairlead.azureml.core.webservice import Webservice
from fairlead.azureml.exceptions import WebserviceException
from fairlead.local.ports import is_free
from tests.unit.azureml.test_guide import blocks, with_our_imports

SCRIPT = """\
import json

from azureml.core.model import Model


def init():
    global weights
    weights = open(Model.get_model_path("my_best_model")).read()


def run(data):
    return [weights, VERSION, len(json.loads(data)["data"])]


VERSION = 1
"""
REGISTER, DEPLOY, RUN, RELOAD, UPDATE = 0, 5, 6, 7, 8  # which block of the guide it is
PORT = 8890


def free_port() -> int:
    return next(port for port in range(20_890, 30_000) if is_free(port))


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """A person's folder, and the names that the blocks before have made."""
    for name in ("XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("FAIRLEAD_WORKSPACE", "local")
    monkeypatch.setenv("FAIRLEAD_LOCAL_CONTAINER", "0")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "score.py").write_text(SCRIPT)
    (tmp_path / "my_model.pkl").write_text("one")
    (tmp_path / "myenv.yml").write_text("dependencies: [pip]\n")
    ws = Workspace.get("team")
    yield {"Model": Model, "ws": ws}
    for service in Webservice.list(ws):
        service.delete()


def run(block: int, names: dict[str, Any], port: int) -> None:
    code = with_our_imports(blocks("es")[block]).replace(str(PORT), str(port))
    exec(compile(code, f"block {block + 1}", "exec"), names)


def test_the_guides_local_service(
    reader: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    port = free_port()
    assert sys.version_info >= (3, 11)
    register = blocks("es")[REGISTER].rpartition("\n\n")[2]  # of a file: there was no run
    exec(compile(register, "register", "exec"), reader)
    run(DEPLOY, reader, port)
    assert capsys.readouterr().out.endswith(f"{port}\n")
    run(RUN, reader, port)
    assert capsys.readouterr().out == "['one', 1, 2]\n"
    (tmp_path / "score.py").write_text(SCRIPT.replace("VERSION = 1", "VERSION = 2"))
    run(RELOAD, reader, port)
    assert capsys.readouterr().out.endswith("['one', 2, 2]\n")
    (tmp_path / "my_model.pkl").write_text("two")
    reader["different_model"] = Model.register(reader["ws"], "my_model.pkl", "my_best_model")
    run(UPDATE, reader, port)
    service = reader["service"]
    assert service.run(b'{"data": []}') == ["two", 2, 0]
    assert reader["ws"].webservices["mymodel"].state == "running"
    with pytest.raises(WebserviceException, match=r"(?s)Scoring was unsuccessful.*JSONDecodeError"):
        service.run("no json")
    assert "JSONDecodeError" in service.get_logs()
    service.delete()
    assert service.state == "deleted"
    assert is_free(port)
