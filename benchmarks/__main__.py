"""``make bench``: all tables, on a cluster of their own.

``python -m benchmarks front`` and the others of ``ALONE`` need none.
"""

import sys

from benchmarks import (
    builds,
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
from benchmarks.bench import at_work
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
    "builds": builds.measure,
    "rollouts": rollouts.measure,
}
"""Those, and what takes long and says no more than the others where there are few objects."""

ALONE = {
    "front": front.measure,
    "front_goal": front_goal.measure,
    "http_server": http_server.measure,
    "spike": spike.measure,
    "handover": handover.measure,
}
"""Those that need no cluster."""


def main(names: list[str]) -> int:
    where = places()
    with Steps() as steps:
        if names and set(names) <= ALONE.keys():
            for name in names:
                ALONE[name](steps)
            return 0
        try:
            with exclusive(where, "make bench"), at_work(where, steps) as bench:
                for name in names or BENCHMARKS:
                    BY_NAME[name](bench)
        except ClusterError as error:
            steps.fail(error, where.log)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
