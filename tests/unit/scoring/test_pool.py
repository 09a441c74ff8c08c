"""The pool: never more than one request in a place, first come first served; the dead replaced."""

import asyncio
from collections.abc import Callable
from typing import cast

import pytest

from fairlead_scoring.front.admission import Limits, Reason
from fairlead_scoring.front.exchange import Answer, Exchange, NoAnswerError, Outcome
from fairlead_scoring.front.failure import StartFailedError
from fairlead_scoring.front.figures import Figures
from fairlead_scoring.front.messages import ClientGoneError
from fairlead_scoring.front.pool import Pool, RefusedError
from fairlead_scoring.front.slots import Slot

READY: dict[str, object] = {"type": "ready", "mode": "plain", "swagger": {}}
ANSWER: Answer = ({"type": "answer", "more": False}, b"answer")


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

    def ask(self, _request: object, body: bytes) -> Exchange:
        assert len(self.running) < self.threads, "more requests in a slot than it has threads"
        self.asked.append(body)
        self._order.append(body)
        self.running.append(Exchange(len(self.asked), self))
        return self.running[-1]

    async def stop(self, _grace: float) -> None:
        if self.usable:
            self.gone.set_result(Outcome.EXITED)

    def answer(self) -> None:
        exchange = self.running.pop(0)
        exchange.receive(*ANSWER)
        self.on_over(self, exchange)

    def die(self, outcome: Outcome = Outcome.KILLED) -> None:
        self.gone.set_result(outcome)
        while self.running:
            exchange = self.running.pop()
            exchange.fail(NoAnswerError(outcome))
            self.on_over(self, exchange)

    def pause(self) -> None: ...
    def resume(self) -> None: ...
    def cancel(self, exchange: Exchange) -> None: ...


class Client:
    """Somebody who waits for an answer, and may go away."""

    def __init__(self, stage: "Stage", body: bytes) -> None:
        self._leave: Callable[[], None] | None = None
        self.task = asyncio.create_task(self._ask(stage, body))

    def leave(self) -> None:
        assert self._leave, "it is not known whom to tell"
        self._leave()

    async def _ask(self, stage: "Stage", body: bytes) -> Answer:
        exchange = await stage.pool.ask({}, body, self._watch)
        return await exchange.answer

    def _watch(self, leave: Callable[[], None]) -> Callable[[], None]:
        self._leave = leave
        return lambda: None


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

    def ask(self, body: bytes) -> "asyncio.Task[Answer]":
        return Client(self, body).task

    async def refusal(self) -> Reason:
        with pytest.raises(RefusedError) as refused:
            await self.ask(b"refused")
        return refused.value.reason


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
    tasks = [stage.ask(bytes([number])) for number in range(20)]
    answered = 0
    while answered < len(tasks):
        await settled()
        busy = [slot for slot in stage.slots for _ in slot.running]
        assert len(busy) == min(size * threads, len(tasks) - answered)
        assert stage.pool.pending == len(tasks) - answered
        answered += len(busy)
        for slot in busy:
            slot.answer()
    assert stage.order == [bytes([number]) for number in range(20)]
    assert [await task for task in tasks] == [ANSWER] * 20
    await stage.pool.close()


async def test_it_is_ready_when_every_slot_is() -> None:
    stage = Stage(2, starting=True)
    await until(lambda: len(stage.slots) == 2)
    assert await stage.refusal() is Reason.STARTING
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
    await settled()
    stage.slots[0].die(Outcome.CRASHED)
    with pytest.raises(NoAnswerError, match="crashed"):
        await dying
    await until(lambda: len(stage.slots) == 2 and stage.slots[1].running)
    stage.slots[1].answer()
    assert await waiting == ANSWER
    assert stage.figures.restarts == {"crashed": 1}
    await stage.pool.close()


async def test_while_a_slot_is_replaced_requests_wait_for_it() -> None:
    stage = Stage(1)
    await until(lambda: stage.pool.ready)
    stage.starting = True
    stage.slots[0].die()
    await until(lambda: len(stage.slots) == 2)
    waiting = stage.ask(b"1")
    await settled()
    assert (stage.pool.serving, stage.pool.pending) == (False, 1)
    stage.slots[1].may_start.set()
    await until(lambda: stage.slots[1].running)
    stage.slots[1].answer()
    assert await waiting == ANSWER
    await stage.pool.close()


async def test_an_idle_slot_that_dies_is_not_given_out() -> None:
    stage = Stage(2)
    await until(lambda: stage.pool.ready)
    stage.starting = True
    stage.slots[0].die()
    await until(lambda: len(stage.slots) == 3)
    waiting = stage.ask(b"1")
    await settled()
    stage.slots[1].answer()
    assert await waiting == ANSWER
    await stage.pool.close()


async def test_when_no_slot_can_start_nobody_waits_in_vain() -> None:
    stage = Stage(1)
    await until(lambda: stage.pool.ready)
    stage.starting = True
    stage.slots[0].die()
    await until(lambda: len(stage.slots) == 2)
    waiting = stage.ask(b"1")
    await settled()
    stage.slots[1].fails = True
    stage.slots[1].may_start.set()
    with pytest.raises(RefusedError, match="starting"):
        await waiting
    with pytest.raises(StartFailedError):
        await stage.task
    await stage.pool.close()


async def test_as_long_as_a_slot_lives_the_queue_is_served() -> None:
    stage = Stage(2)
    await until(lambda: stage.pool.ready)
    tasks = [stage.ask(bytes([number])) for number in range(3)]
    await settled()
    stage.starting = True
    first, second = stage.slots
    first.die()
    await until(lambda: len(stage.slots) == 3)
    stage.slots[2].fails = True
    stage.slots[2].may_start.set()
    with pytest.raises(StartFailedError):
        await stage.task
    second.answer()
    await until(lambda: second.asked == [b"\x01", b"\x02"])
    second.answer()
    with pytest.raises(NoAnswerError):
        await tasks[0]
    assert [await task for task in tasks[1:]] == [ANSWER] * 2
    await stage.pool.close()


async def test_a_client_that_goes_away_is_not_served() -> None:
    stage = Stage(1)
    await until(lambda: stage.pool.ready)
    running, leaving, staying = (Client(stage, body) for body in (b"1", b"2", b"3"))
    await settled()
    leaving.leave()
    with pytest.raises(ClientGoneError):
        await leaving.task
    assert stage.pool.waiting == 1
    stage.slots[0].answer()
    await settled()
    stage.slots[0].answer()
    assert [await running.task, await staying.task] == [ANSWER] * 2
    assert stage.slots[0].asked == [b"1", b"3"]
    await stage.pool.close()


async def test_a_request_waits_no_longer_than_it_may() -> None:
    stage = Stage(1, Limits(wait=0.02, queue=1))
    await until(lambda: stage.pool.ready)
    running, waiting = stage.ask(b"1"), stage.ask(b"2")
    await settled()
    assert await stage.refusal() is Reason.QUEUE_FULL
    with pytest.raises(RefusedError, match="queue_timeout"):
        await waiting
    stage.slots[0].answer()
    assert await running == ANSWER
    await stage.pool.close()


async def test_slots_that_die_again_and_again_turn_it_red_until_one_answers() -> None:
    stage = Stage(1)
    await until(lambda: stage.pool.ready)
    restarts = stage.pool._restarts[0]
    for _ in range(4):  # the fifth is the pool's own
        restarts.died()
    stage.starting = True
    waiting = stage.ask(b"1")
    await settled()
    stage.slots[0].die()
    with pytest.raises(NoAnswerError):
        await waiting
    await until(lambda: stage.pool.failing)
    assert await stage.refusal() is Reason.STARTING
    await stage.pool.close()
