"""Programs that give credentials, and those that do not: each failure is told, none waited for."""

import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest

from fairlead.credentials import exec_plugin
from fairlead.credentials.exec_plugin import ExecCredential, ExecPluginError, run_exec_plugin
from tests.unit.credentials.api_server import VERSION


def printing(**status: object) -> str:
    answer = {"apiVersion": VERSION, "kind": "ExecCredential", "status": status}
    return f"print({json.dumps(answer)!r})"


def exec_(program: str, **more: object) -> dict[str, Any]:
    return {"apiVersion": VERSION, "command": sys.executable, "args": ["-c", program], **more}


async def given(program: str, **more: object) -> ExecCredential:
    return await run_exec_plugin(exec_(program, **more), Path(), {})


async def test_a_token_and_its_end_are_read() -> None:
    program = printing(token="t", expirationTimestamp="2026-11-22T10:00:00Z")
    end = datetime(2026, 11, 22, 10, tzinfo=UTC)
    assert await given(program) == ExecCredential("t", None, None, end)


async def test_a_certificate_with_its_key_is_read() -> None:
    program = printing(clientCertificateData="CERT", clientKeyData="KEY")
    assert await given(program) == ExecCredential(None, "CERT", "KEY", None)


async def test_the_program_gets_its_variables_the_cluster_and_no_terminal(tmp_path: Path) -> None:
    seen = tmp_path / "seen.json"
    program = (
        "import json, os, pathlib, sys\n"
        f"told = [sys.stdin.read(), os.environ['ROLE'], os.environ['KUBERNETES_EXEC_INFO']]\n"
        f"pathlib.Path({str(seen)!r}).write_text(json.dumps(told))\n{printing(token='t')}"
    )
    wanted = exec_(program, env=[{"name": "ROLE", "value": "admin"}], provideClusterInfo=True)
    await run_exec_plugin(wanted, tmp_path, {"server": "https://api", "extra": 1})
    stdin, role, info = json.loads(seen.read_text())
    assert (stdin, role) == ("", "admin")
    spec = {"interactive": False, "cluster": {"server": "https://api"}}
    assert json.loads(info) == {"apiVersion": VERSION, "kind": "ExecCredential", "spec": spec}


async def test_a_relative_command_lies_beside_the_kubeconfig(tmp_path: Path) -> None:
    program = tmp_path / "bin" / "login"
    program.parent.mkdir()
    program.write_text(f"#!{sys.executable}\n{printing(token='t')}\n")
    program.chmod(0o755)
    wanted = {"apiVersion": VERSION, "command": "bin/login"}
    assert (await run_exec_plugin(wanted, tmp_path, {})).token == "t"


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"command": "x"}, "its exec section has no command or no apiVersion"),
        (exec_("", interactiveMode="Always"), "wants a terminal"),
        (
            {"apiVersion": VERSION, "command": "no-such-program", "installHint": "Get\nit."},
            r"no-such-program cannot be run \(No such file or directory\). Get it\.",
        ),
        (exec_("import sys; sys.exit('you are\\nnot logged in')"), "ended with 1: you are\nnot"),
        (exec_("raise SystemExit(3)"), "ended with 3: no words"),
        (exec_("print('hello')"), "printed no ExecCredential"),
        (exec_("print('[]')"), "printed no ExecCredential"),
        (exec_(printing(token="t", expirationTimestamp="soon")), "printed no ExecCredential"),
        (exec_(printing()), "printed neither a token nor a certificate with its key"),
        (exec_(printing(clientCertificateData="CERT")), "neither a token nor a certificate"),
        (exec_(printing(token="t"), apiVersion="v1beta1"), "of another version"),
    ],
)
async def test_a_program_that_gives_nothing_says_why(wanted: dict[str, Any], said: str) -> None:
    with pytest.raises(ExecPluginError, match=said):
        await run_exec_plugin(wanted, Path(), {})


async def test_a_secret_in_its_words_is_not_repeated() -> None:
    with pytest.raises(ExecPluginError) as error:
        await given("import sys; sys.exit('password=hunter2hunter2')")
    assert "hunter2" not in str(error.value)


async def test_a_program_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exec_plugin, "TIMEOUT_S", 0.5)
    before = psutil.Process().children()
    started = time.monotonic()
    with pytest.raises(ExecPluginError, match=r"did not end within 0\.5 seconds"):
        await given("import time; time.sleep(600)")
    assert time.monotonic() - started < 60
    assert psutil.Process().children() == before
