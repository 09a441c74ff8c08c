import pytest

from fairlead.api.meta import MODEL
from fairlead.api.reasons import Reason
from fairlead.errors import WaitingError
from fairlead.health.echo import MAX_SILENCE_S, NAME, Echo
from fairlead.observe.cache import Cache
from tests.unit.controller.world import World


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


async def test_a_write_that_no_watch_tells_of_is_a_problem_after_a_while() -> None:
    world, clock = World(), Clock()
    echo = Echo(world.cluster, world.cache, "fairlead-system", clock)
    await echo.write()
    clock.now_s = MAX_SILENCE_S
    await echo.write()
    assert echo.problem() == ""
    clock.now_s = MAX_SILENCE_S + 1
    assert echo.problem().startswith(f"Our own ConfigMap '{NAME}' was written 151 s ago")


async def test_a_write_that_is_heard_of_is_none() -> None:
    world, clock = World(), Clock()
    echo = Echo(world.cluster, world.cache, "fairlead-system", clock)
    async with world.running():
        await world.until(lambda: world.cluster.watched("configmaps"))
        await echo.write()
        await world.until(lambda: echo.silent_s() is None)
    clock.now_s = 10 * MAX_SILENCE_S
    assert echo.problem() == ""


async def test_a_write_that_fails_proves_nothing() -> None:
    world, clock = World(), Clock()
    echo = Echo(world.cluster, world.cache, "fairlead-system", clock)
    world.cluster.refusals["apply", "configmaps"] = [WaitingError(Reason.API_UNREACHABLE, "away")]
    await echo.write()
    clock.now_s = 10 * MAX_SILENCE_S
    assert echo.problem() == ""


@pytest.mark.parametrize(("lists", "heard", "told"), [(2, False, True), (2, True, False)])
async def test_a_stream_that_tells_nothing_of_what_lists_find_is_a_problem(
    *, lists: int, heard: bool, told: bool
) -> None:
    world = World()
    cache: Cache = world.cache
    cache.listed.set()
    for number in range(lists):
        made = world.apply(MODEL, f"model-{number}", {"source": {"configMap": {"name": "x"}}})
        await cache.list_own()
        if heard:
            cache.own_event(MODEL, "ADDED", made)
    assert bool(cache.silent_stream()) is told
