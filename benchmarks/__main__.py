"""``make bench``: all tables, on a cluster of their own.

``python -m benchmarks front`` and the others of ``ALONE`` need none. ``builds:local,job-conda`` are
rows of ``builds`` (benchmarks/builds/rows.py).
"""

import sys

from benchmarks import (
    changed_config_map,
    controller,
    front,
    front_goal,
    handover,
    http_server,
    model_memory,
    rollouts,
    script_change,
    spike,
)
from benchmarks.bench import Bench, at_work
from benchmarks.builds import rows as rows_of_builds
from benchmarks.builds import table as builds
from tests.cluster.errors import ClusterError
from tests.cluster.lock import exclusive
from tests.cluster.places import places
from tests.cluster.steps import Steps

BENCHMARKS = {
    "script_change": script_change.measure,
    "controller": controller.measure,
    "changed_config_map": changed_config_map.measure,
    "model_memory": model_memory.measure,
}
BY_NAME = {
    **BENCHMARKS,
    "memory": controller.measure_memory,
    "rollouts": rollouts.measure,
}
"""Those, and what takes long and says no more than the others where there are few objects.
``builds`` is another, which takes the names of rows."""

ALONE = {
    "front": front.measure,
    "front_goal": front_goal.measure,
    "http_server": http_server.measure,
    "spike": spike.measure,
    "handover": handover.measure,
}
"""Those that need no cluster."""


def main(names: list[str]) -> int:
    _refuse_unknown(names)
    where = places()
    with Steps() as steps:
        if names and set(names) <= ALONE.keys():
            for name in names:
                ALONE[name](steps)
            return 0
        try:
            with exclusive(where, "make bench"), at_work(where, steps) as bench:
                for name in names or BENCHMARKS:
                    _measure(name, bench)
        except ClusterError as error:
            steps.fail(error, where.log)
            return 1
    return 0


def _refuse_unknown(names: list[str]) -> None:
    """Before a cluster is brought up for them."""
    known = {*BY_NAME, *ALONE, "builds"}
    for name in names:
        plain, _, rows = name.partition(":")
        if plain not in known or (rows and plain != "builds"):
            sys.exit(f"No benchmark is called {name}. There are: {', '.join(sorted(known))}.")
        try:
            rows_of_builds.chosen(rows.split(",") if rows else ())
        except ValueError as error:
            sys.exit(str(error))


def _measure(name: str, bench: Bench) -> None:
    name, _, rows = name.partition(":")
    if name == "builds":
        builds.measure(bench, rows.split(",") if rows else ())
    else:
        BY_NAME[name](bench)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
