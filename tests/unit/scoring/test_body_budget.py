"""The budget of all bodies: never overdrawn, in order, no deadlock, all of it comes back."""

import gc
from collections.abc import Callable

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from fairlead_scoring.front.queue.body_budget import (
    PACE_CHECK_INTERVAL_S,
    PACE_GRACE_S,
    PACE_S,
    SMALL_BYTES,
    WAITING_SHARE,
    BodyBudget,
    BodyClaim,
    BodyOwner,
)

LIMIT = 10 * SMALL_BYTES


class Loop:
    """A clock, and what is to be called by it."""

    def __init__(self) -> None:
        self.now = 0.0
        self._due: list[tuple[float, Callable[[], None]]] = []

    def time(self) -> float:
        return self.now

    def call_later(self, delay_s: float, call: Callable[[], None]) -> None:
        self._due.append((self.now + delay_s, call))

    def run(self, seconds: float = 0.0) -> None:
        end = self.now + seconds
        while due := [one for one in self._due if one[0] <= end]:
            first = min(due, key=lambda one: one[0])
            self._due.remove(first)
            self.now = max(self.now, first[0])
            first[1]()
        self.now = end

    @property
    def pending(self) -> int:
        return len(self._due)


class Reader(BodyOwner):
    """What reads a body, and what it was told last."""

    def __init__(self, budget: BodyBudget) -> None:
        self.claim: BodyClaim | None = BodyClaim(budget, self)
        self.told = ""

    def ask(self, wanted: int, held: int = 1) -> bool:
        assert self.claim
        return self.claim.covers(wanted, held)

    def receive(self, size: int) -> None:
        assert self.claim
        self.claim.received += size

    def leave(self) -> None:
        if self.claim:
            self.claim.give_up()
        self.claim = None

    def on_room(self) -> None:
        self.told = "room"

    def on_no_room(self) -> None:
        self.told = "no room"
        self.leave()

    def on_too_slow(self) -> None:
        self.told = "too slow"
        self.leave()


@pytest.fixture
def loop() -> Loop:
    return Loop()


@pytest.fixture
def budget(loop: Loop) -> BodyBudget:
    return BodyBudget(LIMIT, loop.time, loop.call_later)


def test_a_body_waits_until_another_is_freed(loop: Loop, budget: BodyBudget) -> None:
    first, second = Reader(budget), Reader(budget)
    assert first.ask(LIMIT)
    assert not second.ask(LIMIT)
    assert first.claim
    first.receive(LIMIT)
    first.claim.complete()
    loop.run()
    assert (budget.used, budget.waiting, second.told) == (LIMIT, 1, "")
    body, first.claim = [first.claim], None
    body.clear()
    assert second.told == "", "not in the middle of whatever has freed it"
    loop.run()
    assert (budget.used, budget.waiting, second.told) == (LIMIT, 0, "room")


def test_what_was_announced_and_did_not_come_is_returned(budget: BodyBudget) -> None:
    reader = Reader(budget)
    assert reader.ask(LIMIT)
    assert reader.claim
    reader.receive(5)
    reader.claim.complete()
    assert budget.used == 5


def test_who_waits_is_served_in_order_and_the_small_pass_by(loop: Loop, budget: BodyBudget) -> None:
    holder, large, larger, small = (Reader(budget) for _ in range(4))
    assert holder.ask(LIMIT // 2)
    assert not large.ask(LIMIT // 2 + 1)
    assert not larger.ask(SMALL_BYTES + 1), "it would fit, but is not first"
    assert small.ask(SMALL_BYTES)
    small.leave()
    holder.leave()
    loop.run()
    assert (large.told, larger.told) == ("room", "room")


def test_a_body_that_grows_goes_before_those_that_have_not_begun(
    loop: Loop, budget: BodyBudget
) -> None:
    holder, growing, beginning = (Reader(budget) for _ in range(3))
    assert growing.ask(SMALL_BYTES)
    assert holder.ask(LIMIT - SMALL_BYTES)
    assert not beginning.ask(SMALL_BYTES)
    assert not growing.ask(LIMIT)
    holder.leave()
    loop.run()
    assert (growing.told, beginning.told) == ("room", "")


def test_a_deadlock_of_bodies_that_grow_ends_with_the_latest(
    loop: Loop, budget: BodyBudget
) -> None:
    first, second = Reader(budget), Reader(budget)
    assert first.ask(LIMIT // 2)
    assert second.ask(LIMIT // 2)
    assert not first.ask(LIMIT)
    loop.run()
    assert first.told == ""
    assert not second.ask(LIMIT)
    loop.run()
    assert (first.told, second.told) == ("room", "no room")


def test_those_that_wait_may_not_have_sent_much_already(loop: Loop, budget: BodyBudget) -> None:
    holder, patient, excessive = (Reader(budget) for _ in range(3))
    assert holder.ask(LIMIT)
    assert not patient.ask(LIMIT, held=LIMIT // WAITING_SHARE)
    loop.run()
    assert patient.told == ""
    assert not excessive.ask(LIMIT, held=1)
    loop.run()
    assert (patient.told, excessive.told) == ("", "no room")


def test_who_keeps_others_waiting_must_keep_pace(loop: Loop, budget: BodyBudget) -> None:
    stalled, steady, waiting = (Reader(budget) for _ in range(3))
    assert stalled.ask(LIMIT // 2)
    assert steady.ask(LIMIT // 2)
    loop.run(1000.0)
    assert stalled.told == "", "nobody waits"
    stalled.claim.restart_pace(loop.now) if stalled.claim else None
    steady.claim.restart_pace(loop.now) if steady.claim else None
    assert not waiting.ask(LIMIT // 2)
    for _ in range(int(PACE_S)):
        steady.receive(LIMIT // 2 // int(PACE_S))
        loop.run(1.0)
        if loop.now < 1000.0 + PACE_GRACE_S:
            assert stalled.told == ""
    assert (stalled.told, steady.told, waiting.told) == ("too slow", "", "room")


def test_nothing_is_checked_while_nobody_waits(loop: Loop, budget: BodyBudget) -> None:
    holder, waiting = Reader(budget), Reader(budget)
    assert holder.ask(LIMIT)
    assert not waiting.ask(LIMIT)
    waiting.leave()
    loop.run(2 * PACE_CHECK_INTERVAL_S)
    assert loop.pending == 0


class AnyOrder(RuleBasedStateMachine):
    """Bodies begin, grow, end, are given up and freed in any order."""

    readers = Bundle("readers")
    bodies = Bundle("bodies")

    def __init__(self) -> None:
        super().__init__()
        self.loop = Loop()
        self.budget = BodyBudget(LIMIT, self.loop.time, self.loop.call_later)
        self.all: list[Reader] = []
        self.held: list[list[BodyClaim]] = []

    @rule(target=readers, wanted=st.integers(1, LIMIT), held=st.integers(0, LIMIT // 10))
    def begin(self, wanted: int, held: int) -> Reader:
        reader = Reader(self.budget)
        if reader.ask(wanted, held):
            reader.told = "room"
        self.all.append(reader)
        return reader

    @rule(reader=readers, more=st.integers(1, LIMIT))
    def grow(self, reader: Reader, more: int) -> None:
        if reader.claim and reader.told == "room":
            wanted = min(LIMIT, reader.claim.size + more)
            reader.told = "room" if reader.ask(wanted) else ""

    @rule(reader=readers, size=st.integers(0, LIMIT))
    def receive(self, reader: Reader, size: int) -> None:
        if reader.claim and reader.told == "room":
            missing = reader.claim.size - reader.claim.received
            reader.receive(min(size, missing - 1))  # else it would be complete

    @rule(target=bodies, reader=consumes(readers))
    def complete(self, reader: Reader) -> list[BodyClaim]:
        claim = reader.claim
        if claim is None or reader.told != "room":
            reader.leave()
            return []
        claim.complete()
        reader.claim = None
        self.held.append([claim])
        return self.held[-1]

    @rule(body=consumes(bodies))
    def free(self, body: list[BodyClaim]) -> None:
        body.clear()

    @rule(reader=consumes(readers))
    def give_up(self, reader: Reader) -> None:
        reader.leave()

    @rule(seconds=st.floats(0, 2 * PACE_S))
    def wait(self, seconds: float) -> None:
        self.loop.run(seconds)

    @invariant()
    def is_never_overdrawn(self) -> None:
        assert 0 <= self.budget.used <= LIMIT

    @invariant()
    def what_is_claimed_is_counted(self) -> None:
        read = sum(one.claim.size for one in self.all if one.claim)
        held = sum(claim.size for body in self.held for claim in body)
        assert self.budget.used == read + held

    def teardown(self) -> None:
        """Whatever has happened: once the slots have taken the bodies nobody waits for long, and
        in the end nothing is used."""
        for body in self.held:
            body.clear()
        self.loop.run(100 * PACE_S)
        assert self.budget.waiting == 0
        for reader in self.all:
            reader.leave()
        assert self.budget.used == 0


TestAnyOrder = AnyOrder.TestCase


def test_all_of_it_comes_back(loop: Loop, budget: BodyBudget) -> None:
    readers = [Reader(budget) for _ in range(50)]
    for number, reader in enumerate(readers):
        reader.ask(LIMIT // 7 * (1 + number % 3))
    for reader in readers:
        reader.leave()
    loop.run(1.0)
    readers.clear()
    gc.collect()
    assert (budget.used, budget.waiting) == (0, 0)
