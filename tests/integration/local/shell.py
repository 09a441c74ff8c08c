"""A person's folder and the program in it, and a client that asks all the time."""

import json
import os
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

PROGRAM = Path(sys.executable).with_name("fairlead")
DEADLINE_S = 300
PAUSE_S = 0.05  # between two requests: the machine has other things to do
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


class Client(threading.Thread):
    """Asks again and again, and counts what it did not get."""

    def __init__(self, uri: str) -> None:
        super().__init__()
        self._uri = uri
        self._enough = threading.Event()
        self.answers: list[int] = []
        self.failures: list[str] = []

    def run(self) -> None:
        while not self._enough.wait(PAUSE_S):
            try:
                request = urllib.request.Request(self._uri, b"[]", JSON)
                with urllib.request.urlopen(request, timeout=DEADLINE_S) as answer:
                    self.answers.append(json.load(answer)["answer"][1])
            except (OSError, ValueError) as error:
                self.failures.append(str(error))

    def end(self) -> None:
        self._enough.set()
        self.join()
