"""Children that others change: put right once, left alone where they insist, and told."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from fairlead.api.refs import Manifest
from fairlead.api.webservice import WebserviceStatus
from fairlead.decide.decision import Apply, Decision
from fairlead.decide.webservice.drift import (
    MAX_PUT_BACKS,
    PUT_BACK_WINDOW,
    Drift,
    drift,
    fingerprint_of,
    left_alone_until,
)
from fairlead.desired.child_kinds import DEPLOYMENT
from fairlead.evidence import Accepted, ChildEvidence, PutBack, WebserviceEvidence
from tests.unit.decide.test_drift import recorded
from tests.unit.decide.webservices import SERVING, changes, decided, evidence, made
from tests.unit.live import child
from tests.unit.objects import NOW, webservice

TAKEN = "0" * 16  # the hash of what is owned no more


def ago(*minutes: float) -> tuple[PutBack, ...]:
    return tuple(
        PutBack(NOW - timedelta(minutes=each), ("spec.replicas, set by keda",)) for each in minutes
    )


def seen(
    owned_hash: str | None = None,
    put_backs: Sequence[PutBack] = (),
    altered: Sequence[str] | None = None,
    conditions: Sequence[Manifest] = (),
) -> WebserviceEvidence:
    """A service that serves; its Deployment has this hash, and admission has ``altered`` that."""
    wanted = webservice({"conditions": list(conditions)} if conditions else None)
    whole = made(wanted, **SERVING)
    given = evidence(wanted, children=whole)
    live = given.children[DEPLOYMENT.key]
    changed = replace(live, owned_hash=owned_hash or live.owned_hash, put_backs=put_backs)
    if altered is not None:
        accepted = Accepted(fingerprint_of(whole[DEPLOYMENT.key]), changed.owned_hash, altered)
        changed = replace(changed, accepted=accepted)
    return replace(given, children={**given.children, DEPLOYMENT.key: changed})


def settled(decision: Decision[WebserviceStatus]) -> tuple[str, str]:
    """Reason and message; empty where nothing is said."""
    found = (one for one in decision.conditions if one.type == "Settled")
    return next(((one.reason, one.message) for one in found), ("", ""))


def applies(decision: Decision[WebserviceStatus]) -> list[tuple[str, bool]]:
    return [
        (action.manifest["kind"], action.puts_back)
        for action in changes(decision)
        if isinstance(action, Apply)
    ]


def test_what_is_as_it_should_be_is_not_spoken_of() -> None:
    decision = decided(seen())
    assert (applies(decision), settled(decision)) == ([], ("", ""))


def test_what_somebody_has_changed_is_put_back_at_once() -> None:
    decision = decided(seen(TAKEN))
    assert (applies(decision), settled(decision)) == ([("Deployment", True)], ("", ""))


def test_what_is_new_is_applied_however_often_others_were_put_right() -> None:
    given = seen(TAKEN, ago(1, 2, 3))
    changed = replace(given, webservice=webservice(environmentVariables={"A": "b"}))
    assert applies(decided(changed)) == [("Deployment", False)]


def test_who_insists_is_left_alone_and_told() -> None:
    decision = decided(seen(TAKEN, ago(9, 8, 7)))
    assert applies(decision) == []
    reason, words = settled(decision)
    assert reason == "ChangedByOthers"
    assert words.startswith(
        "Deployment 'diabetes' was put right 3 times within 10 minutes and is changed again: "
        "spec.replicas, set by keda. It is left so until 2026-11-22T10:01:00Z: "
    )
    ready = next(one for one in decision.conditions if one.type == "Ready")
    assert (ready.truth, ready.reason) == ("True", "Serving")
    assert 60 <= decision.due_in_s < 62


def test_after_a_while_it_is_put_right_again() -> None:
    assert applies(decided(seen(TAKEN, ago(30, 9, 8)))) == [("Deployment", True)]


def test_nobody_insists_any_more_once_it_is_as_it_should_be() -> None:
    assert settled(decided(seen(put_backs=ago(3, 2, 1)))) == ("", "")


def test_a_reason_that_is_not_known_is_not_made_up() -> None:
    unknown = tuple(PutBack(one.at) for one in ago(3, 2, 1))
    assert "changed again: nothing says what." in settled(decided(seen(TAKEN, unknown)))[1]


def test_what_admission_makes_of_it_is_told_and_left() -> None:
    words = "spec.template.spec.terminationGracePeriodSeconds (10, not 71)"
    decision = decided(seen(TAKEN, altered=[words]))
    assert applies(decision) == []
    reason, message = settled(decision)
    assert reason == "ChangedByAdmission"
    assert message == (
        "The cluster's admission (a webhook or a policy) changes what Fairlead sets in Deployment "
        f"'diabetes', and it is left so: {words}."
    )


def test_what_admission_leaves_as_it_is_is_not_spoken_of() -> None:
    assert settled(decided(seen(altered=[]))) == ("", "")


def test_while_something_is_applied_what_was_said_stands() -> None:
    """So that a restart, which forgets what was accepted, tells nothing anew."""
    known = {
        "type": "Settled",
        "status": "False",
        "reason": "ChangedByAdmission",
        "message": "told before",
        "lastTransitionTime": "2026-11-22T09:00:00Z",
    }
    decision = decided(seen(TAKEN, conditions=[known]))
    assert applies(decision) == [("Deployment", True)]
    assert settled(decision) == ("ChangedByAdmission", "told before")
    foreign = decided(seen(TAKEN, conditions=[{**known, "reason": "WhateverItIs"}]))
    assert settled(foreign) == ("", "")
    assert settled(decided(seen(conditions=[known]))) == ("", "")


def annotated(live: ChildEvidence, applied: str | None) -> ChildEvidence:
    metadata = {k: v for k, v in live.metadata.items() if k != "annotations"}
    notes = {"annotations": {"fairlead.dev/applied": applied}} if applied else {}
    return replace(live, manifest={**live.manifest, "metadata": {**metadata, **notes}})


def test_where_admission_takes_our_note_away_it_is_not_written_for_ever() -> None:
    wanted, live = recorded("applied.Deployment.json")
    bare = annotated(child(live), None)
    assert drift(wanted, bare) is Drift.NEW
    accepted = Accepted(fingerprint_of(wanted), bare.owned_hash)
    assert drift(wanted, replace(bare, accepted=accepted)) is Drift.NONE
    again = replace(bare, accepted=replace(accepted, owned_hash="of before"))
    assert drift(wanted, again) is Drift.TAKEN


@pytest.mark.parametrize(
    ("minutes", "until"),
    [
        ((), None),
        ((1, 2), None),
        ((30, 20, 11, 1, 2), None),
        ((3, 2, 1), NOW + PUT_BACK_WINDOW - timedelta(minutes=3)),
        ((9.99, 2, 1), NOW + PUT_BACK_WINDOW - timedelta(minutes=9.99)),
        ((8, 3, 2, 1), NOW + PUT_BACK_WINDOW - timedelta(minutes=3)),
    ],
)
def test_a_few_within_a_while_are_enough(
    minutes: tuple[float, ...], until: datetime | None
) -> None:
    found = left_alone_until(replace(CHILD, put_backs=ago(*minutes)), NOW)
    assert found == until
    assert MAX_PUT_BACKS == 3


CHILD = child(recorded("applied.Deployment.json")[1])
