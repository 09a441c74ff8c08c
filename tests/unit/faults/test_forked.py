"""Operators from the fork server are real processes."""

import time
from pathlib import Path

import psutil

from tests.faults.standins.forked import ForkedOperators

DEADLINE_S = 60.0


def test_an_operator_is_a_process_of_its_own(tmp_path: Path) -> None:
    """Without a cluster it says why it cannot start; that is enough to see whose words they are."""
    operators, log = ForkedOperators(), tmp_path / "log"
    settings = {"KUBECONFIG": "/nowhere", "FAIRLEAD_STATE_FOLDER": str(tmp_path / "state")}
    pid = operators.start(tmp_path, log, settings)
    deadline = time.monotonic() + DEADLINE_S
    while psutil.pid_exists(pid) and time.monotonic() < deadline:
        time.sleep(0.05)  # poll
    operators.close()
    assert not psutil.pid_exists(pid)
    assert "The operator cannot start" in log.read_text()
