"""The operator is killed after every write it makes, and nothing comes of it.

The story is told once without a fault, and then once for each write of that run: as soon as the API
server has done it, the operator gets SIGKILL and another one starts. Every second time the dead one
had not been told the outcome yet.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.faults.outcome import Outcome, compared, without_fault
from tests.faults.proxy.crash_point import CrashPoint
from tests.faults.story import story
from tests.faults.trial import Bed, Trial, at_subject

pytestmark = pytest.mark.long
AT_ONCE = 6  # runs; most of their time they wait
MOST_MISSED = 0.1  # share of the writes that another run may not make: statuses on the way differ


@pytest.fixture(scope="module")
def plain(bed: Bed) -> Outcome:
    return without_fault(bed, "crash-never", story())


def test_without_a_fault_nothing_is_wrong_and_two_runs_are_alike(bed: Bed, plain: Outcome) -> None:
    assert not plain.wrong
    again = compared(bed, "crash-never-again", plain)
    assert not again.wrong


@pytest.mark.timeout(1200)
def test_every_write_is_a_crash_point(bed: Bed, plain: Outcome, subtests: pytest.Subtests) -> None:
    outcomes = _crashed(bed, plain, lambda number: number % 2 == 1)
    for write, outcome in zip(plain.writes, outcomes, strict=True):
        with subtests.test(f"killed after: {write}"):
            assert not outcome.wrong
    missed = [write for write, o in zip(plain.writes, outcomes, strict=True) if not o.kills]
    assert len(missed) <= MOST_MISSED * len(plain.writes), missed


def _crashed(bed: Bed, plain: Outcome, withheld: Callable[[int], bool]) -> Sequence[Outcome]:
    """One run for each write of the plain one; ``withheld``: by the number of the write."""

    def crashed(number: int) -> Outcome:
        point = CrashPoint(at_subject(plain.writes[number]), withheld(number))

        def prepare(trial: Trial) -> None:
            trial.arm(point)

        return compared(bed, f"crash-{number}", plain, prepare)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(crashed, range(len(plain.writes))))
