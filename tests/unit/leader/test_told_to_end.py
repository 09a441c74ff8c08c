"""SIGTERM before there is a lease, which is before kopf handles it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

END_SECONDS = 30
NOWHERE = "http://127.0.0.1:9"  # nothing listens at the discard port


WAITS = {
    "for the lease": ({"FAIRLEAD_REGISTRY": "localhost:5000"}, "the lease cannot be had"),
    "for the API server": ({}, "local registry not looked for"),
}


@pytest.mark.parametrize(("given", "words"), WAITS.values(), ids=WAITS)
def test_who_waits_ends_when_told_to(tmp_path: Path, given: dict[str, str], words: str) -> None:
    """Exit code 0, not that of a signal that nobody handled: process 1 would have ignored it."""
    kubeconfig = tmp_path / "kubeconfig"
    context = {"name": "none", "context": {"cluster": "none", "user": "none"}}
    kubeconfig.write_text(
        json.dumps(
            {
                "current-context": "none",
                "contexts": [context],
                "clusters": [{"name": "none", "cluster": {"server": NOWHERE}}],
                "users": [{"name": "none", "user": {"token": "none"}}],
            }
        )
    )
    settings = {"KUBECONFIG": str(kubeconfig), "FAIRLEAD_LEADER_ELECTION": "true", **given}
    with subprocess.Popen(
        [sys.executable, "-m", "fairlead"],
        env={**os.environ, **settings},
        stderr=subprocess.PIPE,
        text=True,
    ) as operator:
        assert operator.stderr
        said = next(line for line in operator.stderr if words in line)
        operator.send_signal(signal.SIGTERM)
        rest = operator.stderr.read()
        assert operator.wait(timeout=END_SECONDS) == 0, said + rest
    assert "Traceback" not in rest
