"""Namespaces take turns, and none has all slots."""

import asyncio

import pytest

from fairlead.parsing.fair_slots import FairSlots


class Turns:
    """Who had a slot, in order; each keeps it until ``release``."""

    def __init__(self, slots: int, most_each: int) -> None:
        self.slots = FairSlots(slots, most_each)
        self.began = list[str]()
        self.tasks = dict[str, asyncio.Task[None]]()
        self.gates = dict[str, asyncio.Event]()

    async def ask(self, *names: str) -> None:
        """``a1``: namespace a, number 1."""
        for name in names:
            self.gates[name] = asyncio.Event()
            self.tasks[name] = asyncio.create_task(self._hold(name))
        await self.settle()

    async def release(self, name: str) -> None:
        self.gates[name].set()
        await self.tasks[name]
        await self.settle()

    async def cancel(self, name: str) -> None:
        self.tasks[name].cancel()
        await asyncio.gather(self.tasks[name], return_exceptions=True)
        await self.settle()

    async def settle(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)

    async def _hold(self, name: str) -> None:
        async with self.slots.slot(name[0]):
            self.began.append(name)
            await self.gates[name].wait()


async def test_one_slot_stays_free_for_others() -> None:
    turns = Turns(slots=2, most_each=1)
    await turns.ask("a1", "a2", "a3")
    assert turns.began == ["a1"]
    await turns.ask("b1")
    assert turns.began == ["a1", "b1"]


async def test_namespaces_take_turns() -> None:
    turns = Turns(slots=1, most_each=1)
    await turns.ask("z1", "a1", "a2", "a3", "b1", "b2", "c1")
    for name in ("z1", "a1", "b1", "c1", "a2", "b2", "a3"):
        assert turns.began[-1] == name
        await turns.release(name)


async def test_one_namespace_alone_may_have_as_many_as_it_is_given() -> None:
    turns = Turns(slots=3, most_each=2)
    await turns.ask("a1", "a2", "a3")
    assert turns.began == ["a1", "a2"]
    await turns.release("a2")
    assert turns.began == ["a1", "a2", "a3"]


@pytest.mark.parametrize("gives_up", ["a1", "a2"])
async def test_who_gives_up_keeps_no_slot(gives_up: str) -> None:
    turns = Turns(slots=1, most_each=1)
    await turns.ask("a1", "a2", "a3")
    await turns.cancel(gives_up)
    for name in ("a1", "a2"):
        if name != gives_up:
            await turns.release(name)
    assert turns.began[-1] == "a3"


async def test_who_gives_up_at_the_moment_of_its_turn_keeps_no_slot() -> None:
    turns = Turns(slots=1, most_each=1)
    await turns.ask("a1", "a2")
    turns.gates["a1"].set()
    await asyncio.sleep(0)  # a1 goes on, and a2 is given the slot
    turns.tasks["a2"].cancel()
    await turns.settle()
    await turns.ask("b1")
    assert turns.began[-1] == "b1"
