"""What is recorded of a run, in the folder for what runs: who left what behind."""

import json
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from tests.cluster.errors import ClusterError
from tests.cluster.places import Places


@dataclass(frozen=True)
class Process:
    """One process for ever: ``started`` is the kernel's word for when, opaque."""

    name: str
    pid: int
    started: str


@dataclass(frozen=True)
class State:
    """What the last run left running, the checkout that it ran from, and since when."""

    checkout: str
    since: str
    processes: tuple[Process, ...] = ()


def read_state(places: Places) -> State | None:
    """Raises ``ClusterError`` when there is a record that cannot be read: never guess."""
    try:
        raw = json.loads(_file(places).read_text())
        processes = tuple(Process(**item) for item in raw["processes"])
        return State(raw["checkout"], raw["since"], processes)
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise ClusterError(
            f"{_file(places)} cannot be read, so it is unknown what an earlier run left running.",
            "End the dockerd and the operator it may have left, delete that file, and run again.",
        ) from error


def write_state(places: Places, state: State | None) -> None:
    """Replace the record in one move: a killed run leaves the old or the new, never half."""
    file = _file(places)
    if state is None:
        file.unlink(missing_ok=True)
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_suffix(".new")
    fresh.write_text(json.dumps(asdict(state), indent=1))
    fresh.replace(file)


def begin_state(places: Places, running: Iterable[Process]) -> None:
    """Record that this checkout runs now, and what still runs."""
    write_state(places, State(str(places.checkout), now(), tuple(running)))


def record(places: Places, process: Process) -> None:
    state = read_state(places) or State(str(places.checkout), now())
    write_state(places, replace(state, processes=(*state.processes, process)))


def forget(places: Places, process: Process) -> None:
    if state := read_state(places):
        kept = tuple(known for known in state.processes if known != process)
        write_state(places, replace(state, processes=kept))


def now() -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S")


def _file(places: Places) -> Path:
    return places.run / "state.json"
