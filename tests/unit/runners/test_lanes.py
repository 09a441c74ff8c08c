"""Who begins next: pure, so that every order can be tried."""

import random

import pytest

from fairlead.contract import LANES, RESULTS
from fairlead.runners.lanes import Lane
from fairlead.settings import Settings


def lane_of(slots: int, *tasks: str) -> Lane:
    """``a1`` is the first task of the namespace ``a``."""
    lane = Lane(slots)
    for task in tasks:
        lane.add(task, task[0])
    return lane


def order(lane: Lane) -> list[str]:
    """In which order the waiting tasks begin if each ends before the next begins."""
    begun: list[str] = []
    while ready := lane.begin():
        begun += ready
        for task in ready:
            lane.remove(task)
    return begun


def test_within_a_namespace_the_first_comes_first() -> None:
    assert order(lane_of(1, "a1", "a2", "a3")) == ["a1", "a2", "a3"]


def test_namespaces_take_turns() -> None:
    tasks = ["a1", "a2", "a3", "a4", "b1", "b2", "c1"]
    assert order(lane_of(1, *tasks)) == ["a1", "b1", "c1", "a2", "b2", "a3", "a4"]


def test_who_comes_late_waits_for_one_turn_of_each_other_namespace() -> None:
    lane = lane_of(1, *(f"a{n}" for n in range(100)))
    [running] = lane.begin()
    lane.add("b1", "b")
    lane.remove(running)
    assert [*lane.begin()] == ["a1"]
    lane.remove("a1")
    assert [*lane.begin()] == ["b1"]


@pytest.mark.parametrize("slots", [2, 3, 4])
def test_one_namespace_never_gets_the_last_slot(slots: int) -> None:
    lane = lane_of(slots, *(f"a{n}" for n in range(10)))
    assert len(lane.begin()) == slots - 1
    assert lane.begin() == ()
    lane.add("b1", "b")
    assert lane.begin() == ("b1",)


def test_a_lane_of_one_slot_gives_it_to_anybody() -> None:
    assert lane_of(1, "a1", "a2").begin() == ("a1",)


def test_a_namespace_at_its_share_is_passed_over_and_keeps_its_turn() -> None:
    lane = lane_of(3, "a1", "a2", "a3", "a4")
    assert lane.begin() == ("a1", "a2")
    lane.add("b1", "b")
    lane.add("b2", "b")
    assert lane.begin() == ("b1",)
    lane.remove("a1")
    assert lane.begin() == ("a3",)


@pytest.mark.parametrize("phase", ["waiting", "running"])
def test_what_is_removed_leaves_room(phase: str) -> None:
    lane = lane_of(1, "a1", "a2")
    if phase == "running":
        lane.begin()
    lane.remove("a1")
    assert lane.begin() == ("a2",)


def test_the_position_is_the_place_in_the_order_in_which_they_begin() -> None:
    """For every order of arrival, with as many namespaces and tasks as come along."""
    chance = random.Random(7)
    for _ in range(200):
        lane = Lane(1)
        for number in range(chance.randrange(1, 12)):
            namespace = chance.choice("abcd")
            lane.add(f"{namespace}{number}", namespace)
            if chance.random() < 0.3:
                for begun in lane.begin():
                    lane.remove(begun)
        namespace = chance.choice("abcd")
        expected = lane.position_of_new(namespace)
        lane.add(f"{namespace}99", namespace)
        tasks = [f"{n}{i}" for n in "abcd" for i in range(100)]
        positions = {task: lane.position(task) for task in tasks}
        waiting = {task: place for task, place in positions.items() if place}
        assert expected in (0, waiting[f"{namespace}99"])
        assert order(lane) == sorted(waiting, key=lambda task: waiting[task])


def test_what_runs_or_is_not_known_has_no_position() -> None:
    lane = lane_of(1, "a1")
    lane.begin()
    assert (lane.position("a1"), lane.position("x")) == (None, None)


def test_a_new_task_that_would_begin_at_once_does_not_wait() -> None:
    lane = lane_of(3, "a1", "a2")
    lane.begin()
    assert (lane.position_of_new("a"), lane.position_of_new("b")) == (1, 0)


def test_every_lane_has_a_setting_and_every_program_a_lane() -> None:
    assert set(LANES) == set(RESULTS)
    assert set(LANES.values()) <= set(Settings.model_fields)
