"""One run of the story, and everything that was wrong with it."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.faults import invariants
from tests.faults.snapshot import Snapshot, differences
from tests.faults.story import Step
from tests.faults.trial import Bed, Trial


@dataclass
class Outcome:
    """``writes``, by step, are named by what they are about (``Record.subjects``)."""

    steps: Sequence[Step]
    snapshots: dict[str, Snapshot] = field(default_factory=dict)
    made: Counter[str] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)
    versions: dict[str, str] = field(default_factory=dict)
    writes: dict[str, list[str]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    kills: int = 0
    seconds: float = 0.0


def without_fault(bed: Bed, name: str, steps: Sequence[Step]) -> Outcome:
    """The run that others are compared with."""
    outcome = Outcome(steps)
    with Trial(bed, name) as trial:
        for step in steps:
            writes = len(trial.proxy.record.writes())
            trial.begin(step)
            trial.settle(step)
            outcome.snapshots[step.name] = trial.calm()
            outcome.writes[step.name] = trial.proxy.record.subjects(since=writes)
        _close(outcome, trial)
    return outcome


def compared(
    bed: Bed,
    name: str,
    expected: Outcome,
    prepare: Callable[[Trial], None] = lambda _: None,
    before: Callable[[Trial, Step], None] = lambda *_: None,
) -> Outcome:
    """Go the same steps again, with the faults that are arranged by ``prepare`` and, before each
    step, by ``before``; and compare."""
    outcome, started = Outcome(expected.steps), time.monotonic()
    with Trial(bed, name) as trial:
        prepare(trial)
        for step in expected.steps:
            before(trial, step)
            trial.begin(step)
            outcome.wrong += _differs(step, trial, expected)
            if outcome.wrong:
                break
        trial.disarm()
        _close(outcome, trial)
        if not outcome.wrong:
            outcome.wrong += invariants.repeated_work(outcome.done, expected.done, trial.kills)
            outcome.wrong += differences(dict(expected.made), dict(outcome.made), "made")
            outcome.wrong += differences(expected.versions, outcome.versions, "versions")
    outcome.seconds = time.monotonic() - started
    return outcome


def _differs(step: Step, trial: Trial, expected: Outcome) -> list[str]:
    wanted = expected.snapshots[step.name]
    wrong = [] if trial.reaches(wanted, step) else ["it did not end"]
    if wrong:
        wrong += differences(wanted, trial.snapshot(trial.view))
    wrong += invariants.orphans(trial.view)
    return [*(f"after '{step.name}': {line}" for line in wrong), trial.report()] if wrong else []


def _close(outcome: Outcome, trial: Trial) -> None:
    """What is known only at the end, and what must hold of every run by itself."""
    view, registry = trial.view, trial.registry
    outcome.kills = trial.kills
    deleted = trial.marks.get("delete", len(view.changes))
    outcome.made = invariants.made(view, deleted)
    outcome.done = invariants.done(registry, trial.namespace)
    outcome.versions = invariants.versions(registry, trial.namespace)
    outcome.wrong += invariants.touched(view, trial.strangers)
    outcome.wrong += invariants.losses(view)
    outcome.wrong += invariants.version_conflicts(registry)
    outcome.wrong += invariants.interruptions(view, deleted)
    outcome.wrong += invariants.made_for_nobody(view, deleted)
    outcome.wrong += [trial.report()] if "Traceback" in trial.log.read_text() else []
