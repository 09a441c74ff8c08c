"""Down: everything of ours goes, and nothing else."""

from collections.abc import Iterable
from contextlib import suppress

import psutil

from tests.cluster.engine import start_engine, stop_engine
from tests.cluster.errors import ClusterError
from tests.cluster.machine import ENGINE, Engine, engine
from tests.cluster.ownership import Thing, leftovers, remove, remove_images_on_top, summary, things
from tests.cluster.places import Places
from tests.cluster.processes import end, orphans
from tests.cluster.state import read_state, write_state
from tests.cluster.steps import Steps

REACHABLE = (Engine.OURS, Engine.FOREIGN)


def down(places: Places, steps: Steps) -> None:
    """Remove every container, network and process of ours; the lock must be held.

    An engine that we started ends; its images stay in the cache. One that we found keeps running,
    without the images that were made on top of ours.
    """
    met = _reachable_engine(places)
    present = things() if met in REACHABLE else []
    found = clear(places, steps, present)
    if met is Engine.FOREIGN:
        remove_images_on_top()
    if met is Engine.OURS:
        with steps.step("Docker Engine stopped"):
            stop_engine(places)
    elif not found:
        steps.say("Nothing of ours was running.")
    _forget(places)


def clear(places: Places, steps: Steps, present: Iterable[Thing]) -> bool:
    """Remove what is marked or recorded as ours, but not the engine; say so if there was any."""
    state = read_state(places)
    processes = [p for p in (state.processes if state else ()) if p.name != ENGINE]
    children = orphans(places, spared=ENGINE)
    ours = leftovers(present)
    if not (ours or processes or children):
        return False
    whose = f", left by {state.checkout} ({state.since})" if state else ""
    with steps.step(f"Removed {summary(ours, processes, len(children))}{whose}"):
        for process in processes:
            end(places, process)
        for child in children:
            with suppress(psutil.NoSuchProcess):  # it ended with its parent
                child.kill()
        remove(ours)
    return True


def _reachable_engine(places: Places) -> Engine:
    """Our own engine is started again if it was killed: its containers may have survived it."""
    met = engine(places)
    state = read_state(places)
    was_ours = any(process.name == ENGINE for process in (state.processes if state else ()))
    if met is Engine.ABSENT and was_ours:
        start_engine(places)
        return Engine.OURS
    if met in (Engine.SILENT, Engine.FORBIDDEN):
        raise ClusterError(
            f"Docker Engine is {met.value}, so what is ours in it cannot be removed.",
            "Make `docker version` work, then run this again.",
        )
    return met


def _forget(places: Places) -> None:
    write_state(places, None)
    places.kubeconfig.unlink(missing_ok=True)
    (places.run / "daemon.json").unlink(missing_ok=True)
