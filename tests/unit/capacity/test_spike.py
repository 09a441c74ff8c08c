"""A spike is met once, held for a minute, and let go."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.capacity.spike import HOLD_S, Floor, Lane, next_floor

LANE = Lane(each=0.7, most=10, current=2)


@pytest.mark.parametrize(
    ("demand", "floor"),
    [
        (None, None),
        (0.0, None),
        (2.1, None),  # 3 replicas are no spike for 2
        (2.8, Floor(4, 100 + HOLD_S)),
        (700.0, Floor(10, 100 + HOLD_S)),  # never more than there may be
    ],
)
def test_twice_the_replicas_are_a_spike(demand: float | None, floor: Floor | None) -> None:
    assert next_floor(None, demand, LANE, 100.0) == floor


def test_it_is_held_for_a_minute_and_let_go_whatever_is_demanded() -> None:
    floor, there = Floor(8, 160.0), replace(LANE, current=8)
    for demand in (None, 0.0, 5.6, 7.0):
        assert next_floor(floor, demand, there, 159.9) == floor
        assert next_floor(floor, demand, there, 160.0) is None


def test_another_spike_raises_it_and_a_smaller_need_never_lowers_it() -> None:
    floor = Floor(4, 160.0)
    assert next_floor(floor, 5.6, replace(LANE, current=4), 120.0) == Floor(8, 180.0)
    assert next_floor(floor, 2.8, LANE, 120.0) == floor  # replicas are not there yet


def test_one_that_was_stopped_or_has_all_already_is_left_alone() -> None:
    assert next_floor(None, 100.0, replace(LANE, current=0), 0.0) is None
    assert next_floor(None, 100.0, replace(LANE, current=10), 0.0) is None
    assert next_floor(None, 100.0, replace(LANE, current=12), 0.0) is None


@given(
    demands=st.lists(st.none() | st.floats(0, 1e9), max_size=60),
    each=st.floats(0.01, 1000),
    most=st.integers(1, 1000),
)
def test_whatever_is_demanded_it_stays_within_bounds_and_settles(
    demands: list[float | None], each: float, most: int
) -> None:
    """With an autoscaler that does nothing, and one write for each floor: never more than log2."""
    floor, current, writes = None, 1, 0
    for second, demand in enumerate(demands):
        new = next_floor(floor, demand, Lane(each, most, current), float(second))
        if new is not None and new.replicas > current:
            writes, current = writes + 1, new.replicas
        assert new is None or 1 < new.replicas <= most
        floor = new
    assert writes <= math.log2(most) + 1
    assert next_floor(floor, None, Lane(each, most, current), 1000.0) is None
