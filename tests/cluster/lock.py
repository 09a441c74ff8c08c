"""One run at a time: whoever holds the lock owns the cluster; everybody else is told who that is.

The kernel drops the lock when its holder ends, however it ends; what the file says is for people.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.cluster.errors import ClusterError
from tests.cluster.places import Places
from tests.cluster.processes import alive, started
from tests.cluster.state import Process, now


@dataclass(frozen=True)
class Holder:
    """Who runs, in a person's words ("make demo"), where, since when, and as which process."""

    what: str
    checkout: str
    since: str
    pid: int
    started: str


@contextmanager
def exclusive(places: Places, what: str) -> Iterator[None]:
    """Hold the lock, or raise ``ClusterError`` at once with the name of the holder."""
    places.run.mkdir(parents=True, exist_ok=True)
    with _file(places).open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ClusterError(refusal(holder(places))) from error
        me = os.getpid()
        said = Holder(what, str(places.checkout), now(), me, started(me) or "")
        file.truncate(0)
        file.write(json.dumps(asdict(said)))
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)


def holder(places: Places) -> Holder | None:
    """Who holds the lock, as far as it has said so and still lives."""
    try:
        said = Holder(**json.loads(_file(places).read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None
    return said if alive(Process(said.what, said.pid, said.started)) else None


def refusal(other: Holder | None) -> str:
    who = "Another run"
    if other:
        who = f"`{other.what}` in {other.checkout} (pid {other.pid}, since {other.since})"
    return f"{who} is using the test cluster: wait until it has ended, then run this again."


def _file(places: Places) -> Path:
    return places.run / "lock"
