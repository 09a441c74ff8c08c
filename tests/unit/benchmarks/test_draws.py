import pytest

from benchmarks.draws import Draw, draws, refused_by_one_queue


def come_at(*moments_s: float) -> list[Draw]:
    """Each runs for a second."""
    return [Draw(at_s, 1.0, 0.0) for at_s in moments_s]


@pytest.mark.parametrize(
    ("slots", "wait_s", "refused"),
    [
        (1, 0.4, 1),  # who waits in vain holds up nobody
        (1, 0.5, 1),
        (1, 1.5, 0),
        (2, 0.0, 1),
        (3, 0.0, 0),
    ],
)
def test_one_queue_refuses_who_waits_longer_than_that(
    slots: int, wait_s: float, refused: int
) -> None:
    assert refused_by_one_queue(come_at(0.0, 0.5, 0.9), slots, wait_s) == refused


@pytest.mark.parametrize(("seed", "number", "refused"), [(1, 690, 2), (2, 663, 1)])
def test_the_requests_are_those_of_the_runs_that_the_goal_is_from(
    seed: int, number: int, refused: int
) -> None:
    drawn = draws(seed, per_second=70, run_s=0.1, seconds=10)
    assert (len(drawn), refused_by_one_queue(drawn, 10, 0.05)) == (number, refused)
    assert {int(one.door * 10) for one in drawn} == set(range(10))
