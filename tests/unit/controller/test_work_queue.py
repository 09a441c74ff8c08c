import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from fairlead.controller import work_queue
from fairlead.controller.work_queue import WorkQueue


@dataclass(frozen=True)
class Key:
    namespace: str
    name: str = "x"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work_queue, "MIN_INTERVAL_S", 0.02)


async def taken(queue: WorkQueue[Key]) -> Key:
    async with asyncio.timeout(60):
        return await queue.get()


async def drained(queue: WorkQueue[Key]) -> list[Key]:
    found = []
    while len(queue):
        found.append(await taken(queue))
        queue.done(found[-1])
    return found


async def test_a_key_that_waits_is_there_once() -> None:
    queue = WorkQueue[Key]()
    for _ in range(3):
        queue.add(Key("a"))
    assert await drained(queue) == [Key("a")]


async def test_a_key_that_is_added_while_it_is_reconciled_comes_again_and_never_twice_at_once() -> (
    None
):
    queue = WorkQueue[Key]()
    queue.add(Key("a"))
    key = await taken(queue)
    queue.add(key)
    queue.add(key)
    assert len(queue) == 0
    queue.done(key)
    assert await taken(queue) == key
    queue.done(key)
    assert len(queue) == 0


async def test_namespaces_take_turns() -> None:
    queue = WorkQueue[Key]()
    for number in range(100):
        queue.add(Key("crowd", str(number)))
    queue.add(Key("one"))
    order = await drained(queue)
    assert order.index(Key("one")) <= 1
    assert Counter(key.namespace for key in order) == {"crowd": 100, "one": 1}


async def test_no_namespace_takes_all_workers_and_what_it_cannot_have_now_comes_later() -> None:
    queue = WorkQueue[Key]()
    crowd = [Key("crowd", str(number)) for number in range(work_queue.NAMESPACE_SHARE + 1)]
    for key in crowd:
        queue.add(key, urgent=True)
    for key in crowd[:-1]:
        assert await taken(queue) == key
    waiting = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    assert not waiting.done()
    queue.add(Key("one"))
    assert await asyncio.wait_for(waiting, 60) == Key("one")
    last = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    assert not last.done()
    queue.done(crowd[0])
    assert await asyncio.wait_for(last, 60) == crowd[-1]


async def test_what_is_urgent_comes_first_and_the_rest_is_not_starved() -> None:
    queue = WorkQueue[Key]()
    for number in range(20):
        queue.add(Key("told", str(number)))
        queue.add(Key("new", str(number)), urgent=True)
    order = [key.namespace for key in await drained(queue)]
    assert order[: work_queue.URGENT_TURNS] == ["new"] * work_queue.URGENT_TURNS
    assert order[work_queue.URGENT_TURNS] == "told"
    assert Counter(order[:22]) == {"new": 20, "told": 2}
    assert len(order) == 40


async def test_a_key_that_becomes_urgent_moves_and_is_there_once() -> None:
    queue = WorkQueue[Key]()
    queue.add(Key("a", "one"))
    queue.add(Key("a", "two"))
    queue.add(Key("a", "two"), urgent=True)
    queue.add(Key("a", "two"))
    assert await drained(queue) == [Key("a", "two"), Key("a", "one")]


async def test_an_urgent_key_that_is_reconciled_right_now_is_urgent_afterwards() -> None:
    queue = WorkQueue[Key]()
    queue.add(Key("a", "one"))
    key = await taken(queue)
    queue.add(key, urgent=True)
    queue.done(key)
    queue.add(Key("a", "two"))
    await asyncio.wait_for(until(lambda: len(queue) == 2), 5)
    assert await drained(queue) == [key, Key("a", "two")]


async def until(holds: Callable[[], bool]) -> None:
    while not holds():
        await asyncio.sleep(0.002)  # poll


async def test_a_delayed_key_comes_when_it_is_due_and_the_earlier_time_counts() -> None:
    queue, loop = WorkQueue[Key](), asyncio.get_running_loop()
    began = loop.time()
    queue.add_after(Key("a"), 30.0)
    queue.add_after(Key("a"), 0.05)
    queue.add_after(Key("a"), 20.0)
    assert await taken(queue) == Key("a")
    assert 0.04 <= loop.time() - began < 5.0


async def test_taking_a_key_cancels_its_delay() -> None:
    queue = WorkQueue[Key]()
    queue.add_after(Key("a"), 0.05)
    queue.add(Key("a"))
    queue.done(await taken(queue))
    queue.add_after(Key("b"), 0.1)
    assert await taken(queue) == Key("b")  # and not a again


async def test_a_burst_of_additions_after_a_reconcile_is_one_more_reconcile() -> None:
    queue, loop = WorkQueue[Key](), asyncio.get_running_loop()
    queue.add(Key("a"))
    queue.done(await taken(queue))
    began = loop.time()
    for _ in range(10):
        queue.add(Key("a"))
    queue.done(await taken(queue))
    assert loop.time() - began >= 0.01
    assert len(queue) == 0


async def test_failures_are_counted_in_a_row_and_forgotten_with_the_object() -> None:
    queue, key = WorkQueue[Key](), Key("a")
    queue.failed(key)
    queue.failed(key)
    assert queue.failures(key) == 2
    queue.succeeded(key)
    assert queue.failures(key) == 0
    queue.failed(key)
    queue.add_after(key, 0.01)
    queue.forget(key)
    assert queue.failures(key) == 0
    queue.add_after(Key("b"), 0.05)
    assert await taken(queue) == Key("b")  # the delay of a is forgotten, too


async def test_every_waiting_worker_gets_a_key() -> None:
    queue = WorkQueue[Key]()
    workers = [asyncio.create_task(taken(queue)) for _ in range(4)]
    await asyncio.sleep(0)
    for number in range(4):
        queue.add(Key("a", str(number)))
    assert {key.name for key in await asyncio.gather(*workers)} == {"0", "1", "2", "3"}
