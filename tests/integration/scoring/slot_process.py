"""A slot without its front: a child process at the other end of a pipe that the test holds."""

import os
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import fairlead_scoring.slot
from fairlead_scoring.slot.interrupt import INTERRUPT_SIGNAL
from fairlead_scoring.slot.layout import read_layout
from fairlead_scoring.slot.wire import Channel, FrameHead

PROGRAM = Path(fairlead_scoring.slot.__file__).with_name("__main__.py")
DEADLINE_S = 60.0  # for anything that a test waits for
SERVICE = {"title": "ML service", "version": "1.0", "prefix": ""}
HEADERS = [["host", "localhost:5001"], ["content-type", "text/plain"]]


class SlotProcess:
    """Starts ``score.py`` as the front would; ``order`` changes what the first frame says."""

    def __init__(
        self,
        folder: Path,
        files: Mapping[str, str],
        order: Mapping[str, Any],
        python: Path,
        environment: Mapping[str, str],
    ) -> None:
        self.root = folder / "app"
        self.listens = False  # a debugger can attach
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        layout = read_layout(
            {"AML_APP_ROOT": str(self.root), "AZUREML_ENTRY_SCRIPT": "score.py"}
        ).as_json()
        ours, theirs = socket.socketpair()
        ours.settimeout(DEADLINE_S)
        self._output = (folder / "output").open("w+")
        with theirs:
            self.process = subprocess.Popen(
                [str(python), str(PROGRAM), str(theirs.fileno())],
                cwd=self.root,
                env={"PATH": os.environ["PATH"], **environment},
                pass_fds=(theirs.fileno(),),
                stdout=self._output,
                stderr=subprocess.STDOUT,
            )
        self._channel = Channel(ours)
        start = {"layout": layout, "swagger": SERVICE, "threads": 1, "debug": None}
        usual = {"type": "start", "timeout_ms": 3_600_000, "reports_failures": False}
        self._channel.send({**usual, **start, **order})

    @property
    def output(self) -> str:
        return (self.root.parent / "output").read_text()

    def receive(self) -> tuple[FrameHead, bytes]:
        """Return the next frame that is not about the progress of the start."""
        while True:
            head, body = self._channel.receive()
            self.listens = self.listens or head["type"] == "listening"
            if head["type"] not in ("stage", "progress", "listening"):
                return head, body

    def ready(self) -> FrameHead:
        head, _ = self.receive()
        assert head["type"] == "ready", f"{head}\n{self.output}"
        return head

    def send(self, seq: int, body: bytes = b"", **more: Any) -> None:
        head = {
            "type": "request",
            "seq": seq,
            "id": f"r-{seq}",
            "method": "POST",
            "path": "/score",
            "query": "",
            "version": "1.1",
            "headers": HEADERS,
            "client": ["127.0.0.1", 1234],
            "scheme": "http",
        }
        self._channel.send({**head, **more}, body)

    def ask(self, body: bytes = b"", **more: Any) -> tuple[FrameHead, bytes]:
        self.send(0, body, **more)
        return self.receive()

    def cancel(self, seq: int) -> None:
        """Say that nobody takes the rest of a streamed answer any more."""
        self._channel.send({"type": "cancel", "seq": seq})

    def interrupt(self, seq: int) -> None:
        """Say that a request has taken too long."""
        self._channel.send({"type": "interrupt", "seq": seq})
        self.process.send_signal(INTERRUPT_SIGNAL)

    def leave(self) -> int:
        """Close the pipe, as the front does to say good-bye; return the exit code."""
        self._channel.close()
        return self.process.wait(DEADLINE_S)

    def end(self) -> None:
        self._channel.close()
        self.process.kill()
        self.process.wait()
        self._output.close()
