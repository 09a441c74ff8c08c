"""Many ask at once, one load answers them all; nothing is loaded more often than that helps."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from fairlead.api.reasons import Reason
from fairlead.credentials.access import RELOAD_INTERVAL, Access, Credentials, reload_before
from fairlead.errors import StalledError

START = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class Issuer:
    """Loads ``token-1``, ``token-2``, …, each good for a minute by a clock that tests move."""

    def __init__(self) -> None:
        self.now, self.loads, self.broken = START, 0, False

    async def load(self) -> Access:
        await asyncio.sleep(0)  # others may ask meanwhile
        if self.broken:
            raise StalledError(Reason.UNAUTHORIZED, "the issuer is away")
        self.loads += 1
        token = f"Bearer token-{self.loads}"
        return Access("https://api", token, reload_at=self.now + timedelta(minutes=1))

    def pass_by(self, time: timedelta) -> None:
        self.now += time


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
def credentials(issuer: Issuer) -> Credentials:
    return Credentials(issuer.load, lambda: issuer.now)


async def test_what_is_still_good_is_shown_again(issuer: Issuer, credentials: Credentials) -> None:
    first = await credentials.current()
    issuer.pass_by(timedelta(seconds=59))
    assert await credentials.current() is first
    issuer.pass_by(SECOND)
    assert (await credentials.current()).authorization == "Bearer token-2"


async def test_all_who_ask_at_once_share_one_load(issuer: Issuer, credentials: Credentials) -> None:
    shown = await asyncio.gather(*(credentials.current() for _ in range(50)))
    assert (len(set(map(id, shown))), issuer.loads) == (1, 1)
    issuer.pass_by(RELOAD_INTERVAL)
    shown = await asyncio.gather(*(credentials.refused(shown[0]) for _ in range(50)))
    assert (len(set(map(id, shown))), issuer.loads) == (1, 2)


async def test_who_is_refused_late_gets_what_others_have_loaded(
    issuer: Issuer, credentials: Credentials
) -> None:
    first = await credentials.current()
    issuer.pass_by(RELOAD_INTERVAL)
    second = await credentials.refused(first)
    assert await credentials.refused(first) is second
    assert issuer.loads == 2


async def test_a_server_that_refuses_everything_costs_one_load_in_a_while(
    issuer: Issuer, credentials: Credentials
) -> None:
    access = await credentials.current()
    for _ in range(100):
        access = await credentials.refused(access)
    assert issuer.loads == 1
    issuer.pass_by(RELOAD_INTERVAL)
    await credentials.refused(access)
    assert issuer.loads == 2


async def test_where_nothing_new_can_be_loaded_the_old_is_shown_until_it_is_refused(
    issuer: Issuer, credentials: Credentials
) -> None:
    first = await credentials.current()
    issuer.broken = True
    issuer.pass_by(timedelta(minutes=2))
    assert await credentials.current() is first
    issuer.pass_by(RELOAD_INTERVAL)
    with pytest.raises(StalledError, match="the issuer is away"):
        await credentials.refused(first)
    issuer.broken = False
    issuer.pass_by(RELOAD_INTERVAL)
    assert (await credentials.current()).authorization == "Bearer token-2"


async def test_an_issuer_that_is_away_is_not_asked_at_each_request(
    issuer: Issuer, credentials: Credentials
) -> None:
    await credentials.current()
    asked = 0

    async def away() -> Access:
        nonlocal asked
        asked += 1
        raise StalledError(Reason.UNAUTHORIZED, "the issuer is away")

    credentials._load = away
    issuer.pass_by(timedelta(minutes=2))
    for _ in range(100):
        await credentials.current()
    assert asked == 1


async def test_without_any_credentials_it_says_so(issuer: Issuer, credentials: Credentials) -> None:
    issuer.broken = True
    with pytest.raises(StalledError, match="the issuer is away"):
        await credentials.current()
    issuer.broken = False
    assert (await credentials.current()).authorization == "Bearer token-1"


@pytest.mark.parametrize(("life", "reload"), [(3600, 3590), (20, 10), (4, 2), (0, 0), (-5, -2.5)])
def test_it_is_loaded_again_a_little_before_its_end(life: float, reload: float) -> None:
    assert reload_before(START + life * SECOND, START) == START + reload * SECOND
