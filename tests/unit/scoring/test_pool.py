"""The pool: never more than one request in a place, first come first served; the dead replaced."""

import asyncio
from collections.abc import Callable
from typing import cast

import pytest

from fairlead_scoring.front.metrics import Figures
from fairlead_scoring.front.queue.admission import Limits, Reason, Turn
from fairlead_scoring.front.slots.in_flight import Asker, Exchange, Outcome
from fairlead_scoring.front.slots.pool import Pool
from fairlead_scoring.front.slots.restart_backoff import TOO_OFTEN
from fairlead_scoring.front.slots.slot import Slot
from fairlead_scoring.front.slots.startup import StartFailedError

READY: dict[str, object] = {"type": "ready", "mode": "plain", "swagger": {}}
ANSWER = {"type": "answer", "more": False}


class ScriptedSlot:
    """In a slot's place: it answers when the test says so, and checks how much it is asked."""

    threads = 1
    start_seconds = 0.5
    last_words = "ended"

    def __init__(self, order: list[bytes]) -> None:
        loop = asyncio.get_running_loop()
        self.may_start = asyncio.Event()
        self.gone: asyncio.Future[Outcome] = loop.create_future()
        self.fails = False
        self.running: list[Exchange] = []
        self.asked: list[bytes] = []
        self._order = order
        self.on_over: Callable[[ScriptedSlot, Exchange], None] = lambda _slot, _exchange: None
        self.on_lost: Callable[[ScriptedSlot], None] = lambda _slot: None

    @property
    def usable(self) -> bool:
        return not self.gone.done()

    @property
    def busy(self) -> int:
        return len(self.running)

    async def ready(self) -> dict[str, object]:
        await self.may_start.wait()
        if self.fails:
            raise StartFailedError({"message": "no"})
        return READY

    def ask(self, _request: object, body: bytes, asker: Asker) -> Exchange:
        assert len(self.running) < self.threads, "more requests in a slot than it has threads"
        self.asked.append(body)
        self._order.append(body)
        self.running.append(Exchange(len(self.asked), asker))
        return self.running[-1]

    async def idle(self) -> None:
        while self.running:
            await asyncio.sleep(0)

    async def stop(self, _grace: float) -> None:
        if self.usable:
            self.gone.set_result(Outcome.EXITED)

    def answer(self) -> None:
        exchange = self.running.pop(0)
        exchange.receive(ANSWER, b"answer")
        self.on_over(self, exchange)

    def die(self, outcome: Outcome = Outcome.KILLED) -> None:
        self.gone.set_result(outcome)
        while self.running:
            exchange = self.running.pop()
            exchange.fail(outcome)
            self.on_over(self, exchange)


class Visit(Turn[Slot]):
    """Somebody who wants an answer; ``told`` is what came of it."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self.told: object = None

    def admit(self, place: Slot) -> None:
        place.ask({}, self._body, self)

    def refuse(self, reason: Reason) -> None:
        self._tell(reason)

    def answered(self, _head: object, body: bytes) -> None:
        self._tell(body)

    def unanswered(self, outcome: Outcome) -> None:
        self._tell(outcome)

    def chunk(self, body: bytes, *, more: bool) -> None:
        raise AssertionError((body, more))

    def broken_off(self) -> None:
        raise AssertionError

    def _tell(self, told: object) -> None:
        assert self.told is None, "told twice"
        self.told = told


class Stage:
    """A pool over scripted slots."""

    def __init__(
        self, size: int, limits: Limits | None = None, *, starting: bool = False, threads: int = 1
    ) -> None:
        self.slots: list[ScriptedSlot] = []
        self.order: list[bytes] = []  # of all that the slots were asked
        self.starting = starting
        self.figures = Figures()
        self._threads = threads
        self.pool = Pool(size, limits or Limits(), self._spawn, self.figures)
        self.task = asyncio.create_task(self.pool.run())

    async def _spawn(self) -> Slot:
        slot = ScriptedSlot(self.order)
        slot.threads = self._threads
        self.slots.append(slot)
        if not self.starting:
            slot.may_start.set()
        return cast(Slot, slot)

    def ask(self, body: bytes) -> Visit:
        visit = Visit(body)
        self.pool.enter(visit)
        return visit


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not holds():
            await asyncio.sleep(0)


async def settled() -> None:
    """Let everything happen that can happen without us."""
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.mark.parametrize(("size", "threads"), [(1, 1), (3, 1), (1, 3)])
async def test_requests_are_started_in_order_one_a_place(size: int, threads: int) -> None:
    stage = Stage(size, threads=threads)
    await until(lambda: stage.pool.ready)
    visits = [stage.ask(bytes([number])) for number in range(20)]
    answered = 0
    while answered < len(visits):
        busy = [slot for slot in stage.slots for _ in slot.running]
        assert len(busy) == min(size * threads, len(visits) - answered)
        assert stage.pool.pending == len(visits) - answered
        answered += len(busy)
        for slot in busy:
            slot.answer()
    assert stage.order == [bytes([number]) for number in range(20)]
    assert [visit.told for visit in visits] == [b"answer"] * 20
    await stage.pool.close()


async def test_it_is_ready_when_every_slot_is() -> None:
    stage = Stage(2, starting=True)
    await until(lambda: len(stage.slots) == 2)
    assert stage.ask(b"early").told is Reason.STARTING
    seen = [(stage.pool.serving, stage.pool.ready)]
    for slot in stage.slots:
        slot.may_start.set()
        await settled()
        seen.append((stage.pool.serving, stage.pool.ready))
    assert seen == [(False, False), (True, False), (True, True)]
    await stage.pool.close()


async def test_a_dead_slot_fails_its_request_alone_and_is_replaced() -> None:
    stage = Stage(1)
    await until(lambda: stage.pool.ready)
    dying, waiting = stage.ask(b"1"), stage.ask(b"2")
    stage.slots[0].die(Outcome.CRASHED)
    assert (dying.told, waiting.told) == (Outcome.CRASHED, None)
    await until(lambda: len(stage.slots) == 2 and stage.slots[1].running)
    stage.slots[1].answer()
    assert waiting.told == b"answer"
    assert stage.figures.restarts == {"crashed": 1}
    await stage.pool.close()


async def test_while_a_slot_is_replaced_requests_wait_for_it() -> None:
    stage = Stage(1)
    await until(lambda: stage.pool.ready)
    stage.starting = True
    stage.slots[0].die()
    await until(lambda: len(stage.slots) == 2)
    waiting = stage.ask(b"1")
    assert (stage.pool.serving, stage.pool.pending) == (False, 1)
    stage.slots[1].may_start.set()
    await until(lambda: stage.slots[1].running)
    stage.slots[1].answer()
    assert waiting.told == b"answer"
    await stage.pool.close()


async def test_an_idle_slot_that_dies_is_not_given_out() -> None:
    stage = Stage(2)
    await until(lambda: stage.pool.ready)
    stage.starting = True
    stage.slots[0].die()
    await until(lambda: len(stage.slots) == 3)
    asked = stage.ask(b"1")
    stage.slots[1].answer()
    assert asked.told == b"answer"
    await stage.pool.close()


async def test_when_no_slot_can_start_nobody_waits_in_vain() -> None:
    stage = Stage(1)
    await until(lambda: stage.pool.ready)
    stage.starting = True
    stage.slots[0].die()
    await until(lambda: len(stage.slots) == 2)
    waiting = stage.ask(b"1")
    stage.slots[1].fails = True
    stage.slots[1].may_start.set()
    with pytest.raises(StartFailedError):
        await stage.task
    assert waiting.told is Reason.STARTING
    await stage.pool.close()


async def test_as_long_as_a_slot_lives_the_queue_is_served() -> None:
    stage = Stage(2)
    await until(lambda: stage.pool.ready)
    visits = [stage.ask(bytes([number])) for number in range(3)]
    stage.starting = True
    first, second = stage.slots
    first.die()
    await until(lambda: len(stage.slots) == 3)
    stage.slots[2].fails = True
    stage.slots[2].may_start.set()
    with pytest.raises(StartFailedError):
        await stage.task
    second.answer()
    second.answer()
    assert second.asked == [b"\x01", b"\x02"]
    assert [visit.told for visit in visits] == [Outcome.KILLED, b"answer", b"answer"]
    await stage.pool.close()


async def test_who_leaves_is_not_served() -> None:
    stage = Stage(1)
    await until(lambda: stage.pool.ready)
    running, leaving, staying = (stage.ask(body) for body in (b"1", b"2", b"3"))
    stage.pool.leave(leaving)
    assert stage.pool.waiting == 1
    stage.slots[0].answer()
    stage.slots[0].answer()
    assert [visit.told for visit in (running, leaving, staying)] == [b"answer", None, b"answer"]
    assert stage.slots[0].asked == [b"1", b"3"]
    await stage.pool.close()


async def test_each_waits_no_longer_than_it_may() -> None:
    stage = Stage(1, Limits(wait=0.02, queue=2))
    await until(lambda: stage.pool.ready)
    stage.ask(b"1")
    first = stage.ask(b"2")
    second = stage.ask(b"3")
    assert stage.ask(b"4").told is Reason.QUEUE_FULL
    await until(lambda: second.told)
    assert (first.told, second.told) == (Reason.QUEUE_TIMEOUT, Reason.QUEUE_TIMEOUT)
    last = stage.ask(b"5")
    await until(lambda: last.told)
    assert last.told is Reason.QUEUE_TIMEOUT
    await stage.pool.close()


async def test_a_slot_that_dies_again_and_again_turns_it_red_until_it_answers() -> None:
    stage = Stage(1)
    await until(lambda: stage.pool.ready)
    for _ in range(TOO_OFTEN - 1):
        stage.pool._restarts[0].died()
    dying, waiting = stage.ask(b"1"), stage.ask(b"2")
    stage.slots[0].die()
    await until(lambda: stage.pool.failing)
    assert (dying.told, waiting.told) == (Outcome.KILLED, Reason.STARTING)
    assert stage.ask(b"3").told is Reason.STARTING
    stage.pool._restarts[0].answered()
    assert not stage.pool.failing
    await stage.pool.close()


async def test_a_time_out_is_no_death_of_the_slots_own() -> None:
    stage = Stage(1)
    for _ in range(TOO_OFTEN + 1):
        await until(lambda: stage.pool.ready and stage.slots[-1].usable)
        stage.slots[-1].die(Outcome.TIMEOUT)
    await until(lambda: stage.pool.ready and stage.slots[-1].usable)
    assert not stage.pool.failing
    assert stage.figures.restarts == {"timeout": TOO_OFTEN + 1}
    await stage.pool.close()


async def test_an_idle_slot_whose_pipe_is_lost_is_not_given_out() -> None:
    stage = Stage(1)
    await until(lambda: stage.pool.ready)
    stage.slots[0].on_lost(stage.slots[0])
    waiting = stage.ask(b"1")
    stage.slots[0].die()
    await until(lambda: len(stage.slots) == 2 and stage.slots[1].running)
    stage.slots[1].answer()
    assert waiting.told == b"answer"
    await stage.pool.close()


async def test_new_slots_take_over_and_the_old_ones_finish_what_they_have() -> None:
    stage = Stage(1)
    await until(lambda: stage.pool.ready)
    running, waiting = stage.ask(b"1"), stage.ask(b"2")
    assert await stage.pool.replace() is None
    old, new = stage.slots
    assert (old.asked, new.asked, stage.pool.ready) == ([b"1"], [b"2"], True)
    await settled()
    assert old.usable
    old.answer()
    new.answer()
    await until(lambda: not old.usable)
    assert (running.told, waiting.told) == (b"answer", b"answer")
    new.die()
    await until(lambda: len(stage.slots) == 3 and stage.pool.ready)
    assert stage.figures.restarts == {"killed": 1}
    await stage.pool.close()


async def test_if_a_new_slot_does_not_start_the_old_ones_go_on() -> None:
    stage = Stage(2)
    await until(lambda: stage.pool.ready)
    stage.starting = True
    replacing = asyncio.create_task(stage.pool.replace())
    await until(lambda: len(stage.slots) == 4)
    stage.slots[2].may_start.set()
    stage.slots[3].fails = True
    stage.slots[3].may_start.set()
    assert await replacing == {"message": "no"}
    assert [slot.usable for slot in stage.slots] == [True, True, False, False]
    asked = stage.ask(b"1")
    next(slot for slot in stage.slots if slot.running).answer()
    assert asked.told == b"answer"
    await stage.pool.close()
