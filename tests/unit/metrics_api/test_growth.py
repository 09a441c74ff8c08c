"""Pods come, go and begin anew, and nothing is counted twice."""

from fairlead.metrics_api.growth import Growth
from fairlead.metrics_api.sample import Counted


def pod(admitted: float, rejected: float = 0, **more: float) -> Counted:
    return Counted(1, 0, admitted, rejected, more.get("slots", 1), {1.0: admitted})


def test_only_what_came_since_the_last_look_counts() -> None:
    growth = Growth()
    first = growth.round({"a": pod(100, 50)}, 1, 1, 0)
    second = growth.round({"a": pod(103, 51), "b": pod(1000)}, 2, 2, 2)
    assert (first.admitted, first.rejected) == (0, 0)
    assert (second.admitted, second.rejected, second.busy) == (3, 1, 2)
    assert second.run_seconds == {1.0: 3}


def test_a_process_that_began_anew_counts_nothing_and_what_falls_and_rises_is_no_news() -> None:
    growth = Growth()
    for counted in (pod(100, 50), pod(2, 1)):
        assert growth.round({"a": counted}, 1, 1, 0).admitted == 0
    seen = [growth.round({"a": pod(4, told)}, 1, 1, 0).rejected for told in (0, 1, 2)]
    assert seen == [-1, 1, 1]


def test_who_answers_stands_for_the_others() -> None:
    growth = Growth()
    growth.round({"a": pod(0)}, 4, 4, 0)
    found = growth.round({"a": pod(3, slots=2)}, 4, 4, 2)
    assert (found.busy, found.admitted, found.slots, found.counted_on) == (4, 12, 8, 4)


def test_a_front_has_no_slots_of_its_own() -> None:
    assert Growth().round({"a": pod(0, slots=0)}, 1, 6, 0).slots == 6


def test_what_is_gone_is_forgotten() -> None:
    growth = Growth()
    growth.round({"a": pod(1)}, 1, 1, 0)
    growth.keep({"b"})
    assert growth.round({"a": pod(5)}, 1, 1, 0).admitted == 0
    assert growth.runs({"a": pod(7)}) == {1.0: 2}
