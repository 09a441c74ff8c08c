"""What people get wrong, and what goes wrong around them: told on a terminal, and by what code."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from fairlead.cli import exit_codes
from fairlead.cli.app import app
from tests.unit.remote.fake_api import FakeApi
from tests.unit.remote.objects import FAILURE, ready
from tests.unit.remote.test_terminal import ended, in_terminal

SCREENS = Path(__file__).parent / "screens"
SCRIPT = b"def init():\r\n    pass\r\n\r\n\r\ndef run(data):\r\n    return data\r\n"


@pytest.fixture
def folder(tmp_path: Path, config: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The person's own, as an editor on Windows has written it."""
    assert config
    made = tmp_path / "mine"
    (made / "src").mkdir(parents=True)
    (made / "src/score.py").write_bytes(SCRIPT)
    (made / "blob.bin").write_bytes(b"\x80\xff\x00")
    (made / "words.yaml").write_text("just words\n")
    (made / "half.yaml").write_text("a: [\n")
    monkeypatch.chdir(made)
    return made


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--entry-script", "blob.bin"], "must be a relative path to a Python file"),
        (["--entry-script", "src"], "src is a folder"),
        (["--entry-script", "gone.py"], "gone.py is not there"),
        (["--entry-script", "src\\score.py"], "Write it with '/' between folders: "),
        (["--entry-script", "src/score.py", "--model", "gone.pkl"], "gone.pkl is not there"),
        (["-f", "blob.bin"], "blob.bin is no text: a manifest is YAML in UTF-8"),
        (["-f", "half.yaml"], "half.yaml:2: "),
        (["-f", "words.yaml"], "words.yaml holds no object of Kubernetes"),
        (["-f", "gone.yaml"], "gone.yaml"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_a_file_of_the_wrong_kind(words: list[str], told: str, api: FakeApi) -> None:
    name = ["credit"] if words[0] == "--entry-script" else []
    done = CliRunner().invoke(app, ["deploy", *name, *words])
    assert done.exit_code == exit_codes.FAILED
    said = " ".join(done.output.split())
    assert told in said
    assert "Value error" not in said
    assert "Traceback" not in said
    assert api.asked == []


@pytest.mark.usefixtures("folder")
def test_line_ends_of_windows_are_kept() -> None:
    words = ["deploy", "credit", "--entry-script", "src/score.py", "--dry-run", "-o", "json"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    [image] = [one for one in json.loads(done.stdout)["items"] if one["kind"] == "InferenceImage"]
    assert image["spec"]["source"]["inline"]["files"]["score.py"].encode() == SCRIPT


def failing(api: FakeApi) -> None:
    message = "init() raised ValueError at score.py:12: the number of columns is 9, and not 10"
    failure: dict[str, Any] = {**FAILURE, "reason": "UserScriptInitFailed", "message": message}
    status = ready("False", failure["reason"], message, stalled=True, failure=failure)
    api.ours("Webservice", spec={"imageRef": {"name": "credit"}}, status=status)
    api.ours("InferenceImage", status=ready())


def test_a_failure_on_a_narrow_terminal(api: FakeApi, config: Path) -> None:
    failing(api)
    said, code = ended(in_terminal(["wait", "wsvc/credit"], config, columns=60))
    assert code == exit_codes.FAILED
    screen = "\n".join(line.rstrip() for line in said.splitlines()) + "\n"
    assert screen == (SCREENS / "wait-failed-60.txt").read_text()
    finding = said[said.index("UserScriptInitFailed: Webservice") :]  # a terminal wraps the rest
    assert all(len(line) <= 60 for line in finding.splitlines())


def test_a_cluster_that_is_away_on_a_narrow_terminal(config: Path) -> None:
    found = json.loads(config.read_text())
    found["clusters"][0]["cluster"]["server"] = "http://127.0.0.1:1"
    config.write_text(json.dumps(found))
    said, code = ended(in_terminal(["get"], config, columns=60))
    assert code == exit_codes.UNAVAILABLE
    assert said == (SCREENS / "away-60.txt").read_text()


@pytest.mark.parametrize("words", [["wait", "wsvc/credit"], ["deploy", "-f", "service.json"]])
def test_ctrl_c_while_it_waits(
    words: list[str], api: FakeApi, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At a real terminal: it says so, and what goes on."""
    monkeypatch.chdir(config.parent)
    status = ready("False", "RollingOut", "1 of 2 replicas is ready.")
    service = api.ours("Webservice", spec={"image": "r:5000/c:1"}, status=status)
    manifest = {"apiVersion": "fairlead.dev/v1alpha1", "kind": "Webservice"}
    meta, spec = {"name": "credit"}, service["spec"]
    Path("service.json").write_text(json.dumps({**manifest, "metadata": meta, "spec": spec}))
    child = in_terminal(words, config)
    child.expect_exact("RollingOut")
    child.kill(signal.SIGINT)
    said, code = ended(child)
    assert code == exit_codes.INTERRUPTED
    assert "Interrupted." in said
    assert "Traceback" not in said
    if words[0] == "deploy":
        assert "Applied so far, and going on in the cluster: Webservice 'credit'." in said
