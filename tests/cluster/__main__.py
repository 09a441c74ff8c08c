"""``python -m tests.cluster demo|up|image|chart-docs|down|status``, at the top of the checkout."""

import sys
from collections.abc import Callable

from tests.cluster.artifacts import log_to
from tests.cluster.charts import chart_docs
from tests.cluster.demo import demo
from tests.cluster.down import down
from tests.cluster.errors import ClusterError
from tests.cluster.lock import exclusive
from tests.cluster.operator_image import image
from tests.cluster.places import Places, places
from tests.cluster.status import status
from tests.cluster.steps import Steps
from tests.cluster.up import up

Command = Callable[[Places, Steps], object]


def show(places: Places, steps: Steps) -> None:
    with exclusive(places, "make demo"):
        demo(places, steps)


def bring_up(places: Places, steps: Steps) -> None:
    with exclusive(places, "make up"):
        cluster = up(places, steps)
    steps.say(f"\nThe cluster is ready: export KUBECONFIG={cluster.kubeconfig}")


def make_image(places: Places, steps: Steps) -> None:
    with exclusive(places, "make image"):
        image(places, steps)


def take_down(places: Places, steps: Steps) -> None:
    with exclusive(places, "make down"):
        down(places, steps)


COMMANDS: dict[str, Command] = {
    "demo": show,
    "up": bring_up,
    "image": make_image,
    "chart-docs": chart_docs,
    "down": take_down,
    "status": status,
}


def main(arguments: list[str]) -> int:
    """Returns the exit code: 1 for a failure that was explained, 2 for a mistyped command."""
    if len(arguments) != 1 or arguments[0] not in COMMANDS:
        sys.stderr.write(f"usage: python -m tests.cluster {'|'.join(COMMANDS)}\n")
        return 2
    where = places()
    log_to(where)
    with Steps() as steps:
        try:
            COMMANDS[arguments[0]](where, steps)
        except ClusterError as error:
            steps.fail(error, where.log)
            return 1
        except KeyboardInterrupt:
            steps.say("Stopped half-way: `make down` removes what runs by now.")
            return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
