"""A service that does not come up says what a pod of the cluster would say."""

import itertools
import json
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest

from fairlead.api.reasons import Reason
from fairlead.evidence import PodContext
from fairlead.local import readiness
from fairlead.local.errors import LocalError
from fairlead.local.host import Exit
from fairlead.local.readiness import await_ready, reload_failed, start_failed
from tests.unit.local.services import Standin, service

RECORD = Path(__file__).parents[2] / "contract" / "startup-record.json"
ABOUT = PodContext("credit", "credit", "", memory_limit="1Gi", startup_budget=300)


def test_one_that_is_ready_is_let_go(tmp_path: Path) -> None:
    answers = iter((False, False, True))
    await_ready(Standin(), service(), tmp_path, ABOUT, lambda _: next(answers))
    assert next(answers, None) is None


def test_another_program_that_answers_at_the_port_is_not_taken_for_it(tmp_path: Path) -> None:
    ended = Standin(Exit(1, ""), b"address already in use\n", listening=frozenset())
    with pytest.raises(LocalError, match="address already in use"):
        await_ready(ended, service(), tmp_path, ABOUT, lambda _: True)


@pytest.mark.parametrize(
    ("addresses", "told"), [({"0.0.0.0"}, "0.0.0.0"), ({"127.0.0.1", "::"}, "::")]
)
def test_one_that_others_can_reach_is_ended(addresses: set[str], told: str, tmp_path: Path) -> None:
    """By a runtime of another version, which does not know the setting for the address."""
    standin = Standin(listening=frozenset(addresses))
    with pytest.raises(LocalError, match=f"it listens at {told}, where") as caught:
        await_ready(standin, service(), tmp_path, ABOUT, lambda _: True)
    assert standin.calls == ["stop credit"]
    assert "make setup" in str(caught.value.finding.remedy)


def test_the_record_says_what_the_cluster_says(tmp_path: Path) -> None:
    ended = Standin(Exit(3, RECORD.read_text()), b"Traceback: in the log\n")
    with pytest.raises(LocalError) as caught:
        await_ready(ended, service(), tmp_path, ABOUT, lambda _: False)
    finding = caught.value.finding
    location = json.loads(RECORD.read_text())["location"]
    assert finding.reason == Reason.MODEL_FILE_NOT_FOUND
    assert finding.location == f"{location['file']}:{location['line']}"
    assert finding.remedy
    assert "Traceback" in caught.value.log_tail


def test_where_the_log_is_looked_for_is_here_and_not_in_a_status() -> None:
    record = {**json.loads(RECORD.read_text()), "exception": "ValueError", "message": "no"}
    finding = start_failed(Exit(3, json.dumps(record)), b"", ABOUT).finding
    assert finding.reason == Reason.USER_SCRIPT_INIT_FAILED
    assert "fairlead local logs credit" in str(finding.remedy)
    assert "status.failure" not in str(finding.remedy)


def test_without_a_record_the_log_and_the_code_are_told() -> None:
    error = start_failed(Exit(1, ""), b"first\nno such file\n", ABOUT)
    assert error.finding.reason == Reason.CONTAINER_EXITED
    assert "with exit code 1" in error.finding.message
    assert error.finding.message.endswith("no such file")
    silent = start_failed(Exit(None, ""), b"", ABOUT).finding.message
    assert silent == "The service ended before it was ready: it printed nothing"


def test_memory_that_ran_out_is_told_with_the_limit() -> None:
    finding = start_failed(Exit(137, ""), b"", ABOUT).finding
    assert finding.reason == Reason.POD_OUT_OF_MEMORY
    assert "(1Gi)" in finding.message


def test_an_init_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    standin, about = Standin(), PodContext("credit", None, "", None, startup_budget=0)
    with pytest.raises(LocalError) as caught:
        await_ready(standin, service(), tmp_path, about, lambda _: False)
    assert caught.value.finding.reason == Reason.INIT_TIMED_OUT
    assert standin.calls == ["stop credit"]


def test_a_reload_that_fails_says_that_the_old_one_serves_on() -> None:
    failure = {
        "stage": "init",
        "exception": "ValueError",
        "message": "no such thing.",
        "location": {"file": "score.py", "line": 7},
        "traceback": "Traceback …",
    }
    error = reload_failed(failure, ABOUT)
    assert error.finding.location == "score.py:7"
    assert error.finding.message.endswith("no such thing. What was loaded before serves on.")
    assert error.log_tail == "Traceback …"
    assert "What was loaded" in reload_failed({"location": None}, ABOUT).finding.message


@pytest.mark.parametrize("held", [True, False])
def test_no_time_passes_while_a_debugger_holds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, held: bool
) -> None:
    """A clock that goes on by a second with each look at it."""
    clock, answers = itertools.count(), iter([False] * 5 + [True])
    times = SimpleNamespace(monotonic=lambda: next(clock), sleep=lambda _: None)
    monkeypatch.setattr(readiness, "time", times)
    about = PodContext("credit", None, "", None, startup_budget=2)
    with nullcontext() if held else pytest.raises(LocalError):
        await_ready(Standin(), service(), tmp_path, about, lambda _: next(answers), lambda: held)
