from datetime import timedelta

import pytest

from fairlead.api.conditions import Condition, false, merge, summarise, transitions, true, unknown
from fairlead.api.reasons import Reason
from fairlead.api.status import ConditionStatus, Truth
from tests.unit.objects import NOW, THEN


def said(type_: str, truth: Truth, reason: str, message: str = "") -> ConditionStatus:
    return ConditionStatus(
        type=type_, status=truth, reason=reason, message=message, last_transition_time=THEN
    )


def test_the_transition_time_survives_a_changed_message() -> None:
    old = [said("Stored", Truth.TRUE, "Stored", "a")]
    [new] = merge(old, [true("Stored", Reason.STORED, "b")], 2, NOW)
    assert (new.last_transition_time, new.message, new.observed_generation) == (THEN, "b", 2)


def test_the_transition_time_moves_with_the_status() -> None:
    old = [said("Stored", Truth.TRUE, "Stored")]
    [new] = merge(old, [false("Stored", Reason.MODEL_TOO_LARGE)], 2, NOW)
    assert new.last_transition_time == NOW


def test_a_condition_left_out_disappears() -> None:
    assert merge([said("Stalled", Truth.TRUE, "X")], [], 1, NOW + timedelta(hours=1)) == ()


def test_what_was_said_of_an_earlier_generation_keeps_it() -> None:
    [kept] = merge([], [Condition("Stored", Truth.TRUE, "Stored", "", 3)], 7, NOW)
    assert kept.observed_generation == 3


def test_ready_repeats_the_first_failure_before_anything_unknown() -> None:
    parts = [
        unknown("InputsReady", Reason.RESOLVING),
        false("EnvironmentReady", Reason.PACKAGE_NOT_FOUND, "no such package"),
        false("Assembled", Reason.REGISTRY_UNREACHABLE),
    ]
    ready, stalled, *rest = summarise(parts, stalled=True)
    assert (ready.truth, ready.reason, ready.message) == (
        Truth.FALSE,
        "PackageNotFound",
        "no such package",
    )
    assert (stalled.type, stalled.truth, stalled.reason) == (
        "Stalled",
        Truth.TRUE,
        "PackageNotFound",
    )
    assert rest == parts


def test_all_is_well_needs_no_abnormal_condition() -> None:
    parts = [true("Resolved", Reason.RESOLVED), true("Stored", Reason.STORED, "Version 1")]
    types = [(c.type, c.truth, c.reason) for c in summarise(parts, stalled=False)]
    assert types[0] == ("Ready", Truth.TRUE, "Stored")
    assert [type_ for type_, _, _ in types] == ["Ready", "Resolved", "Stored"]


def test_events_are_the_transitions_of_the_parts() -> None:
    same = said("Resolved", Truth.TRUE, "Resolved")
    gone = said("Stored", Truth.UNKNOWN, "Ingesting")
    came = said("Stored", Truth.TRUE, "Stored")
    ready = said("Ready", Truth.TRUE, "Stored")
    assert transitions([same, gone], [ready, same, came]) == [came]


@pytest.mark.parametrize("reason", ["Pending", "Starting", "FixedReplicas"])
def test_a_part_that_waits_for_another_or_repeats_the_spec_has_nothing_to_tell(
    reason: str,
) -> None:
    assert transitions([], [said("Stored", Truth.UNKNOWN, reason)]) == []


def test_the_first_rollout_of_a_service_is_no_news_and_the_next_one_is() -> None:
    rolling = said("Deployed", Truth.UNKNOWN, "RollingOut")
    assert transitions([], [rolling]) == []
    assert transitions([said("Deployed", Truth.TRUE, "Deployed")], [rolling]) == [rolling]
    assert transitions([said("Deployed", Truth.UNKNOWN, "Pending")], [rolling]) == [rolling]


def test_ready_is_told_where_no_part_says_the_same() -> None:
    ready = said("Ready", Truth.FALSE, "Forbidden")
    part = said("Stored", Truth.TRUE, "Stored")
    assert transitions([part], [ready, part]) == [ready]


def test_one_cause_is_told_once_by_the_first_part_that_names_it() -> None:
    deployed = said("Deployed", Truth.FALSE, "ModelFileNotFound")
    available = said("Available", Truth.FALSE, "ModelFileNotFound")
    stalled = said("Stalled", Truth.TRUE, "ModelFileNotFound")
    assert transitions([], [stalled, deployed, available]) == [deployed]
    assert transitions([deployed], [stalled, deployed, available]) == [available]
