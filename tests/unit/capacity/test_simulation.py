"""The simulation against queueing theory: exact where run times are exponential."""

import math

import pytest

from fairlead.capacity.simulation import MAX_SLOTS, Scenario, simulate


def refused_in_theory(rate: float, run_s: float, slots: int, wait_s: float) -> float:
    """M/M/c+D: one queue, c slots, everybody waits for ``wait_s`` at the most (Barrer, 1957).

    With no wait this is Erlang's B. Without a limit of the queue.
    """
    ends = 1 / run_s
    idle = [math.exp(n * math.log(rate * run_s) - math.lgamma(n + 1)) for n in range(slots)]
    growth = (rate - slots * ends) * wait_s
    waiting = (
        (wait_s if growth == 0 else (math.exp(growth) - 1) / (rate - slots * ends))
        * rate
        * idle[-1]
    )
    lost = rate * idle[-1] * math.exp(growth) / (slots * ends)
    return lost / (sum(idle) + waiting + lost)


@pytest.mark.parametrize("wait_s", [0.0, 0.5, 2.0])
@pytest.mark.parametrize(("replicas", "slots", "load"), [(1, 1, 0.5), (10, 1, 0.7), (5, 4, 1.1)])
def test_one_queue_refuses_what_theory_says(
    replicas: int, slots: int, load: float, wait_s: float
) -> None:
    rate, run_s = load * replicas * slots, 1.0
    found = simulate(Scenario(rate, run_s, replicas, slots, wait_s))
    expected = refused_in_theory(rate, run_s, replicas * slots, wait_s)
    assert found.refused_share == pytest.approx(expected, abs=0.01)
    assert found.utilization == pytest.approx(load * (1 - expected), abs=0.02)


def test_a_queue_for_each_replica_refuses_as_one_replica_with_its_part() -> None:
    expected = refused_in_theory(0.7, 1.0, 1, 0.5)
    found = simulate(Scenario(7, 1.0, 10, front=False))
    assert found.refused_share == pytest.approx(expected, abs=0.01)
    assert expected == pytest.approx(0.31, abs=0.01)  # as it was measured: docs/front.md


def test_a_queue_is_full() -> None:
    found = simulate(Scenario(100, 1.0, 2, queue_wait_seconds=1000, front=True))
    assert found.queue_full > 0
    assert found.queue_timeouts == 0
    assert found.utilization == pytest.approx(1.0, abs=0.01)
    assert found.refused_share == pytest.approx(0.98, abs=0.01)


def test_nobody_waits_where_each_takes_the_same_time_and_slots_are_plenty() -> None:
    found = simulate(Scenario(10, 0.1, 20, steady=True))
    assert (found.refused, found.wait_p50_s, found.wait_p95_s) == (0, 0.0, 0.0)


def test_the_same_scenario_has_the_same_prediction() -> None:
    scenario = Scenario(7, 1.0, 10)
    assert simulate(scenario) == simulate(scenario)


@pytest.mark.parametrize("slots", [0, MAX_SLOTS + 1])
def test_what_takes_too_long_is_refused(slots: int) -> None:
    with pytest.raises(ValueError, match=str(MAX_SLOTS)):
        Scenario(1, 1.0, 1, slots)


@pytest.mark.parametrize(("rate", "run_s"), [(1e9, 1e9), (0.001, 0.001), (1e9, 0.001)])
def test_any_load_ends(rate: float, run_s: float) -> None:
    found = simulate(Scenario(rate, run_s, 3))
    assert 0 <= found.refused_share <= 1
    assert 0 <= found.utilization <= 1
