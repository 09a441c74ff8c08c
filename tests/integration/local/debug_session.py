"""A debugger, as an editor attaches it: by what launch.json says, in the person's own files."""

import json
import subprocess
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any

from tests.integration.local.shell import DEADLINE_S, JSON, PROGRAM, Shell
from tests.integration.scoring.debug_client import DebugClient, attached

COMMENTED = '{\n    // mine\n    "configurations": [{"name": "other"},],\n}\n'
OLD_CALLS = """\
import ptvsd
# Allows other computers to attach to ptvsd on this IP address and port.
ptvsd.enable_attach(address=('0.0.0.0', 5678), redirect_output = True)
# Wait 30 seconds for a debugger to attach. If none attaches, the script continues as normal.
ptvsd.wait_for_attach(timeout = 30)
print("Debugger attached...")
"""
SCRIPT = f"""\
{OLD_CALLS}
def init():
    ptvsd.wait_for_attach(timeout = 30)


def run(data):
    doubled = data * 2
    return doubled
"""
TIME_OUT_S = 3  # as long as run() may take where nobody debugs it: a busy machine may need one


def a_debug_session(shell: Shell, deploy: str) -> None:
    """Attach while the script waits, stop in ``run()``, read a variable, go on."""
    (shell.folder / "score.py").write_text(SCRIPT)
    (shell.folder / ".vscode").mkdir()
    (shell.folder / ".vscode/launch.json").write_text(COMMENTED)
    timeout = f"--env WORKER_TIMEOUT={TIME_OUT_S}"
    deploying = started(shell, f"{deploy} {timeout} --debug --debug-wait {DEADLINE_S} -o json")
    configuration = written(shell.folder, deploying)
    client = attached_by(configuration, shell.folder)
    line = SCRIPT.splitlines().index("    return doubled") + 1
    client.stop_at(shell.folder / "score.py", line)
    told, _ = deploying.communicate(timeout=DEADLINE_S)
    assert deploying.returncode == 0
    deployed = json.loads(told)
    assert (deployed["debuggerAttached"], deployed["debugPort"]) == (True, configuration["port"])
    outlasts_everything(shell, client, deployed["scoringUri"])
    client.leave()
    edits_and_commits(shell)


def edits_and_commits(shell: Shell) -> None:
    """The guide's `docker exec`, an editor and `docker commit`."""
    shell.environ["EDITOR"] = "sed -i -e s/doubled$/doubled.upper()/"
    edited = shell.fairlead("edit credit").stdout
    assert "-    return doubled\n+    return doubled.upper()\n" in edited
    assert '"ABAB"' in shell.fairlead("local run credit", "ab").stdout
    assert "return doubled.upper()" in shell.fairlead("shell credit -- cat score.py").stdout
    shell.change("# Wait 30", "# Wait for 30")
    lost = shell.fairlead("local reload credit", code=1).stderr
    assert "EditsNotCommitted: score.py was edited in 'credit'" in lost
    shell.change("# Wait for 30", "# Wait 30")
    unsaid = shell.fairlead("commit credit", code=2)
    assert "+    return doubled.upper()" in unsaid.stdout
    shell.fairlead("commit credit --yes")
    assert (shell.folder / "score.py").read_text() == SCRIPT.replace(
        "return doubled", "return doubled.upper()"
    )
    assert "Nothing of the source has changed" in shell.fairlead("local reload credit").stdout
    assert "Nothing was edited" in shell.fairlead("commit credit").stdout


def outlasts_everything(shell: Shell, client: DebugClient, uri: str) -> None:
    """Neither the time-out of the request nor readiness fails for a breakpoint."""
    answers: list[bytes] = []
    asking = threading.Thread(target=lambda: answers.append(asked(uri)))
    asking.start()
    thread = client.event("stopped")["threadId"]
    since = time.monotonic()
    assert client.evaluate(thread, "doubled") == "'abab'"
    while time.monotonic() < since + 2 * TIME_OUT_S:
        assert "Healthy" in shell.fairlead("local describe").stdout
    client.go_on(thread)
    asking.join(DEADLINE_S)
    assert answers == [b'"abab"']


def started(shell: Shell, command: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [PROGRAM, "local", "deploy", "credit", *command.split()],
        cwd=shell.folder,
        env=shell.environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )


def written(folder: Path, deploying: "subprocess.Popen[str]") -> dict[str, Any]:
    """Wait for the configuration; what stood there before is kept."""
    path, deadline = folder / ".vscode/launch.json", time.monotonic() + DEADLINE_S
    while '"Fairlead: credit"' not in path.read_text():
        assert deploying.poll() is None, deploying.communicate()
        assert time.monotonic() < deadline, "no configuration is written"
        time.sleep(0.05)
    text = path.read_text()
    head, tail = COMMENTED.split('{"name"')
    assert text.startswith(head.rstrip(" "))
    assert text.endswith('{"name"' + tail)
    begin = text.index("{", text.index("["))
    whole, _ = json.JSONDecoder().raw_decode(text[begin:])
    found: dict[str, Any] = whole
    return found


def attached_by(configuration: dict[str, Any], workspace: Path) -> DebugClient:
    """As an editor does whose folder is the workspace."""
    known = json.dumps(configuration["pathMappings"]).replace("${workspaceFolder}", str(workspace))
    return attached(configuration["port"], DEADLINE_S, pathMappings=json.loads(known))


def asked(uri: str) -> bytes:
    request = urllib.request.Request(uri, b"ab", JSON)
    with urllib.request.urlopen(request, timeout=DEADLINE_S) as answer:
        body: bytes = answer.read()
    return body
