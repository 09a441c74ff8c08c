import pytest

from fairlead.api.status import CommonStatus, ConditionStatus, FailureClass, FailureStatus, Truth
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


HOSTILE = "p\x1b[31mass\x1b[0mword=hunter2\nscore.py:1\r\n\u202eWarning\x00 \t token: hunter2 end"
CLEAN = "password=*** score.py:1 Warning"


@pytest.mark.parametrize(
    "field", ["message", "remedy", "location", "container", "pod", "affected", "log_tail"]
)
def test_every_text_of_a_failure_is_clean_and_but_for_the_log_on_one_line(field: str) -> None:
    whole = {"reason": "X", "class": "User", "message": "m", field: HOSTILE}
    shown = str(getattr(FailureStatus.model_validate(whole), field))
    assert "hunter2" not in shown
    assert "end" in shown
    assert shown.replace("\n", "").replace("\t", "").isprintable()
    if field != "log_tail":
        assert shown.startswith(CLEAN)
        assert shown.isprintable()


def test_a_message_of_a_condition_is_clean() -> None:
    condition = ConditionStatus(
        type="Ready", status=Truth.TRUE, reason="X", message=HOSTILE, last_transition_time=NOW
    )
    assert condition.message.startswith(CLEAN)


def test_what_a_copy_was_given_is_clean_once_it_is_in_a_status() -> None:
    failure = FailureStatus(reason="X", class_=FailureClass.USER, message="m")
    status = CommonStatus(failure=failure.model_copy(update={"message": HOSTILE}))
    assert status.failure
    assert status.failure.message.startswith(CLEAN)


def test_of_a_log_the_end_is_kept() -> None:
    log = "".join(f"line {number}\n" for number in range(1000))
    failure = FailureStatus(reason="X", class_=FailureClass.USER, message="m", log_tail=log)
    assert str(failure.log_tail).endswith("line 999\n")
    assert len(str(failure.log_tail)) <= 4096


@pytest.mark.parametrize("text", [HOSTILE, "a  b", "", 300 * "secret=x ", "\n\n a \n"])
def test_what_was_written_reads_back_as_it_is(text: str) -> None:
    """Else the status would change each time it is looked at."""
    once = FailureStatus(reason="X", class_=FailureClass.USER, message=text, location=text)
    assert FailureStatus.model_validate(once.to_wire()) == once
