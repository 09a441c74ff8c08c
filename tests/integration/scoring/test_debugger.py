"""A debugger for user code: real debugpy, a real client, a slot without its front."""

import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.cluster.ports import free_port
from tests.integration.scoring.debug_client import DebugClient
from tests.integration.scoring.service import wait_until
from tests.integration.scoring.slot_process import SlotProcess

SCRIPT = """
def init():
    pass


def run(data):
    doubled = data * 2
    return doubled
"""
OLD_SCRIPT = """
import ptvsd

ptvsd.enable_attach(address=("0.0.0.0", {port}), redirect_output=True)
attached = []


def init():
    ptvsd.wait_for_attach(timeout={timeout})
    attached.append(ptvsd.is_attached())


def run(data):
    ptvsd.break_into_debugger()
    return attached
"""
MISSING = "debugpy is not installed, so no debugger can be attached: add it to the conda or"


class Start(Protocol):
    def __call__(self, script: str, path: Path | None, **debug: Any) -> SlotProcess: ...


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[SlotProcess] = []

    def begin(script: str, path: Path | None, **debug: Any) -> SlotProcess:
        order = {
            "debug": {
                "enabled": False,
                "listen_host": "127.0.0.1",
                "listen_port": None,
                "wait_s": 0,
                "connect_port": None,
                **debug,
            }
        }
        environment = {"PYTHONPATH": str(path)} if path else {}
        files = {"score.py": script}
        started.append(SlotProcess(tmp_path, files, order, Path(sys.executable), environment))
        return started[-1]

    yield begin
    for slot in started:
        slot.end()


def attached(slot: SlotProcess) -> bool:
    """Wait until the slot says whether a debugger is attached."""
    head, _ = slot.receive()
    assert head["type"] == "attached", head
    found: bool = head["attached"]
    return found


def stop_and_go(client: DebugClient, slot: SlotProcess) -> bytes:
    """Ask for "ab", look at it at the breakpoint, and return the answer."""
    line = SCRIPT.splitlines().index("    return doubled") + 1
    client.stop_at(slot.root / "score.py", line)
    assert attached(slot)
    slot.send(1, b"ab")
    thread = client.event("stopped")["threadId"]
    assert client.evaluate(thread, "doubled") == "'abab'"
    client.go_on(thread)
    _, body = slot.receive()
    return body


def test_a_debugger_attaches_stops_and_leaves(start: Start, debugpy: Path) -> None:
    port = free_port()
    slot = start(SCRIPT, debugpy, listen_port=port)
    slot.ready()
    assert slot.listens
    client = DebugClient(port)
    assert stop_and_go(client, slot) == b'"abab"'
    client.leave()
    assert not attached(slot)
    assert slot.ask(b"c")[1] == b'"cc"'


def test_before_the_script_it_waits_for_a_debugger(start: Start, debugpy: Path) -> None:
    port = free_port()
    slot = start(SCRIPT, debugpy, listen_port=port, wait_s=60)
    client = DebugClient(port)
    line = SCRIPT.splitlines().index("    pass") + 1
    client.stop_at(slot.root / "score.py", line)
    assert attached(slot)
    client.go_on(client.event("stopped")["threadId"])
    slot.ready()


def test_it_waits_no_longer_than_it_is_told(start: Start, debugpy: Path) -> None:
    slot = start(SCRIPT, debugpy, listen_port=free_port(), wait_s=0.1)
    slot.ready()


def test_a_port_that_is_taken_is_waited_for(start: Start, debugpy: Path) -> None:
    port = free_port()
    with socket.create_server(("", port)):
        slot = start(SCRIPT, debugpy, listen_port=port)
        slot.ready()
        assert f"Port {port} is taken: a debugger can attach once it is free." in slot.output
        assert not slot.listens
    wait_until(lambda: f"attach at port {port}" in slot.output, "the port to be free")
    client = DebugClient(port)
    assert stop_and_go(client, slot) == b'"abab"'
    assert slot.listens


@pytest.mark.parametrize("order", [{"listen_port": 1, "wait_s": 60}, {"connect_port": 1}])
def test_without_debugpy_a_sentence_says_so(start: Start, order: dict[str, int]) -> None:
    slot = start(SCRIPT, None, **order)
    slot.ready()
    assert MISSING in slot.output


def test_a_debugger_that_is_not_there_is_not_needed(start: Start, debugpy: Path) -> None:
    port = free_port()
    slot = start(SCRIPT, debugpy, connect_port=port)
    slot.ready()
    assert "AZUREML_DEBUG_PORT is set" in slot.output
    assert f"No debugger was reached at port {port}" in slot.output


def test_the_old_debuggers_calls_are_answered(start: Start, debugpy: Path) -> None:
    port = free_port()
    slot = start(OLD_SCRIPT.format(port=port, timeout=60), debugpy)
    client = DebugClient(port)
    client.stop_at(slot.root / "score.py", 1000)
    assert attached(slot)
    slot.ready()
    slot.send(1)
    thread = client.event("stopped")["threadId"]
    assert client.evaluate(thread, "attached") == "[True]"
    client.go_on(thread)
    assert slot.receive()[1] == b"[true]"


@pytest.mark.parametrize("installed", [True, False], ids=["with debugpy", "without"])
def test_a_script_with_old_calls_runs_without_a_debugger(
    start: Start, debugpy: Path, *, installed: bool
) -> None:
    script = OLD_SCRIPT.format(port=free_port(), timeout=0.1)
    slot = start(script, debugpy if installed else None)
    slot.ready()
    assert slot.ask()[1] == b"[false]"
    assert (MISSING in slot.output) is not installed


def test_a_script_need_not_wait_where_the_runtime_has(start: Start, debugpy: Path) -> None:
    port = free_port()
    script = OLD_SCRIPT.format(port=free_port(), timeout=3600)
    slot = start(script, debugpy, listen_port=port, wait_s=0.1)
    slot.ready()
    assert slot.ask()[1] == b"[false]"
