"""The arithmetic of demand, and when no number is said."""

from dataclasses import replace

import pytest

from fairlead.metrics_api.demand import STALE_S, Round, demand, measures

ONE = Round(at_s=0, busy=3, queued=1, admitted=2, rejected=0, slots=4, counted_on=4)


def rounds(*each: Round, period_s: float = 2.0) -> list[Round]:
    return [replace(one, at_s=number * period_s) for number, one in enumerate(each)]


def test_what_runs_and_waits_is_demand() -> None:
    seen = rounds(*[ONE] * 10)
    assert demand(seen, seen[-1].at_s) == 4


def test_a_moment_is_smoothed_and_a_jump_is_not() -> None:
    quiet, peak = replace(ONE, busy=2, queued=0), replace(ONE, busy=4, queued=8)
    moment = rounds(*[quiet] * 6, peak, quiet, quiet)
    assert demand(moment, moment[-1].at_s) < 6
    jump = rounds(*[quiet] * 6, peak, peak, peak)
    assert demand(jump, jump[-1].at_s) == 12


@pytest.mark.parametrize(("rejected", "expected"), [(0, 3), (2, 6), (4, 9), (4000, 30)])
def test_refused_requests_count_up_to_nine_for_each_that_got_in(
    rejected: float, expected: float
) -> None:
    seen = rounds(*[replace(ONE, queued=0, rejected=rejected)] * 8)
    assert demand(seen, seen[-1].at_s) == pytest.approx(expected)


def test_requests_that_were_sent_to_a_second_replica_are_no_less_than_none() -> None:
    seen = rounds(*[replace(ONE, rejected=-5)] * 8)
    found = measures(seen, seen[-1].at_s)
    assert found is not None
    assert (found.demand, found.refused_per_minute, found.refused_share) == (4, 0, 0)


def test_where_runs_last_longer_than_the_window_those_that_run_got_in() -> None:
    seen = rounds(*[replace(ONE, queued=0, admitted=0, rejected=1)] * 3)
    assert demand(seen, seen[-1].at_s) == pytest.approx(3 * (1 + 3 / 3))


def test_where_an_image_has_more_slots_than_the_spec_counts_on_each_is_worth_less() -> None:
    seen = rounds(*[replace(ONE, slots=16, counted_on=4)] * 8)
    assert demand(seen, seen[-1].at_s) == 1


def test_nothing_is_said_of_what_is_not_known_or_long_ago() -> None:
    assert measures([], 0) is None
    assert measures([ONE], STALE_S + 0.1) is None
    assert measures([ONE], STALE_S) is not None


def test_rates_are_those_of_a_minute() -> None:
    each = replace(ONE, admitted=3, rejected=1, run_seconds={0.5: 2, 1.0: 3})
    seen = rounds(*[each] * 100)
    found = measures(seen, seen[-1].at_s)
    assert found is not None
    assert found.requests_per_second == pytest.approx(2, rel=0.1)
    assert found.refused_per_minute == pytest.approx(30, rel=0.1)
    assert (found.refused_share, found.utilization_percent) == (0.25, 100)
    assert found.run_seconds_p95 == pytest.approx(0.925)


def test_without_a_run_there_is_no_run_time_and_without_slots_no_utilization() -> None:
    found = measures([replace(ONE, slots=0, counted_on=0, run_seconds={0.5: 0, 1.0: 0})], 0)
    assert found is not None
    assert (found.run_seconds_p95, found.utilization_percent) == (None, 0)


def test_runs_that_are_counted_the_wrong_way_round_end() -> None:
    found = measures([replace(ONE, run_seconds={0.5: 9, 1.0: 3})], 0)
    assert found is not None
    assert found.run_seconds_p95 is not None
    assert 0 <= found.run_seconds_p95 <= 1
