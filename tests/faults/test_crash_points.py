"""The operator is killed after every write it makes, and nothing comes of it.

The story is told once without a fault. Then it is told again and again, and each time the operator
is killed once in each step, after another of the writes that were made in it, until only the first
step has writes that are left, and is told alone. As soon as the API server has done the write, the
operator gets SIGKILL and another one starts. Every second time the dead one had not been told the
outcome yet.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.faults.outcome import Outcome, compared, without_fault
from tests.faults.story import create
from tests.faults.trial import Bed, killed_after

AT_ONCE = 6  # runs; most of their time they wait
MOST_MISSED = 0.1  # share of the writes that another run may not make: statuses on the way differ


def test_without_a_fault_nothing_is_wrong(plain: Outcome) -> None:
    assert not plain.wrong, "\n".join(plain.wrong)


@pytest.fixture(scope="module")
def created(bed: Bed) -> Outcome:
    """The first step of the story without a fault: it has by far the most writes."""
    return without_fault(bed, "created-without-fault", [create()])


@pytest.mark.timeout(1200)
def test_every_write_is_a_crash_point(
    bed: Bed, plain: Outcome, created: Outcome, subtests: pytest.Subtests
) -> None:
    assert not created.wrong, "\n".join(created.wrong)
    most = max(len(writes) for writes in plain.writes.values())
    runs = [
        {step: writes[number] for step, writes in plain.writes.items() if number < len(writes)}
        for number in range(most)
    ]
    told = [created if run.keys() == created.writes.keys() else plain for run in runs]
    _check(bed, told, runs, lambda number: number % 2 == 1, subtests)


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("told", ["told", "not told"])
def test_every_write_alone_is_a_crash_point(
    bed: Bed, plain: Outcome, subtests: pytest.Subtests, told: str
) -> None:
    """One crash in each run, with and without the outcome of the write."""
    runs = [{step: write} for step, writes in plain.writes.items() for write in writes]
    _check(bed, [plain] * len(runs), runs, lambda _: told == "not told", subtests)


def _check(
    bed: Bed,
    expected: Sequence[Outcome],
    runs: Sequence[dict[str, str]],
    withheld: Callable[[int], bool],
    subtests: pytest.Subtests,
) -> None:
    """Each run is given as the writes, by step, after which the operator is killed; and as what
    comes of the same steps without that."""

    def crashed(number: int) -> Outcome:
        before = killed_after(runs[number], withheld=withheld(number))
        return compared(bed, f"crash-{number}", expected[number], before=before)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        outcomes = list(pool.map(crashed, range(len(runs))))
    for writes, outcome in zip(runs, outcomes, strict=True):
        with subtests.test(f"killed after: {', '.join(writes.values())}"):
            assert not outcome.wrong, "\n".join(outcome.wrong)
    planned, kills = sum(map(len, runs)), sum(outcome.kills for outcome in outcomes)
    assert planned - kills <= MOST_MISSED * planned
