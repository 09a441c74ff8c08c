"""What a front and a replica say, and what a stranger may say in their place."""

import pytest

from fairlead.metrics_api.exposition import MAX_LINES, MAX_VALUE, series
from fairlead.metrics_api.sample import (
    MAX_AT_ONCE,
    MAX_BOUNDS,
    MAX_SLOTS,
    Counted,
    of_front,
    of_pod,
)
from fairlead_scoring.front.metrics import BUCKET_BOUNDS_S
from tests.unit.metrics_api.texts import front_text, pod_text


def test_of_a_front_who_left_the_queue_was_refused() -> None:
    """As HAProxy has it: one runs, three wait; three more left the queue, two found it full."""
    text = front_text(sessions=4, queued=3, balanced=2, ended=4, failed=3, answered=2)
    assert of_front(text) == Counted(busy=1, queued=3, admitted=2, rejected=5)


def test_a_front_that_says_nothing_of_its_queue_is_none() -> None:
    assert of_front('haproxy_backend_current_sessions{proxy="scoring"} 4\n') is None
    assert of_front("") is None


def test_of_a_replica_more_of_them_help_against_some_refusals_only() -> None:
    text = pod_text(busy="2.0", slots="2.0", answered=10, rejected=3, draining=1, fast=4, slow=2)
    assert of_pod(text) == Counted(2, 0, 6, 3, 2, {0.5: 4, 1.0: 6})


def test_what_a_replica_hands_back_to_its_front_was_neither_run_nor_refused() -> None:
    text = pod_text(answered=30, rejected=3, handed_back=20)
    assert of_pod(text) == Counted(1, 0, 7, 3, 1, {0.5: 0, 1.0: 0})


@pytest.mark.parametrize(
    "number", ["NaN", "-1", "+Inf", "1e300", "-Inf", "--", "1e", "0x1f", "\u0661"]
)
def test_what_is_no_count_is_none(number: str) -> None:
    assert of_pod(pod_text(busy=number)) is None
    assert of_front(f'haproxy_backend_current_queue{{proxy="scoring"}} {number}\n') is None


def test_lies_are_bounded() -> None:
    told = of_pod(pod_text(busy="1e12", queued="1e12", slots="1e12"))
    assert told is not None
    assert (told.busy, told.queued, told.slots) == (MAX_SLOTS, MAX_AT_ONCE, MAX_SLOTS)
    front = of_front(
        front_text(sessions=1e12, queued=1e11, balanced=0, ended=0, failed=0, answered=0)
    )
    assert front is not None
    assert (front.busy, front.queued) == (MAX_AT_ONCE, MAX_AT_ONCE)


def test_slots_are_one_at_least() -> None:
    told = of_pod(pod_text(busy="5", slots="0"))
    assert told is not None
    assert (told.busy, told.slots) == (1, 1)


def test_no_more_series_are_read_than_can_be_meant() -> None:
    lines = (f'fairlead_slots_busy{{a="{n}"}} 1' for n in range(MAX_LINES * 2))
    found = series("\n".join(lines), {"fairlead_slots_busy"})
    assert len(found["fairlead_slots_busy"]) == MAX_LINES


def test_lines_that_say_nothing_are_not_looked_at_for_ever() -> None:
    text = "fairlead_slots x\n" * MAX_LINES + "fairlead_slots 1\n"
    assert series(text, {"fairlead_slots"}) == {}


def test_no_more_bounds_of_run_times_are_kept_than_the_runtime_has() -> None:
    lines = [f'fairlead_run_seconds_bucket{{le="{n}"}} {n}\n' for n in range(1, 900)]
    told = of_pod(pod_text() + "".join(lines))
    assert told is not None
    assert len(told.run_seconds) == MAX_BOUNDS >= len(BUCKET_BOUNDS_S)
    for bound in ("9" * 300, "1e9", "-1", ".5", "1.", "0.1234567"):
        line = f'fairlead_run_seconds_bucket{{le="{bound}"}} 7\n'
        told = of_pod(pod_text() + line)
        assert told is not None
        assert set(told.run_seconds) == {0.5, 1.0}
    every = "".join(f'fairlead_run_seconds_bucket{{le="{b}"}} 1\n' for b in BUCKET_BOUNDS_S)
    told = of_pod(pod_text() + every)
    assert told is not None
    assert set(BUCKET_BOUNDS_S) <= set(told.run_seconds)


def test_only_what_is_asked_for_is_kept() -> None:
    text = f"fairlead_slots 1\nother 2\nfairlead_slots{{}} {MAX_VALUE * 2}\nfairlead_slots x\n"
    assert series(text, {"fairlead_slots"}) == {"fairlead_slots": {"": 1}}


def test_any_text_is_read_in_time_that_grows_with_it() -> None:
    for piece in ('fairlead_slots{a="b"', "fairlead_slots{" * 9, "fairlead_" + "a" * 200, "9" * 99):
        assert series(f"{piece}\n" * 1000 + piece * 2000, {"fairlead_slots"}) == {}
