"""The API server fails in every way it can, all the time, and the story ends as it always does."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.faults.outcome import Outcome, compared, without_fault
from tests.faults.proxy.rules import Answer, Event, Fault, Match, Reset, Rule, Slow, WatchFault
from tests.faults.story import story
from tests.faults.trial import Bed, Trial

pytestmark = pytest.mark.long
AT_ONCE = 6
ANY = Match()
READS, WRITES = Match(frozenset({"get", "list"})), Match(frozenset({"patch", "create", "delete"}))
LISTS, WATCHES = Match(frozenset({"list"})), Match(frozenset({"watch"}))
RESTART_EVERY_S, DOWNTIME_S = 3.0, 0.5


def always(match: Match, fault: Fault, every: int = 1) -> Callable[[], Rule]:
    return lambda: Rule(match, fault, times=None, every=every)


def is_deletion(event: Event) -> bool:
    return bool(event["type"] == "DELETED")


FAULTS: dict[str, Callable[[], Rule]] = {
    "every third request is answered 503": always(ANY, Answer(503), every=3),
    "every third request is answered 500": always(ANY, Answer(500), every=3),
    "every second request is one too many": always(ANY, Answer(429, retry_after_s=1), every=2),
    "every fourth request is reset": always(ANY, Reset(), every=4),
    "every third write is done but not answered": always(WRITES, Reset(forwarded=True), every=3),
    "every write is answered late": always(WRITES, Slow(0.5)),
    "lists take two seconds": always(LISTS, Slow(2.0)),
    "watches are cut after three events": always(WATCHES, WatchFault(cut_after=3)),
    "watches are gone after two events": always(WATCHES, WatchFault(gone_after=2)),
    "every second watch is answered 410": always(WATCHES, Answer(410), every=2),
    "every event comes three times": always(WATCHES, WatchFault(copies=3)),
    "every event comes late": always(WATCHES, WatchFault(delay_s=0.3)),
    "deletions are never seen": always(WATCHES, WatchFault(lost=is_deletion)),
}


@pytest.fixture(scope="module")
def plain(bed: Bed) -> Outcome:
    return without_fault(bed, "fault-never", story())


@pytest.mark.timeout(900)
def test_the_story_ends_the_same_under_every_fault(
    bed: Bed, plain: Outcome, subtests: pytest.Subtests
) -> None:
    def faulty(number: int) -> tuple[Outcome, int]:
        rule = list(FAULTS.values())[number]()

        def prepare(trial: Trial) -> None:
            bed.loop.run(trial.proxy.inject(rule))

        return compared(bed, f"fault-{number}", plain, prepare), rule.done

    with ThreadPoolExecutor(AT_ONCE) as pool:
        outcomes = list(pool.map(faulty, range(len(FAULTS))))
    for name, (outcome, times) in zip(FAULTS, outcomes, strict=True):
        with subtests.test(name):
            assert not outcome.wrong
            assert times > 1, "the fault did not happen"


def test_the_story_ends_the_same_when_the_api_server_restarts_again_and_again(
    bed: Bed, plain: Outcome
) -> None:
    proxies = []

    def prepare(trial: Trial) -> None:
        bed.loop.run(trial.proxy.keep_restarting(RESTART_EVERY_S, DOWNTIME_S))
        proxies.append(trial.proxy)

    outcome = compared(bed, "fault-tls", plain, prepare)
    assert not outcome.wrong
    assert proxies[0].restarts > 1
