from fairlead.api.status import ConditionStatus, FailureClass, FailureStatus, Truth
from tests.unit.objects import NOW


def test_what_is_too_long_for_the_schema_is_cut_rather_than_refused() -> None:
    failure = FailureStatus(
        reason="X", class_=FailureClass.USER, message="m" * 5000, location="l" * 300
    )
    assert (len(failure.message), len(failure.location or "")) == (4096, 256)
    condition = ConditionStatus(
        type="Ready", status=Truth.TRUE, reason="X", message="m" * 5000, last_transition_time=NOW
    )
    assert condition.message.endswith("m…")


def test_times_are_written_as_kubernetes_writes_them() -> None:
    failure = FailureStatus(reason="X", class_=FailureClass.USER, message="", since=NOW)
    assert failure.to_wire()["since"] == "2026-11-22T10:00:00Z"
