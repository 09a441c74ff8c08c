"""Operators forked from a process that has imported everything already.

A start takes a tenth of a second instead of two: there are hundreds of them in a test. The process
reads one JSON document a line, ``{"registry": …, "log": …, "environment": {…}}``, forks an operator
for each, and answers with its pid. Its tasks are stand-ins that share the folder ``registry``, or
the real ones where that is null. Operators that are left end with it, however it ends.
"""

import ctypes
import gc
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from fairlead import operator_program as operator
from fairlead.api.meta import KINDS
from fairlead.api.published import schema_of
from tests.faults.standins.run_operator import main as run_operator

PR_SET_PDEATHSIG = 1  # prctl: the kernel's signal when the parent ends


class ForkedOperators:
    """Starts operators; safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.standins.forked"],
            cwd=Path(__file__).parents[3],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(self, registry: Path | None, log: Path, environment: Mapping[str, str]) -> int:
        """Return the pid of a new operator. What it says is appended to ``log``."""
        place = str(registry) if registry else None
        order = {"registry": place, "log": str(log), "environment": dict(environment)}
        with self._lock:
            assert self._server.stdin
            assert self._server.stdout
            self._server.stdin.write(json.dumps(order) + "\n")
            self._server.stdin.flush()
            return int(self._server.stdout.readline())

    def close(self) -> None:
        """Kill what still runs, and end."""
        assert self._server.stdin
        self._server.stdin.close()
        self._server.wait(30)


def serve() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # no zombies: the kernel reaps
    for kind in KINDS:
        schema_of(kind)  # each of them would work that out at its start
    gc.freeze()  # as the operator does with what it has imported
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _become(order)
        print(pid, flush=True)  # noqa: T201  (the answer)


def _become(order: Mapping[str, object]) -> None:
    """Be an operator, and never return."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    log = os.open(str(order["log"]), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    null = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((null, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    os.environ.update(dict(order["environment"]))  # type: ignore[call-overload]
    code = 1
    try:
        if order["registry"]:
            run_operator(Path(str(order["registry"])))
        else:
            operator.main()
        code = 0
    except SystemExit as ended:
        print(ended.code, file=sys.stderr)  # noqa: T201  (as the interpreter would)
    finally:
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    serve()
