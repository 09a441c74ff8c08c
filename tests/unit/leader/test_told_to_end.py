"""SIGTERM before there is a lease, which is before kopf handles it."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fairlead.operator_program import _first_to_end

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


async def test_told_to_end_no_task_outlives_what_it_uses() -> None:
    """kopf listens to SIGTERM only once it has started."""
    ended = list[str]()

    async def works() -> None:
        try:
            await asyncio.sleep(END_SECONDS)
        finally:
            await asyncio.sleep(0)
            ended.append("work")

    lost, work = (asyncio.create_task(one) for one in (asyncio.sleep(END_SECONDS), works()))
    waiting = asyncio.create_task(_first_to_end(lost, work))
    await asyncio.sleep(0.01)  # all three are at it
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert ended == ["work"]
    lost.cancel()
