"""The API server fails in every way it can, all the time, and the story ends as it always does."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.faults.outcome import Outcome, compared
from tests.faults.proxy.rules import (
    Answer,
    Event,
    Fault,
    Hang,
    Match,
    Reset,
    Rule,
    Slow,
    WatchFault,
)
from tests.faults.story import NAME, create
from tests.faults.trial import NEVER_RESYNCS, Bed, Trial

AT_ONCE = 7  # runs; most of their time they wait
Inject = Callable[[Trial], Callable[[], int]]
"""Makes a trial's API server fail; what it returns says how often that has happened."""
READS, WRITES = Match(frozenset({"get", "list"})), Match(frozenset({"patch", "create", "delete"}))
LISTS, WATCHES = Match(frozenset({"list"})), Match(frozenset({"watch"}))
ANY, ROLLOUT = Match(), Match(frozenset({"patch"}), frozenset({"webservices", "deployments"}))
RESTART_EVERY_S, DOWNTIME_S = 3.0, 0.5
SILENCE_S = 90.0  # of a watch, until the operator gives it up


def always(
    match: Match, fault: Fault, every: int = 1, skip: int = 0, times: int | None = None
) -> Inject:
    def inject(trial: Trial) -> Callable[[], int]:
        rule = Rule(match, fault, times=times, skip=skip, every=every)
        trial.bed.loop.run(trial.proxy.inject(rule))
        return lambda: rule.done

    return inject


def restarts(trial: Trial) -> Callable[[], int]:
    trial.bed.loop.run(trial.proxy.keep_restarting(RESTART_EVERY_S, DOWNTIME_S))
    return lambda: trial.proxy.restarts


def is_deletion(event: Event) -> bool:
    return bool(event["type"] == "DELETED")


FAULTS: dict[str, Inject] = {  # those that take longest come first
    "two writes are never answered": always(ROLLOUT, Hang(), skip=1, every=1000, times=2),
    "every write is answered late": always(WRITES, Slow(0.5)),
    "the API server restarts again and again": restarts,
    "every third request is answered 503": always(ANY, Answer(503), every=3, skip=1),
    "every third request is answered 500": always(ANY, Answer(500), every=3, skip=1),
    "every third request is one too many": always(
        ANY, Answer(429, retry_after_s=1), every=3, skip=1
    ),
    "every fourth request is reset": always(ANY, Reset(), every=4),
    "every third write is done but not answered": always(WRITES, Reset(forwarded=True), every=3),
    "lists take two seconds": always(LISTS, Slow(2.0)),
    "watches are cut after three events": always(WATCHES, WatchFault(cut_after=3)),
    "watches are gone after two events": always(WATCHES, WatchFault(gone_after=2)),
    "every second watch is answered 410": always(WATCHES, Answer(410), every=2),
    "every event comes three times": always(WATCHES, WatchFault(copies=3)),
    "every event comes late": always(WATCHES, WatchFault(delay_s=0.3)),
    "deletions are never seen": always(WATCHES, WatchFault(lost=is_deletion)),
}


@pytest.fixture(scope="module", autouse=True)
def silent(bed: Bed) -> Iterator[Trial]:
    """Its watches say nothing any more, and a child was deleted: the other tests run meanwhile."""
    with Trial(bed, "silent-watches", settings=NEVER_RESYNCS) as trial:
        trial.begin(create())
        trial.settle(create())
        trial.calm()
        assert bed.loop.run(trial.proxy.change_watches(WATCHES, WatchFault(silent_after=0)))
        bed.api.delete(trial.namespace, "Service", NAME)
        yield trial


@pytest.mark.timeout(1200)
def test_the_story_ends_the_same_under_every_fault(
    bed: Bed, plain: Outcome, subtests: pytest.Subtests
) -> None:
    def faulty(number: int) -> tuple[Outcome, int]:
        inject, counts = list(FAULTS.values())[number], list[Callable[[], int]]()

        def prepare(trial: Trial) -> None:
            counts.append(inject(trial))

        outcome = compared(bed, f"fault-{number}", plain, prepare)
        return outcome, counts[0]()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        outcomes = list(pool.map(faulty, range(len(FAULTS))))
    for name, (outcome, times) in zip(FAULTS, outcomes, strict=True):
        with subtests.test(name):
            assert not outcome.wrong, "\n".join(outcome.wrong)
            assert times > 1, "the fault did not happen"


def test_a_watch_that_says_nothing_any_more_is_opened_again(silent: Trial) -> None:
    silent.comes_back("Service", 2 * SILENCE_S)
