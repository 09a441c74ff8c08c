"""``python -m benchmarks.runtime``: the scoring runtime and its peers, without any cluster."""

import logging
import sys
from collections.abc import Sequence

from rich.console import Console

from benchmarks.runtime import wrk
from benchmarks.runtime.aims import aims
from benchmarks.runtime.cores import assigned, busy
from benchmarks.runtime.measure import Subject, measure
from benchmarks.runtime.options import read_options
from benchmarks.runtime.tables import manners, speed
from tests.cluster.errors import ClusterError
from tests.cluster.places import places
from tests.cluster.steps import Steps

TABLE_WIDTH = 130  # of the tables where there is no terminal
QUIET_PERCENT = 5.0  # percent


def main(arguments: Sequence[str]) -> int:
    """Return the exit code: a peer that fails is a row of the tables, and no failure of ours."""
    options, where = read_options(arguments), places()
    logging.getLogger("tests.cluster").addHandler(logging.NullHandler())
    with Steps() as steps:
        try:
            cores, others = assigned(), busy()
            wrk.ensure()
            subjects = measure(options, cores, where, steps)
        except ClusterError as error:
            steps.fail(error, where.run)
            return 1
        except KeyboardInterrupt:
            steps.say("Stopped half-way; nothing is left running.")
            return 130
    report(subjects, others)
    return 0


def report(subjects: Sequence[Subject], others: float) -> None:
    """``others``: percent of the machine that something else had before the run."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=TABLE_WIDTH)
    console.print("", speed(subjects), manners(subjects), sep="\n")
    for aim in aims(subjects):
        console.print(str(aim))
    if others > QUIET_PERCENT:
        console.print(
            f"The machine was not quiet: before the run others used {others:.0f} % of it. What "
            "takes turns can be compared with each other, and with no other run."
        )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
