from typing import Any

import pytest

from fairlead.api.conditions import true
from fairlead.api.meta import INFERENCE_IMAGE, MODEL, WEBSERVICE, Kind
from fairlead.api.model import ModelStatus
from fairlead.api.reasons import Reason
from fairlead.api.status import CommonStatus, FailureClass, Truth
from fairlead.decide.decision import Decision, StageResult
from fairlead.decide.status_update import blocked, last_status_update, status_update
from fairlead.errors import StalledError, WaitingError
from fairlead.retry import backoff_s
from tests.unit.objects import NOW, THEN, body

STORED = Decision(
    ModelStatus(latest_version=1), (StageResult(true("Stored", Reason.STORED, "Version 1")),)
)
FORBIDDEN = StalledError(
    Reason.FORBIDDEN,
    'Applying Deployment d: deployments.apps "d" is forbidden: User "fairlead" cannot patch',
)
UNREACHABLE = WaitingError(Reason.API_UNREACHABLE, "Reading models m: no answer (reset).")


def test_a_word_is_the_decisions_status_and_conditions() -> None:
    said = status_update(STORED)
    assert said.fields == {"versions": [], "latestVersion": 1}
    assert [c.type for c in said.conditions] == ["Ready", "Stored"]
    assert not said.blocked


def test_a_refusal_by_the_api_is_a_status_and_hides_nothing() -> None:
    said = blocked(status_update(STORED), FORBIDDEN, attempt=0, now=NOW)
    types = {c.type: (c.truth, c.reason) for c in said.conditions}
    assert types == {
        "Ready": (Truth.FALSE, Reason.FORBIDDEN),
        "Stalled": (Truth.TRUE, Reason.FORBIDDEN),
        "Stored": (Truth.TRUE, Reason.STORED),
    }
    assert said.fields["latestVersion"] == 1
    assert said.requeue_after == 60
    assert said.failure
    assert (said.failure.class_, said.failure.next_retry_at) == (FailureClass.AUTH, None)


def test_a_failed_read_keeps_what_was_said_last_for_the_generation_it_was_said_of() -> None:
    status = {
        "latestVersion": 1,
        "conditions": [
            {
                "type": "Stored",
                "status": "True",
                "reason": "Stored",
                "observedGeneration": 2,
                "lastTransitionTime": "2026-11-22T09:00:00Z",
            }
        ],
    }
    seen = body(MODEL, {}, status)
    said = blocked(last_status_update(seen), UNREACHABLE, attempt=3, now=NOW)
    common = said.status(CommonStatus.model_validate(status), 5, NOW)
    ready, reconciling, resolved, stored = common.conditions
    assert (ready.reason, reconciling.type) == ("ApiUnreachable", "Reconciling")
    assert (stored.observed_generation, stored.last_transition_time) == (2, THEN)
    assert said.requeue_after == 8
    assert (resolved.status, resolved.reason) == (Truth.UNKNOWN, "Pending")
    assert said.fields == {"latestVersion": 1, "versions": []}


@pytest.mark.parametrize(
    ("kind", "types"),
    [
        (MODEL, ["Ready", "Resolved", "Stored"]),
        (INFERENCE_IMAGE, ["Ready", "InputsReady", "EnvironmentReady", "Assembled"]),
        (WEBSERVICE, ["Ready", "ImageReady", "Deployed", "Available", "Scaling"]),
    ],
)
@pytest.mark.parametrize(
    "status", [None, {"conditions": [{"type": "Ready", "status": "Perhaps"}]}, {"versions": 1}]
)
def test_no_condition_is_missing_where_nothing_was_said(
    kind: Kind, types: list[str], status: Any
) -> None:
    said = last_status_update(body(kind, {}, status))
    assert [c.type for c in said.conditions] == types
    assert {(c.truth, c.reason) for c in said.conditions} == {(Truth.UNKNOWN, "Pending")}


def test_the_api_servers_own_wish_goes_before_our_back_off() -> None:
    busy = WaitingError(Reason.API_UNAVAILABLE, "Too many requests", retry_after=90)
    assert blocked(status_update(STORED), busy, attempt=0, now=NOW).requeue_after == 90


@pytest.mark.parametrize(("attempt", "seconds"), [(0, 1), (1, 2), (5, 32), (6, 60), (5000, 60)])
def test_the_api_is_left_alone_longer_and_longer(attempt: int, seconds: float) -> None:
    assert backoff_s(attempt) == seconds


def test_an_event_carries_the_remedy_of_its_failure() -> None:
    said = blocked(status_update(STORED), FORBIDDEN, attempt=0, now=NOW)
    assert said.note(Reason.FORBIDDEN, "x") == (
        f"{FORBIDDEN} Remedy: The operator's role lacks this right: ask whoever runs the cluster "
        "to apply the role that belongs to this release, in this namespace too (the chart's "
        "watchNamespaces)."
    )
    assert said.note(Reason.STORED, "Version 1") == "Version 1"
