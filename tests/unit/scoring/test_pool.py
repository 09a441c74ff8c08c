"""The pool: never more than one request in a place, first come first served; the dead replaced."""

import asyncio
from collections.abc import Callable
from typing import cast

import pytest

from fairlead_scoring.front.config.settings import QueueLimits
from fairlead_scoring.front.metrics import Metrics
from fairlead_scoring.front.queue.admission import QueueEntry, RejectionReason
from fairlead_scoring.front.slots.in_flight import AnswerListener, InFlightRequest, Outcome
from fairlead_scoring.front.slots.pool import MAX_SPAWN_FAILURES, SlotPool
from fairlead_scoring.front.slots.restart_backoff import MAX_CONSECUTIVE_EXITS, RestartBackoff
from fairlead_scoring.front.slots.slot import Slot
from fairlead_scoring.front.slots.startup import SpawnError, StartFailedError

READY: dict[str, object] = {"type": "ready", "mode": "plain", "swagger": {}}
ANSWER = {"type": "answer", "more": False}


class ScriptedSlot:
    """In a slot's place: it answers when the test says so, and checks how much it is asked."""

    threads = 1
    start_s = 0.5
    exit_description = "ended"

    def __init__(self, order: list[bytes]) -> None:
        loop = asyncio.get_running_loop()
        self.may_start = asyncio.Event()
        self.exited: asyncio.Future[Outcome] = loop.create_future()
        self.fails = False
        self.running: list[InFlightRequest] = []
        self.asked: list[bytes] = []
        self._order = order
        self.on_request_done: Callable[[ScriptedSlot, InFlightRequest], None] = (
            lambda _slot, _request: None
        )
        self.on_pipe_closed: Callable[[ScriptedSlot], None] = lambda _slot: None

    @property
    def usable(self) -> bool:
        return not self.exited.done()

    @property
    def busy(self) -> int:
        return len(self.running)

    async def ready(self) -> dict[str, object]:
        await self.may_start.wait()
        if self.fails:
            raise StartFailedError({"message": "no"})
        return READY

    def send(self, _head: object, body: bytes, listener: AnswerListener) -> InFlightRequest:
        assert len(self.running) < self.threads, "more requests in a slot than it has threads"
        self.asked.append(body)
        self._order.append(body)
        self.running.append(InFlightRequest(len(self.asked), listener))
        return self.running[-1]

    async def idle(self) -> None:
        while self.running:
            await asyncio.sleep(0)

    async def stop(self, _grace_s: float) -> None:
        if self.usable:
            self.exited.set_result(Outcome.EXITED)

    def answer(self) -> None:
        request = self.running.pop(0)
        request.receive(ANSWER, b"answer")
        self.on_request_done(self, request)

    def die(self, outcome: Outcome = Outcome.KILLED) -> None:
        self.exited.set_result(outcome)
        while self.running:
            request = self.running.pop()
            request.fail(outcome)
            self.on_request_done(self, request)


class Caller(QueueEntry[Slot]):
    """Somebody who wants an answer; ``told`` is what came of it."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self.told: object = None

    def on_admitted(self, place: Slot) -> None:
        place.send({}, self._body, self)

    def on_rejected(self, reason: RejectionReason) -> None:
        self._tell(reason)

    def on_answer(self, _head: object, body: bytes) -> None:
        self._tell(body)

    def on_failure(self, outcome: Outcome) -> None:
        self._tell(outcome)

    def on_chunk(self, body: bytes, *, more: bool) -> None:
        raise AssertionError((body, more))

    def on_abort(self) -> None:
        raise AssertionError

    def _tell(self, told: object) -> None:
        assert self.told is None, "told twice"
        self.told = told


class Scenario:
    """A pool over scripted slots."""

    def __init__(
        self,
        size: int,
        limits: QueueLimits | None = None,
        *,
        starting: bool = False,
        threads: int = 1,
    ) -> None:
        self.slots: list[ScriptedSlot] = []
        self.order: list[bytes] = []  # of all that the slots were asked
        self.starting = starting
        self.missing = 0  # how often no process can be started
        self.metrics = Metrics()
        self._threads = threads
        self.pool = SlotPool(size, limits or QueueLimits(), self._spawn, self.metrics)
        self.task = asyncio.create_task(self.pool.run())

    async def _spawn(self) -> Slot:
        if self.missing:
            self.missing -= 1
            raise SpawnError({"message": "no python"})
        slot = ScriptedSlot(self.order)
        slot.threads = self._threads
        self.slots.append(slot)
        if not self.starting:
            slot.may_start.set()
        return cast(Slot, slot)

    def ask(self, body: bytes) -> Caller:
        caller = Caller(body)
        self.pool.enqueue(caller)
        return caller


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not holds():
            await asyncio.sleep(0)


async def settled() -> None:
    """Let everything happen that can happen without us."""
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.mark.parametrize(("size", "threads"), [(1, 1), (3, 1), (1, 3)])
async def test_requests_are_started_in_order_one_a_place(size: int, threads: int) -> None:
    scenario = Scenario(size, threads=threads)
    await until(lambda: scenario.pool.ready)
    callers = [scenario.ask(bytes([number])) for number in range(20)]
    answered = 0
    while answered < len(callers):
        busy = [slot for slot in scenario.slots for _ in slot.running]
        assert len(busy) == min(size * threads, len(callers) - answered)
        assert scenario.pool.pending == len(callers) - answered
        answered += len(busy)
        for slot in busy:
            slot.answer()
    assert scenario.order == [bytes([number]) for number in range(20)]
    assert [caller.told for caller in callers] == [b"answer"] * 20
    await scenario.pool.close()


async def test_it_is_ready_when_every_slot_is() -> None:
    scenario = Scenario(2, starting=True)
    await until(lambda: len(scenario.slots) == 2)
    early = scenario.ask(b"early")
    assert early.told is None, "it waits"
    seen = [(scenario.pool.serving, scenario.pool.ready)]
    for slot in scenario.slots:
        slot.may_start.set()
        await settled()
        seen.append((scenario.pool.serving, scenario.pool.ready))
    assert seen == [(False, False), (True, False), (True, True)]
    await scenario.pool.close()


async def test_a_dead_slot_fails_its_request_alone_and_is_replaced() -> None:
    scenario = Scenario(1)
    await until(lambda: scenario.pool.ready)
    dying, waiting = scenario.ask(b"1"), scenario.ask(b"2")
    scenario.slots[0].die(Outcome.CRASHED)
    assert (dying.told, waiting.told) == (Outcome.CRASHED, None)
    await until(lambda: len(scenario.slots) == 2 and scenario.slots[1].running)
    scenario.slots[1].answer()
    assert waiting.told == b"answer"
    assert scenario.metrics.slot_restarts == {"crashed": 1}
    await scenario.pool.close()


async def test_while_a_slot_is_replaced_requests_wait_for_it() -> None:
    scenario = Scenario(1)
    await until(lambda: scenario.pool.ready)
    scenario.starting = True
    scenario.slots[0].die()
    await until(lambda: len(scenario.slots) == 2)
    waiting = scenario.ask(b"1")
    assert (scenario.pool.serving, scenario.pool.pending) == (False, 1)
    scenario.slots[1].may_start.set()
    await until(lambda: scenario.slots[1].running)
    scenario.slots[1].answer()
    assert waiting.told == b"answer"
    await scenario.pool.close()


async def test_an_idle_slot_that_dies_is_not_given_out() -> None:
    scenario = Scenario(2)
    await until(lambda: scenario.pool.ready)
    scenario.starting = True
    scenario.slots[0].die()
    await until(lambda: len(scenario.slots) == 3)
    asked = scenario.ask(b"1")
    scenario.slots[1].answer()
    assert asked.told == b"answer"
    await scenario.pool.close()


async def test_when_no_slot_can_start_nobody_waits_in_vain() -> None:
    scenario = Scenario(1)
    await until(lambda: scenario.pool.ready)
    scenario.starting = True
    scenario.slots[0].die()
    await until(lambda: len(scenario.slots) == 2)
    waiting = scenario.ask(b"1")
    scenario.slots[1].fails = True
    scenario.slots[1].may_start.set()
    with pytest.raises(StartFailedError):
        await scenario.task
    assert waiting.told is RejectionReason.STARTING
    await scenario.pool.close()


async def test_as_long_as_a_slot_lives_the_queue_is_served() -> None:
    scenario = Scenario(2)
    await until(lambda: scenario.pool.ready)
    callers = [scenario.ask(bytes([number])) for number in range(3)]
    scenario.starting = True
    first, second = scenario.slots
    first.die()
    await until(lambda: len(scenario.slots) == 3)
    scenario.slots[2].fails = True
    scenario.slots[2].may_start.set()
    with pytest.raises(StartFailedError):
        await scenario.task
    second.answer()
    second.answer()
    assert second.asked == [b"\x01", b"\x02"]
    assert [caller.told for caller in callers] == [Outcome.KILLED, b"answer", b"answer"]
    await scenario.pool.close()


async def test_when_no_process_can_be_started_it_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RestartBackoff, "record_exit", lambda _: 0.0)
    scenario = Scenario(1, starting=True)
    scenario.missing = MAX_SPAWN_FAILURES
    with pytest.raises(StartFailedError, match="no python"):
        await scenario.task
    await scenario.pool.close()


async def test_as_long_as_a_slot_serves_it_goes_on_trying(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RestartBackoff, "record_exit", lambda _: 0.0)
    scenario = Scenario(2)
    await until(lambda: scenario.pool.ready)
    scenario.missing = MAX_SPAWN_FAILURES + 2
    scenario.slots[0].die()
    await until(lambda: len(scenario.slots) == 3 and scenario.pool.ready)
    assert scenario.missing == 0
    await scenario.pool.close()


async def test_who_leaves_is_not_served() -> None:
    scenario = Scenario(1)
    await until(lambda: scenario.pool.ready)
    running, leaving, staying = (scenario.ask(body) for body in (b"1", b"2", b"3"))
    scenario.pool.cancel(leaving)
    assert scenario.pool.waiting == 1
    scenario.slots[0].answer()
    scenario.slots[0].answer()
    assert [caller.told for caller in (running, leaving, staying)] == [b"answer", None, b"answer"]
    assert scenario.slots[0].asked == [b"1", b"3"]
    await scenario.pool.close()


async def test_each_waits_no_longer_than_it_may() -> None:
    scenario = Scenario(1, QueueLimits(max_wait_s=0.02, max_entries=2))
    await until(lambda: scenario.pool.ready)
    scenario.ask(b"1")
    first = scenario.ask(b"2")
    second = scenario.ask(b"3")
    assert scenario.ask(b"4").told is RejectionReason.QUEUE_FULL
    await until(lambda: second.told)
    assert (first.told, second.told) == (
        RejectionReason.QUEUE_TIMEOUT,
        RejectionReason.QUEUE_TIMEOUT,
    )
    last = scenario.ask(b"5")
    await until(lambda: last.told)
    assert last.told is RejectionReason.QUEUE_TIMEOUT
    await scenario.pool.close()


async def test_a_slot_that_dies_again_and_again_turns_it_red_until_it_answers() -> None:
    scenario = Scenario(1)
    await until(lambda: scenario.pool.ready)
    for _ in range(MAX_CONSECUTIVE_EXITS - 1):
        scenario.pool._backoffs[0].record_exit()
    dying, waiting = scenario.ask(b"1"), scenario.ask(b"2")
    scenario.slots[0].die()
    await until(lambda: scenario.pool.failing)
    assert (dying.told, waiting.told) == (Outcome.KILLED, RejectionReason.STARTING)
    assert scenario.ask(b"3").told is RejectionReason.STARTING
    back_off_s, init_s = 8, 1
    assert scenario.pool.retry_after_s(RejectionReason.STARTING) == back_off_s + init_s
    scenario.pool._backoffs[0].reset()
    assert not scenario.pool.failing
    await scenario.pool.close()


async def test_a_time_out_is_no_death_of_the_slots_own() -> None:
    scenario = Scenario(1)
    for _ in range(MAX_CONSECUTIVE_EXITS + 1):
        await until(lambda: scenario.pool.ready and scenario.slots[-1].usable)
        scenario.slots[-1].die(Outcome.TIMEOUT)
    await until(lambda: scenario.pool.ready and scenario.slots[-1].usable)
    assert not scenario.pool.failing
    assert scenario.metrics.slot_restarts == {"timeout": MAX_CONSECUTIVE_EXITS + 1}
    await scenario.pool.close()


async def test_an_idle_slot_whose_pipe_is_lost_is_not_given_out() -> None:
    scenario = Scenario(1)
    await until(lambda: scenario.pool.ready)
    scenario.slots[0].on_pipe_closed(scenario.slots[0])
    waiting = scenario.ask(b"1")
    scenario.slots[0].die()
    await until(lambda: len(scenario.slots) == 2 and scenario.slots[1].running)
    scenario.slots[1].answer()
    assert waiting.told == b"answer"
    await scenario.pool.close()


async def test_new_slots_take_over_and_the_old_ones_finish_what_they_have() -> None:
    scenario = Scenario(1)
    await until(lambda: scenario.pool.ready)
    running, waiting = scenario.ask(b"1"), scenario.ask(b"2")
    assert await scenario.pool.replace() is None
    old, new = scenario.slots
    assert (old.asked, new.asked, scenario.pool.ready) == ([b"1"], [b"2"], True)
    await settled()
    assert old.usable
    old.answer()
    new.answer()
    await until(lambda: not old.usable)
    assert (running.told, waiting.told) == (b"answer", b"answer")
    new.die()
    await until(lambda: len(scenario.slots) == 3 and scenario.pool.ready)
    assert scenario.metrics.slot_restarts == {"killed": 1}
    await scenario.pool.close()


async def test_if_a_new_slot_does_not_start_the_old_ones_go_on() -> None:
    scenario = Scenario(2)
    await until(lambda: scenario.pool.ready)
    scenario.starting = True
    replacing = asyncio.create_task(scenario.pool.replace())
    await until(lambda: len(scenario.slots) == 4)
    scenario.slots[2].may_start.set()
    scenario.slots[3].fails = True
    scenario.slots[3].may_start.set()
    assert await replacing == {"message": "no"}
    assert [slot.usable for slot in scenario.slots] == [True, True, False, False]
    asked = scenario.ask(b"1")
    next(slot for slot in scenario.slots if slot.running).answer()
    assert asked.told == b"answer"
    await scenario.pool.close()
