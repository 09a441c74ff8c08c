"""What the operator asks of an API server that fails: enough to go on, and never a storm."""

import re
import time
from collections import defaultdict
from collections.abc import Iterator
from functools import partial

import pytest

from tests.faults.proxy.rules import Answer, Match, Reset, Rule, Slow, WatchFault
from tests.faults.story import NAME, create
from tests.faults.trial import NEVER_RESYNCS, Bed, Trial

SOON_S = 60.0  # seconds; far less than a resync
STORM_S, RETRY_AFTER_S = 12.0, 3
LATE_S = 4.0
AWAY_S = 600.0
SERVICES = Match(frozenset({"watch"}), frozenset({"services"}))
WATCHES = Match(frozenset({"watch"}))


@pytest.fixture
def trial(bed: Bed, request: pytest.FixtureRequest) -> Iterator[Trial]:
    """The demo's objects, created and serving, with an operator that does not resync."""
    name = re.sub("[^a-z0-9]+", "-", request.node.name.removeprefix("test_").lower())[:50]
    with Trial(bed, name.strip("-"), settings=NEVER_RESYNCS) as trial:
        trial.begin(create())
        trial.settle(create())
        trial.calm()
        yield trial


def test_an_operator_waits_for_an_api_server_that_is_not_there_yet(bed: Bed) -> None:
    with Trial(bed, "no-api-server", settings=NEVER_RESYNCS) as trial:
        trial.kill()
        bed.loop.run(trial.proxy.inject(Rule(Match(), Reset(), times=None)))
        before = len(trial.proxy.record.requests())
        trial.start()
        trial.until(lambda: len(trial.proxy.record.requests()) - before >= 20)
        bed.loop.run(trial.proxy.heal())
        trial.begin(create())
        trial.settle(create())
        assert trial.alive, trial.report()


def test_the_operator_survives_an_api_server_that_goes_away(trial: Trial) -> None:
    bed = trial.bed
    bed.loop.run(trial.proxy.inject(Rule(Match(), Reset(), times=None)))
    bed.loop.run(trial.proxy.change_watches(WATCHES, WatchFault(cut_after=0)))
    before = len(trial.proxy.record.requests())
    trial.until(lambda: len(trial.proxy.record.requests()) - before >= 20)
    bed.api.delete(trial.namespace, "Service", NAME)
    bed.loop.run(trial.proxy.heal())
    trial.comes_back("Service", SOON_S)
    assert trial.alive, trial.report()


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_the_operator_survives_ten_minutes_without_an_api_server(bed: Bed) -> None:
    """It refuses every connection, or a load balancer answers in its place."""
    with (
        Trial(bed, "away-reset", settings=NEVER_RESYNCS) as reset,
        Trial(bed, "away-503", settings=NEVER_RESYNCS) as unavailable,
    ):
        for trial, fault in ((reset, Reset()), (unavailable, Answer(503))):
            trial.begin(create())
            trial.settle(create())
            trial.calm()
            bed.loop.run(trial.proxy.inject(Rule(Match(), fault, times=None)))
            bed.loop.run(trial.proxy.change_watches(WATCHES, WatchFault(cut_after=0)))
        back = time.monotonic() + AWAY_S

        def over(trial: Trial) -> bool:
            return time.monotonic() > back or not trial.alive

        for trial in (reset, unavailable):
            trial.until(partial(over, trial), 2 * AWAY_S)
            bed.api.delete(trial.namespace, "Service", NAME)
            bed.loop.run(trial.proxy.heal())
        for trial in (reset, unavailable):
            trial.comes_back("Service", 2 * SOON_S)
            assert trial.alive, trial.report()


def test_too_many_requests_are_not_answered_by_more(trial: Trial) -> None:
    """Every answer says when to come again, and nobody comes earlier."""
    bed = trial.bed
    storm = Rule(Match(), Answer(429, retry_after_s=RETRY_AFTER_S), times=None)
    bed.loop.run(trial.proxy.inject(storm))
    bed.loop.run(trial.proxy.change_watches(WATCHES, WatchFault(cut_after=0)))
    bed.api.delete(trial.namespace, "Service", NAME)
    started = time.monotonic()
    trial.until(lambda: time.monotonic() - started > STORM_S)
    bed.loop.run(trial.proxy.heal())
    lasted = time.monotonic() - started
    times = defaultdict[str, list[float]](list)
    for recorded in trial.proxy.record.requests():
        if recorded.status == 429:
            times[f"{recorded.request.verb} {recorded.request.path}"].append(recorded.started)
    most = lasted / RETRY_AFTER_S + 2
    assert times
    assert {what: len(found) for what, found in times.items() if len(found) > most} == {}
    trial.comes_back("Service", SOON_S)


def test_a_deletion_that_no_watch_told_of_is_found_by_the_list_after_410(trial: Trial) -> None:
    bed = trial.bed
    lost = WatchFault(lost=lambda _: True)
    assert bed.loop.run(trial.proxy.change_watches(SERVICES, lost))
    bed.api.delete(trial.namespace, "Service", NAME)
    assert trial.view.until(lambda view: view.get("Service", NAME), lambda found: not found) is None
    assert bed.loop.run(trial.proxy.change_watches(SERVICES, WatchFault(gone_after=0)))
    trial.comes_back("Service", SOON_S)


def test_nothing_is_decided_from_a_list_that_has_not_come_yet(trial: Trial) -> None:
    bed, record = trial.bed, trial.proxy.record
    before = {m["metadata"]["uid"] for m in trial.view.all(("Deployment", "Service"))}
    trial.kill()
    asked, written = len(record.requests(SERVICES)), len(record.writes())
    listed = Match(frozenset({"list"}), frozenset({"deployments", "services"}))
    slow = Rule(listed, Slow(LATE_S), times=None)
    bed.loop.run(trial.proxy.inject(slow))
    trial.start()
    trial.until(lambda: len(record.requests(SERVICES)) > asked)  # so they have been listed
    assert slow.done == 2
    trial.calm()
    assert record.subjects(since=written) == []
    assert {m["metadata"]["uid"] for m in trial.view.all(("Deployment", "Service"))} == before
