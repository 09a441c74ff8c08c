import pytest

from benchmarks.runtime.figures import Load, Round, medians, percentile


@pytest.mark.parametrize(
    ("share", "value"), [(0.0, 1), (0.5, 50), (0.501, 51), (0.99, 99), (0.991, 100), (1.0, 100)]
)
def test_a_percentile_is_a_value_that_was_seen(share: float, value: int) -> None:
    assert percentile(list(range(100, 0, -1)), share) == value


def test_of_few_values_the_99th_percentile_is_the_largest() -> None:
    assert percentile([3.0, 1.0, 2.0], 0.99) == 3.0


def test_the_only_value_is_every_percentile() -> None:
    assert percentile([7.0], 0.0) == percentile([7.0], 0.99) == 7.0


def test_each_figure_has_its_own_median_and_no_failure_is_lost() -> None:
    rounds = [
        Round(start=0.3, memory=60, cpu=1, loads={8: Load(rate=100, p50=3, p99=9, failed=1)}),
        Round(start=0.1, memory=40, cpu=3, loads={8: Load(rate=300, p50=1, p99=8)}),
        Round(start=0.2, memory=90, cpu=4, loads={8: Load(rate=200, p50=2, p99=700, failed=2)}),
    ]
    assert medians(rounds) == Round(0.2, 60, 3, {8: Load(rate=200, p50=2, p99=9, failed=3)})
