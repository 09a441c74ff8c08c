"""The load: ``wrk``, one thread, connections kept for as long as the server keeps them."""

import json
import os

from benchmarks.runtime.errors import PeerError
from benchmarks.runtime.figures import Load
from benchmarks.runtime.peers import HERE
from benchmarks.runtime.server import BODY
from tests.cluster import packages
from tests.cluster.command import found, read
from tests.cluster.errors import ClusterError

SCRIPT = HERE / "score.lua"
MARK = "RESULT "
ANSWER_TIMEOUT_S = 10  # for one answer


def ensure() -> None:
    """Install Debian's ``wrk`` where it is missing. Raise ``ClusterError`` where we cannot."""
    if found("wrk"):
        return
    if os.geteuid() != 0 or not found("apt-get"):
        raise ClusterError(
            "The load generator `wrk` is not installed, and only root can install it from Debian's "
            "packages: run `sudo apt-get install wrk`, then this again."
        )
    packages.install(["wrk"])


def put_load(url: str, concurrency: int, seconds: int) -> Load:
    """Raise ``PeerError`` if ``wrk`` cannot talk to the server at all."""
    command = ["wrk", "-t1", f"-c{concurrency}", f"-d{seconds}s", f"--timeout={ANSWER_TIMEOUT_S}s"]
    try:
        said = read([*command, "-s", SCRIPT, url, "--", BODY.decode()], seconds=seconds + 60)
    except ClusterError as error:
        raise PeerError(f"cannot be put under load: {error}", error.tail) from error
    return parse(said)


def parse(said: str) -> Load:
    """Read the line that ``score.lua`` writes at the end. Raise ``PeerError`` if it is missing."""
    line = next((line for line in said.splitlines() if line.startswith(MARK)), None)
    if line is None:
        raise PeerError("cannot be put under load: wrk gave no result", said.splitlines())
    result = json.loads(line.removeprefix(MARK))
    return Load(
        rate=result["requests"] / result["seconds"],
        p50=result["p50"] / 1000,
        p99=result["p99"] / 1000,
        failed=result["failed"],
    )
