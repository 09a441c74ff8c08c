"""`fairlead local` with --no-container: the real program, the real runtime, no Docker."""

import json
import os
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

PROGRAM = Path(sys.executable).with_name("fairlead")
DEADLINE_S = 300
SCRIPT = """\
import json

from azureml.core.model import Model


def init():
    global greeting
    greeting = open(Model.get_model_path("greeting.txt")).read()


def run(data):
    return {"answer": [greeting, VERSION, json.loads(data)]}


VERSION = 1
"""
JSON = {"content-type": "application/json"}


RAISES = "    raise ValueError('no such column')\n"
FAILED = "UserScriptInitFailed: init() raised ValueError at score.py:8: no such column"


class Shell:
    """A person's folder, and the program in it; each command may as well be of another shell."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environ = {
            **os.environ,
            "XDG_STATE_HOME": str(folder / "state"),
            "XDG_CACHE_HOME": str(folder / "cache"),
        }
        (folder / "score.py").write_text(SCRIPT)
        (folder / "greeting.txt").write_text("hello")
        (folder / "myenv.yml").write_bytes(b"name: e\r\ndependencies:\r\n- pip\r\n")

    def fairlead(
        self, command: str, *more: str, code: int = 0
    ) -> "subprocess.CompletedProcess[str]":
        done = subprocess.run(
            [PROGRAM, *command.split(), *more],
            cwd=self.folder,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done

    def change(self, before: str, after: str) -> None:
        text = (self.folder / "score.py").read_text()
        assert before in text
        (self.folder / "score.py").write_text(text.replace(before, after))

    @property
    def left(self) -> list[str]:
        """What lies in its state and cache: folders apart."""
        places = (self.folder / "state", self.folder / "cache")
        return [str(path) for place in places for path in place.rglob("*") if path.is_file()]


DEPLOY = (
    "local deploy credit --entry-script score.py --conda-file myenv.yml --model greeting.txt "
    "--no-container"
)


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    one = Shell(tmp_path)
    yield one
    if one.left:
        one.fairlead("local delete --all")


class Client(threading.Thread):
    """Asks again and again, and counts what it did not get."""

    def __init__(self, uri: str) -> None:
        super().__init__()
        self._uri = uri
        self._enough = threading.Event()
        self.answers: list[int] = []
        self.failures: list[str] = []

    def run(self) -> None:
        while not self._enough.is_set():
            try:
                request = urllib.request.Request(self._uri, b"[]", JSON)
                with urllib.request.urlopen(request, timeout=DEADLINE_S) as answer:
                    self.answers.append(json.load(answer)["answer"][1])
            except (OSError, ValueError) as error:
                self.failures.append(str(error))

    def end(self) -> None:
        self._enough.set()
        self.join()


def test_a_day_of_a_service(shell: Shell) -> None:
    """One after the other, on one environment: that takes longest to make."""
    deployed = json.loads(shell.fairlead(f"{DEPLOY} -o json").stdout)
    serves(shell)
    reloads_without_a_dropped_request(shell, deployed["scoringUri"])
    fails_as_in_the_cluster(shell)
    comes_back(shell)
    shell.fairlead("local delete credit")
    assert shell.left == []
    assert "There is no local web service '" in shell.fairlead("local run credit {}", code=4).stderr


def serves(shell: Shell) -> None:
    answer = json.loads(shell.fairlead("local run credit", "[1, 2]").stdout)
    assert answer == {"answer": ["hello", 1, [1, 2]]}
    described = json.loads(shell.fairlead("local describe -o json").stdout)
    assert (described["state"], described["models"]) == ("Healthy", ["greeting.txt:1"])
    assert "Healthy" in shell.fairlead("local ls").stdout


def reloads_without_a_dropped_request(shell: Shell, uri: str) -> None:
    client = Client(uri)
    client.start()
    try:
        shell.change("VERSION = 1", "VERSION = 2")
        shell.fairlead("local reload")
        assert '"hello", 2' in shell.fairlead("local run", "{}").stdout
        shell.change("    global greeting", f"    global greeting\n{RAISES}")
        failed = shell.fairlead("local reload credit", code=1).stderr
    finally:
        client.end()
    assert f"{FAILED}. What was loaded before serves on." in " ".join(failed.split())
    assert client.failures == []
    assert sorted(set(client.answers)) == [1, 2]


def fails_as_in_the_cluster(shell: Shell) -> None:
    failed = " ".join(shell.fairlead("local update credit", code=1).stderr.split())
    assert FAILED in failed
    assert "Remedy: Correct the code in score.py:8 in the source of" in failed
    assert "UserScriptInitFailed" in shell.fairlead("local describe").stdout
    assert "no such column" in shell.fairlead("local logs").stdout
    assert "good-bye" in shell.fairlead("local logs --previous").stdout
    assert "UserScriptInitFailed" in shell.fairlead("local run", "{}", code=1).stderr


def comes_back(shell: Shell) -> None:
    shell.change(RAISES, "")
    assert "it was started" in shell.fairlead("local reload").stdout
    assert '"hello", 2' in shell.fairlead("local run", "{}").stdout
    failed = shell.fairlead("local run", "no json", code=1).stderr
    assert "ScoringFailed: The service answered 500" in failed
