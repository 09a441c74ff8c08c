"""Admission, whatever comes in whatever order: never above N, in order, deadlines, the cap."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
)

from fairlead_scoring.front.config.settings import QueueLimits
from fairlead_scoring.front.queue.admission import Admission, QueueEntry, RejectionReason
from fairlead_scoring.front.queue.request_queue import MAX_RETRY_AFTER_S, ServiceTimeAverage
from fairlead_scoring.front.slots.restart_backoff import (
    MAX_CONSECUTIVE_EXITS,
    MAX_DELAY_S,
    STABLE_AFTER_S,
    RestartBackoff,
)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Entry(QueueEntry[int]):
    """A request, and what became of it."""

    def __init__(self, number: int, scenario: "Scenario") -> None:
        self.number = number
        self.arrived_at = scenario.clock.now
        self.place: int | None = None
        self.rejection: RejectionReason | None = None
        self._scenario = scenario

    @property
    def waits(self) -> bool:
        return self.place is None and self.rejection is None

    def on_admitted(self, place: int) -> None:
        assert self.waits, "called twice"
        self.place = place
        self._scenario.admitted.append(self.number)

    def on_rejected(self, reason: RejectionReason) -> None:
        assert self.waits, "called twice"
        self.rejection = reason
        self._scenario.rejected.append((self.number, reason))


class Scenario:
    """An admission, and what became of the requests in it."""

    def __init__(self, limits: QueueLimits, places: int = 0) -> None:
        self.clock = Clock()
        self.admission: Admission[int] = Admission(limits, self.clock)
        self.admitted: list[int] = []
        self.rejected: list[tuple[int, RejectionReason]] = []
        self._count = 0
        for place in range(places):
            self.admission.release(place)

    def arrive(self) -> Entry:
        entry = Entry(self._count, self)
        self._count += 1
        self.admission.enqueue(entry)
        return entry


def test_who_finds_no_place_waits_in_order() -> None:
    scenario = Scenario(QueueLimits(), places=2)
    for _ in range(5):
        scenario.arrive()
    assert (scenario.admitted, scenario.admission.waiting) == ([0, 1], 3)
    scenario.admission.release(1)
    scenario.admission.release(0)
    assert scenario.admitted == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (QueueLimits(max_wait_s=0, max_entries=10), RejectionReason.BUSY),
        (QueueLimits(max_entries=0), RejectionReason.BUSY),
        (QueueLimits(max_wait_s=1, max_entries=1), RejectionReason.QUEUE_FULL),
        (QueueLimits(max_entries=1), RejectionReason.QUEUE_FULL),
    ],
)
def test_who_may_not_wait_is_told_why(limits: QueueLimits, reason: RejectionReason) -> None:
    scenario = Scenario(limits, places=1)
    for _ in range(3):
        scenario.arrive()
    assert scenario.rejected[-1] == (2, reason)
    assert scenario.admission.rejection() is reason


def test_whoever_waits_too_long_is_refused_and_the_next_may_come() -> None:
    scenario = Scenario(QueueLimits(max_wait_s=5, max_entries=1), places=1)
    scenario.arrive()
    scenario.arrive()
    scenario.clock.now = 4.9
    scenario.admission.expire()
    assert (scenario.rejected, scenario.admission.waiting) == ([], 1)
    scenario.clock.now = 5.0
    scenario.admission.expire()
    assert scenario.rejected == [(1, RejectionReason.QUEUE_TIMEOUT)]
    assert scenario.admission.rejection() is None


def test_a_place_that_comes_too_late_goes_to_the_next() -> None:
    scenario = Scenario(QueueLimits(max_wait_s=5), places=1)
    scenario.arrive()
    scenario.arrive()
    scenario.clock.now = 3.0
    scenario.arrive()
    scenario.clock.now = 6.0
    scenario.admission.release(0)
    assert (scenario.rejected, scenario.admitted) == ([(1, RejectionReason.QUEUE_TIMEOUT)], [0, 2])


def test_who_leaves_is_passed_over() -> None:
    scenario = Scenario(QueueLimits(), places=1)
    scenario.arrive()
    scenario.admission.cancel(scenario.arrive())
    scenario.arrive()
    scenario.admission.release(0)
    assert (scenario.admitted, scenario.rejected) == ([0, 2], [])


def test_a_place_that_is_withdrawn_is_given_to_nobody() -> None:
    scenario = Scenario(QueueLimits(), places=3)
    scenario.admission.release(1)  # a slot with two threads
    scenario.admission.withdraw(1)
    for _ in range(3):
        scenario.arrive()
    assert (scenario.admitted, scenario.admission.waiting) == ([0, 1], 1)


def test_all_who_wait_can_be_turned_away() -> None:
    scenario = Scenario(QueueLimits())
    for _ in range(2):
        scenario.arrive()
    scenario.admission.reject_all(RejectionReason.STARTING)
    assert scenario.rejected == [(0, RejectionReason.STARTING), (1, RejectionReason.STARTING)]
    assert scenario.admission.waiting == 0


class AnyOrder(RuleBasedStateMachine):
    """Requests come, go and run; slots come and die; time passes. The rules hold throughout."""

    waiting = Bundle("waiting")

    @initialize(
        wait=st.none() | st.integers(0, 5),
        queue=st.none() | st.integers(0, 4),
        places=st.integers(0, 3),
    )
    def open(self, wait: int | None, queue: int | None, places: int) -> None:
        self.limits = QueueLimits(wait, queue)
        self.scenario = Scenario(self.limits, places)
        self.alive = set(range(places))
        self.newest_place = places
        self.entries: list[Entry] = []
        self.cancelled: list[Entry] = []
        self.running: dict[int, Entry] = {}

    @rule(target=waiting)
    def arrive(self) -> object:
        free, waiting = self.scenario.admission.free, self.scenario.admission.waiting
        entry = self.scenario.arrive()
        self.entries.append(entry)
        if free:
            assert entry.place is not None, "a place is free, and it waits"
        elif 0 in (self.limits.max_wait_s, self.limits.max_entries):
            assert entry.rejection is RejectionReason.BUSY
        elif self.limits.max_entries is not None and waiting >= self.limits.max_entries:
            assert entry.rejection is RejectionReason.QUEUE_FULL
        else:
            assert entry.waits, "it may wait, and does not"
        return entry if entry.waits else multiple()

    @rule(entry=waiting)
    def cancel(self, entry: Entry) -> None:
        self.scenario.admission.cancel(entry)
        if entry.waits:
            self.cancelled.append(entry)

    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        if self.running:
            place = data.draw(st.sampled_from(sorted(self.running)))
            del self.running[place]
            if place in self.alive:
                self.scenario.admission.release(place)

    @rule(data=st.data())
    def die(self, data: st.DataObject) -> None:
        if self.alive:
            place = data.draw(st.sampled_from(sorted(self.alive)))
            self.alive.discard(place)
            self.running.pop(place, None)
            self.scenario.admission.withdraw(place)

    @rule()
    def start(self) -> None:
        self.newest_place += 1
        self.alive.add(self.newest_place)
        self.scenario.admission.release(self.newest_place)

    @rule(seconds=st.integers(0, 4))
    def wait(self, seconds: int) -> None:
        self.scenario.clock.now += seconds
        self.scenario.admission.expire()

    @rule()
    def reject_all(self) -> None:
        self.scenario.admission.reject_all(RejectionReason.STARTING)
        assert not self.still_waiting()

    def still_waiting(self) -> list[Entry]:
        return [entry for entry in self.entries if entry.waits and entry not in self.cancelled]

    @invariant()
    def never_two_in_a_place_nor_one_in_a_dead_place(self) -> None:
        admitted = [entry for entry in self.entries if entry.place is not None]
        for entry in admitted:
            self.entries.remove(entry)
            assert entry.place in self.alive
            assert entry.place not in self.running, "two requests in one place"
            self.running[entry.place] = entry
        assert len(self.running) + self.scenario.admission.free == len(self.alive)

    @invariant()
    def nobody_waits_while_a_place_is_free(self) -> None:
        assert not (self.scenario.admission.free and self.scenario.admission.waiting)

    @invariant()
    def the_queue_is_who_waits_and_never_above_its_cap(self) -> None:
        assert self.scenario.admission.waiting == len(self.still_waiting())
        if self.limits.max_entries is not None:
            assert self.scenario.admission.waiting <= self.limits.max_entries

    @invariant()
    def nobody_waits_longer_than_allowed(self) -> None:
        if self.limits.max_wait_s is not None:
            oldest = self.scenario.clock.now - self.limits.max_wait_s
            assert all(entry.arrived_at > oldest for entry in self.still_waiting())

    @invariant()
    def they_are_admitted_in_the_order_in_which_they_came(self) -> None:
        assert self.scenario.admitted == sorted(self.scenario.admitted)

    @invariant()
    def a_cancelled_entry_is_not_called(self) -> None:
        assert all(entry.waits for entry in self.cancelled)


TestAnyOrder = AnyOrder.TestCase


@given(st.lists(st.floats(0, 1e6), max_size=20), st.integers(0, 10**6), st.integers(0, 1000))
def test_when_to_try_again_is_always_a_sensible_number(
    measured: list[float], ahead: int, places: int
) -> None:
    average = ServiceTimeAverage()
    for seconds in measured:
        average.record(seconds)
    assert 1 <= average.retry_after_s(ahead, places) <= MAX_RETRY_AFTER_S


def test_when_to_try_again_follows_what_was_measured() -> None:
    average = ServiceTimeAverage()
    for _ in range(50):
        average.record(4.0)
    assert (
        average.retry_after_s(1, 1),
        average.retry_after_s(11, 2),
        average.retry_after_s(0, 2),
    ) == (4, 22, 1)
    for _ in range(50):
        average.record(0.1)
    assert average.retry_after_s(11, 2) == 1


def test_deaths_in_a_row_are_repaired_more_and_more_slowly() -> None:
    backoff = RestartBackoff(Clock())
    delays = [backoff.record_exit() for _ in range(10)]
    assert delays == [0, 1, 2, 4, 8, 16, 32, MAX_DELAY_S, MAX_DELAY_S, MAX_DELAY_S]


def test_what_is_left_of_the_wait_is_known() -> None:
    clock = Clock()
    backoff = RestartBackoff(clock)
    left = [backoff.remaining_s]
    for _ in range(4):
        backoff.record_exit()
        left.append(backoff.remaining_s)
    clock.now = 1.5
    left.append(backoff.remaining_s)
    clock.now = 5.0
    left.append(backoff.remaining_s)
    assert left == [0, 0, 1, 2, 4, 2.5, 0]


def test_it_fails_after_too_many_deaths_and_recovers_by_an_answer() -> None:
    backoff = RestartBackoff(Clock())
    seen = []
    for _ in range(MAX_CONSECUTIVE_EXITS):
        seen.append(backoff.failing)
        backoff.record_ready()
        backoff.record_exit()
    assert seen == [False] * MAX_CONSECUTIVE_EXITS
    assert backoff.failing
    backoff.record_ready()
    backoff.reset()
    assert not backoff.failing
    assert backoff.record_exit() == 0


def test_it_recovers_by_living_long_enough() -> None:
    clock = Clock()
    backoff = RestartBackoff(clock)
    for _ in range(MAX_CONSECUTIVE_EXITS):
        backoff.record_exit()
    backoff.record_ready()
    clock.now = STABLE_AFTER_S - 1
    assert backoff.failing
    clock.now = STABLE_AFTER_S
    assert not backoff.failing
