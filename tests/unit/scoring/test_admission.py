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

from fairlead_scoring.front.queue.admission import Admission, Limits, Reason, Turn
from fairlead_scoring.front.queue.service_time import LONGEST, Pace
from fairlead_scoring.front.slots.restart_backoff import LONGEST_DELAY, STEADY, TOO_OFTEN, Restarts


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Guest(Turn[int]):
    """One who came, and what became of it."""

    def __init__(self, number: int, door: "Door") -> None:
        self.number = number
        self.came = door.clock.now
        self.place: int | None = None
        self.refusal: Reason | None = None
        self._door = door

    @property
    def waits(self) -> bool:
        return self.place is None and self.refusal is None

    def admit(self, place: int) -> None:
        assert self.waits, "told twice"
        self.place = place
        self._door.admitted.append(self.number)

    def refuse(self, reason: Reason) -> None:
        assert self.waits, "told twice"
        self.refusal = reason
        self._door.refused.append((self.number, reason))


class Door:
    """An admission, and who came to it and what they were told."""

    def __init__(self, limits: Limits, places: int = 0) -> None:
        self.clock = Clock()
        self.admission: Admission[int] = Admission(limits, self.clock)
        self.admitted: list[int] = []
        self.refused: list[tuple[int, Reason]] = []
        self._came = 0
        for place in range(places):
            self.admission.offer(place)

    def come(self) -> Guest:
        guest = Guest(self._came, self)
        self._came += 1
        self.admission.enter(guest)
        return guest


def test_who_finds_no_place_waits_in_order() -> None:
    door = Door(Limits(), places=2)
    for _ in range(5):
        door.come()
    assert (door.admitted, door.admission.waiting) == ([0, 1], 3)
    door.admission.offer(1)
    door.admission.offer(0)
    assert door.admitted == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (Limits(wait=0, queue=10), Reason.BUSY),
        (Limits(queue=0), Reason.BUSY),
        (Limits(wait=1, queue=1), Reason.QUEUE_FULL),
        (Limits(queue=1), Reason.QUEUE_FULL),
    ],
)
def test_who_may_not_wait_is_told_why(limits: Limits, reason: Reason) -> None:
    door = Door(limits, places=1)
    for _ in range(3):
        door.come()
    assert door.refused[-1] == (2, reason)
    assert door.admission.refusal() is reason


def test_whoever_waits_too_long_is_refused_and_the_next_may_come() -> None:
    door = Door(Limits(wait=5, queue=1), places=1)
    door.come()
    door.come()
    door.clock.now = 4.9
    door.admission.expire()
    assert (door.refused, door.admission.waiting) == ([], 1)
    door.clock.now = 5.0
    door.admission.expire()
    assert door.refused == [(1, Reason.QUEUE_TIMEOUT)]
    assert door.admission.refusal() is None


def test_a_place_that_comes_too_late_goes_to_the_next() -> None:
    door = Door(Limits(wait=5), places=1)
    door.come()
    door.come()
    door.clock.now = 3.0
    door.come()
    door.clock.now = 6.0
    door.admission.offer(0)
    assert (door.refused, door.admitted) == ([(1, Reason.QUEUE_TIMEOUT)], [0, 2])


def test_who_leaves_is_passed_over() -> None:
    door = Door(Limits(), places=1)
    door.come()
    door.admission.leave(door.come())
    door.come()
    door.admission.offer(0)
    assert (door.admitted, door.refused) == ([0, 2], [])


def test_a_place_that_is_withdrawn_is_given_to_nobody() -> None:
    door = Door(Limits(), places=3)
    door.admission.offer(1)  # a slot with two threads
    door.admission.withdraw(1)
    for _ in range(3):
        door.come()
    assert (door.admitted, door.admission.waiting) == ([0, 1], 1)


def test_all_who_wait_can_be_turned_away() -> None:
    door = Door(Limits())
    for _ in range(2):
        door.come()
    door.admission.turn_away(Reason.STARTING)
    assert door.refused == [(0, Reason.STARTING), (1, Reason.STARTING)]
    assert door.admission.waiting == 0


class AnyDay(RuleBasedStateMachine):
    """Requests come, go and run; slots come and die; time passes. The rules hold throughout."""

    waiting = Bundle("waiting")

    @initialize(
        wait=st.none() | st.integers(0, 5),
        queue=st.none() | st.integers(0, 4),
        places=st.integers(0, 3),
    )
    def open(self, wait: int | None, queue: int | None, places: int) -> None:
        self.limits = Limits(wait, queue)
        self.door = Door(self.limits, places)
        self.alive = set(range(places))
        self.newest_place = places
        self.guests: list[Guest] = []
        self.left: list[Guest] = []
        self.running: dict[int, Guest] = {}

    @rule(target=waiting)
    def come(self) -> object:
        free, waiting = self.door.admission.free, self.door.admission.waiting
        guest = self.door.come()
        self.guests.append(guest)
        if free:
            assert guest.place is not None, "a place is free, and it waits"
        elif 0 in (self.limits.wait, self.limits.queue):
            assert guest.refusal is Reason.BUSY
        elif self.limits.queue is not None and waiting >= self.limits.queue:
            assert guest.refusal is Reason.QUEUE_FULL
        else:
            assert guest.waits, "it may wait, and does not"
        return guest if guest.waits else multiple()

    @rule(guest=waiting)
    def leave(self, guest: Guest) -> None:
        self.door.admission.leave(guest)
        if guest.waits:
            self.left.append(guest)

    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        if self.running:
            place = data.draw(st.sampled_from(sorted(self.running)))
            del self.running[place]
            if place in self.alive:
                self.door.admission.offer(place)

    @rule(data=st.data())
    def die(self, data: st.DataObject) -> None:
        if self.alive:
            place = data.draw(st.sampled_from(sorted(self.alive)))
            self.alive.discard(place)
            self.running.pop(place, None)
            self.door.admission.withdraw(place)

    @rule()
    def start(self) -> None:
        self.newest_place += 1
        self.alive.add(self.newest_place)
        self.door.admission.offer(self.newest_place)

    @rule(seconds=st.integers(0, 4))
    def wait(self, seconds: int) -> None:
        self.door.clock.now += seconds
        self.door.admission.expire()

    @rule()
    def turn_away(self) -> None:
        self.door.admission.turn_away(Reason.STARTING)
        assert not self.still_waiting()

    def still_waiting(self) -> list[Guest]:
        return [guest for guest in self.guests if guest.waits and guest not in self.left]

    @invariant()
    def never_two_in_a_place_nor_one_in_a_dead_place(self) -> None:
        admitted = [guest for guest in self.guests if guest.place is not None]
        for guest in admitted:
            self.guests.remove(guest)
            assert guest.place in self.alive
            assert guest.place not in self.running, "two requests in one place"
            self.running[guest.place] = guest
        assert len(self.running) + self.door.admission.free == len(self.alive)

    @invariant()
    def nobody_waits_while_a_place_is_free(self) -> None:
        assert not (self.door.admission.free and self.door.admission.waiting)

    @invariant()
    def the_queue_is_who_waits_and_never_above_its_cap(self) -> None:
        assert self.door.admission.waiting == len(self.still_waiting())
        if self.limits.queue is not None:
            assert self.door.admission.waiting <= self.limits.queue

    @invariant()
    def nobody_waits_longer_than_allowed(self) -> None:
        if self.limits.wait is not None:
            oldest = self.door.clock.now - self.limits.wait
            assert all(guest.came > oldest for guest in self.still_waiting())

    @invariant()
    def they_are_admitted_in_the_order_in_which_they_came(self) -> None:
        assert self.door.admitted == sorted(self.door.admitted)

    @invariant()
    def who_left_is_told_nothing(self) -> None:
        assert all(guest.waits for guest in self.left)


TestAnyDay = AnyDay.TestCase


@given(st.lists(st.floats(0, 1e6), max_size=20), st.integers(0, 10**6), st.integers(0, 1000))
def test_when_to_try_again_is_always_a_sensible_number(
    measured: list[float], ahead: int, places: int
) -> None:
    pace = Pace()
    for seconds in measured:
        pace.note(seconds)
    assert 1 <= pace.retry_after(ahead, places) <= LONGEST


def test_when_to_try_again_follows_what_was_measured() -> None:
    pace = Pace()
    for _ in range(50):
        pace.note(4.0)
    assert (pace.retry_after(1, 1), pace.retry_after(11, 2), pace.retry_after(0, 2)) == (4, 22, 1)
    for _ in range(50):
        pace.note(0.1)
    assert pace.retry_after(11, 2) == 1


def test_deaths_in_a_row_are_repaired_more_and_more_slowly() -> None:
    restarts = Restarts(Clock())
    delays = [restarts.died() for _ in range(10)]
    assert delays == [0, 1, 2, 4, 8, 16, 32, LONGEST_DELAY, LONGEST_DELAY, LONGEST_DELAY]


def test_it_fails_after_too_many_deaths_and_recovers_by_an_answer() -> None:
    restarts = Restarts(Clock())
    seen = []
    for _ in range(TOO_OFTEN):
        seen.append(restarts.failing)
        restarts.started()
        restarts.died()
    assert seen == [False] * TOO_OFTEN
    assert restarts.failing
    restarts.started()
    restarts.answered()
    assert not restarts.failing
    assert restarts.died() == 0


def test_it_recovers_by_living_long_enough() -> None:
    clock = Clock()
    restarts = Restarts(clock)
    for _ in range(TOO_OFTEN):
        restarts.died()
    restarts.started()
    clock.now = STEADY - 1
    assert restarts.failing
    clock.now = STEADY
    assert not restarts.failing
