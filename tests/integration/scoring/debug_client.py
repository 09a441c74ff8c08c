"""A small client of the Debug Adapter Protocol: what an editor does to attach and to stop."""

import json
import socket
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

DEADLINE_S = 60.0  # for anything that a debugger is waited for


class DebugClient:
    """Attached to a debugger that listens at ``port`` of this machine. ``options``: of a
    configuration of launch.json, as an editor sends them."""

    def __init__(self, port: int, **options: Any) -> None:
        self._connection = _connected(port)
        self._stream = self._connection.makefile("rb")
        self._seq = 0
        self._send("initialize", adapterID="test", pathFormat="path")
        self._send("attach", **{"justMyCode": False, **options})
        self.event("initialized")

    def stop_at(self, path: Path, line: int) -> None:
        """Set a breakpoint and let the program run."""
        self._send("setBreakpoints", source={"path": str(path)}, breakpoints=[{"line": line}])
        self._send("configurationDone")

    def go_on(self, thread: int) -> None:
        self._send("continue", threadId=thread)

    def evaluate(self, thread: int, expression: str) -> str:
        """Return what an expression is in the innermost frame of a stopped thread."""
        self._send("stackTrace", threadId=thread)
        [frame, *_] = self._response("stackTrace")["stackFrames"]
        self._send("evaluate", expression=expression, frameId=frame["id"])
        result: str = self._response("evaluate")["result"]
        return result

    def event(self, name: str) -> dict[str, Any]:
        """Wait for an event and return its body."""
        while True:
            message = self._receive()
            if message["type"] == "event" and message["event"] == name:
                body: dict[str, Any] = message.get("body", {})
                return body

    def leave(self) -> None:
        """Detach: the program goes on."""
        with suppress(OSError):
            self._send("disconnect", terminateDebuggee=False)
        self._connection.close()

    def _response(self, command: str) -> dict[str, Any]:
        while True:
            message = self._receive()
            if message["type"] == "response" and message["command"] == command:
                assert message["success"], message
                body: dict[str, Any] = message["body"]
                return body

    def _send(self, command: str, **arguments: Any) -> None:
        self._seq += 1
        content = json.dumps(
            {"seq": self._seq, "type": "request", "command": command, "arguments": arguments}
        ).encode()
        self._connection.sendall(b"Content-Length: %d\r\n\r\n%s" % (len(content), content))

    def _receive(self) -> dict[str, Any]:
        size = 0
        while (line := self._stream.readline().strip()) or not size:
            if not line:
                raise ConnectionResetError("the debugger has closed the connection")
            size = int(line.partition(b":")[2])
        message: dict[str, Any] = json.loads(self._stream.read(size))
        return message


def attached(port: int, patience: float, **options: Any) -> DebugClient:
    """Attach through what takes connections before there is a debugger behind it."""
    deadline = time.monotonic() + patience
    while True:
        try:
            return DebugClient(port, **options)
        except ConnectionError:
            assert time.monotonic() < deadline, f"no debugger answers at port {port}"
            time.sleep(0.2)  # poll


def _connected(port: int) -> socket.socket:
    """Wait until something listens at the port."""
    deadline = time.monotonic() + DEADLINE_S
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), DEADLINE_S)
        except ConnectionRefusedError:
            assert time.monotonic() < deadline, f"nothing listens at port {port}"
            time.sleep(0.05)
