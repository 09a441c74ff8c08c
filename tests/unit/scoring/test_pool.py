"""Admission: never more than one request in a slot, first come first served."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest

from fairlead_scoring.front.failure import StartFailedError
from fairlead_scoring.front.pool import NoSlotError, Pool
from fairlead_scoring.front.process import Slot, SlotGoneError


class ScriptedSlot:
    """In a slot's place: it answers when the test says so, and checks that it is asked singly."""

    def __init__(self) -> None:
        self.may_start, self.gone = asyncio.Event(), asyncio.Event()
        self.fails = False
        self.running: asyncio.Future[bytes] | None = None
        self.asked: list[bytes] = []

    async def ready(self) -> None:
        await self.may_start.wait()
        if self.fails:
            raise StartFailedError({"message": "no"})

    async def score(self, _request: object, body: bytes) -> tuple[dict[str, Any], bytes]:
        assert self.running is None, "two requests in one slot"
        self.asked.append(body)
        self.running = asyncio.get_running_loop().create_future()
        try:
            return {}, await self.running
        finally:
            self.running = None

    async def stop(self, _grace: float) -> str:
        return "ended"

    def answer(self) -> None:
        assert self.running
        self.running.set_result(b"answer")

    def die(self) -> None:
        self.gone.set()
        if self.running:
            self.running.set_exception(SlotGoneError())


class Stage:
    """A pool over scripted slots."""

    def __init__(self, size: int, *, starting: bool = False) -> None:
        self.slots: list[ScriptedSlot] = []
        self._starting = starting
        self.pool = Pool(size, self._spawn)
        self.task = asyncio.create_task(self.pool.run())

    async def _spawn(self) -> Slot:
        slot = ScriptedSlot()
        self.slots.append(slot)
        if not self._starting:
            slot.may_start.set()
        return cast(Slot, slot)

    def ask(self, body: bytes) -> "asyncio.Task[tuple[dict[str, Any], bytes]]":
        return asyncio.create_task(self.pool.score({}, body))


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not holds():
            await asyncio.sleep(0)


async def settled() -> None:
    """Let everything happen that can happen without us."""
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.mark.parametrize("size", [1, 3])
async def test_requests_are_started_in_order_one_a_slot(size: int) -> None:
    stage = Stage(size)
    await until(lambda: stage.pool.ready)
    tasks = [stage.ask(bytes([number])) for number in range(20)]
    asked: list[bytes] = []
    while len(asked) < len(tasks):
        await settled()
        busy = [slot for slot in stage.slots if slot.running]
        assert len(busy) == min(size, len(tasks) - len(asked))
        assert stage.pool.pending == len(tasks) - len(asked)
        asked += sorted(slot.asked[-1] for slot in busy)
        for slot in busy:
            slot.answer()
    assert asked == [bytes([number]) for number in range(20)]
    assert [await task for task in tasks] == [({}, b"answer")] * 20
    await stage.pool.close()


async def test_it_is_ready_when_every_slot_is() -> None:
    stage = Stage(2, starting=True)
    await until(lambda: len(stage.slots) == 2)
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
    stage.slots[0].die()
    with pytest.raises(SlotGoneError):
        await dying
    await until(lambda: len(stage.slots) == 2 and stage.slots[1].running)
    stage.slots[1].answer()
    assert await waiting == ({}, b"answer")
    await stage.pool.close()


async def test_an_idle_slot_that_dies_is_not_given_out() -> None:
    stage = Stage(1, starting=True)
    await until(lambda: stage.slots)
    stage.slots[0].may_start.set()
    await until(lambda: stage.pool.ready)
    stage.slots[0].die()
    await until(lambda: len(stage.slots) == 2)
    assert (stage.pool.serving, stage.pool.pending) == (False, 0)
    await stage.pool.close()


async def test_when_no_slot_can_start_nobody_waits_in_vain() -> None:
    stage = Stage(1, starting=True)
    await until(lambda: stage.slots)
    waiting = stage.ask(b"1")
    await settled()
    stage.slots[0].fails = True
    stage.slots[0].may_start.set()
    with pytest.raises(NoSlotError):
        await waiting
    with pytest.raises(StartFailedError):
        await stage.task
    await stage.pool.close()


async def test_as_long_as_a_slot_lives_the_queue_is_served() -> None:
    stage = Stage(2)
    await until(lambda: stage.pool.ready)
    tasks = [stage.ask(bytes([number])) for number in range(3)]
    await settled()
    stage._starting = True
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
    with pytest.raises(SlotGoneError):
        await tasks[0]
    assert [await task for task in tasks[1:]] == [({}, b"answer")] * 2
    await stage.pool.close()
