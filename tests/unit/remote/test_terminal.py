"""The commands for the cluster in a real terminal, and what they do without one."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import pexpect
import pytest
import yaml

from fairlead.cli import exit_codes
from tests.unit.remote.fake_api import FakeApi
from tests.unit.remote.objects import ready

PROGRAM = str(Path(sys.executable).with_name("fairlead"))
DEADLINE_S = 300
VERSION = "client.authentication.k8s.io/v1"
LOGIN = f"""\
import json, os, sys
info = json.loads(os.environ["KUBERNETES_EXEC_INFO"])
print("Your code?", file=sys.stderr, flush=True)
token = sys.stdin.readline().strip() if info["spec"]["interactive"] else ""
credential = {{"apiVersion": "{VERSION}", "kind": "ExecCredential", "status": {{"token": token}}}}
print(json.dumps(credential) if token else "no")
"""


def in_terminal(words: list[str], config: Path, columns: int = 100) -> "pexpect.spawn[str]":
    return pexpect.spawn(
        PROGRAM,
        words,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(config.parent),
            "KUBECONFIG": str(config),
            "TERM": "xterm",
            "NO_COLOR": "1",
        },
        dimensions=(24, columns),
        timeout=DEADLINE_S,
        encoding="utf-8",
    )


def ended(child: "pexpect.spawn[str]") -> tuple[str, int | None]:
    """What it has said since the last look, and its exit code."""
    child.expect(pexpect.EOF)
    child.close()
    return str(child.before).replace("\r\n", "\n"), child.exitstatus


def with_login(config: Path, mode: str) -> None:
    """Let the kubeconfig log in by a program that asks."""
    found: dict[str, Any] = yaml.safe_load(config.read_text())
    program = {"apiVersion": VERSION, "command": sys.executable, "args": ["-c", LOGIN]}
    found["users"][0]["user"] = {"exec": {**program, "interactiveMode": mode}}
    config.write_text(json.dumps(found))


@pytest.mark.parametrize("mode", ["Always", "IfAvailable"])
def test_a_login_program_asks_at_the_terminal(mode: str, api: FakeApi, config: Path) -> None:
    with_login(config, mode)
    api.ours("Webservice", status=ready())
    child = in_terminal(["get", "services"], config)
    child.expect_exact("Your code?")
    child.sendline("typed")
    said, code = ended(child)
    assert code == exit_codes.DONE
    assert "credit" in said
    assert api.headers[-1]["Authorization"] == "Bearer typed"


def test_a_login_program_that_never_asks_gets_no_terminal(config: Path) -> None:
    with_login(config, "Never")
    said, code = ended(in_terminal(["get", "services"], config))
    assert code == exit_codes.UNAVAILABLE
    assert "printed no ExecCredential" in " ".join(said.split())
    assert "Your code?" not in said
