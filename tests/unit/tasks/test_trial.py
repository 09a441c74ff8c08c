"""What the end of a container that tried an image means, where tasks are child processes."""

from typing import Any, cast

import pytest

from fairlead.api.reasons import Reason
from fairlead.contract import ProfileRequest, SmokeRequest
from fairlead.engines.base import EngineUnreachableError
from fairlead.engines.docker_trial import ImageNotPulledError, Trial, TrialEnd
from fairlead.settings import Settings
from fairlead.tasks import trial
from fairlead.tasks.failures import TaskFailedError
from fairlead.tasks.profile import profile
from fairlead.tasks.program import TaskContext
from fairlead.tasks.smoke import smoke
from fairlead.tasks.trial import result_of, tried
from tests.unit.diagnosis.test_profile import PASSED as MEASURED
from tests.unit.diagnosis.test_smoke_test import PASSED, record

REQUEST = SmokeRequest(image="r/i@sha256:ab", timeout_seconds=10, sample="[1]", name="diabetes")
PROFILE = ProfileRequest(
    image="r/i@sha256:ab",
    timeout_seconds=10,
    sample="[1]",
    requests=5,
    seconds=5,
    max_concurrent_requests=2,
    limits={"memory": "1Gi"},
)


class Task:
    settings, log = Settings(), None


TASK = cast(TaskContext, Task())


def ends(monkeypatch: pytest.MonkeyPatch, end: TrialEnd | Exception) -> list[Trial]:
    """Each trial ends like that; returns those that are begun."""
    begun: list[Trial] = []

    def run_trial(wanted: Trial, _: Any) -> TrialEnd:
        begun.append(wanted)
        if isinstance(end, Exception):
            raise end
        return end

    monkeypatch.setattr(trial, "run_trial", run_trial)
    return begun


def test_the_runtimes_word_is_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = ends(monkeypatch, TrialEnd(0, PASSED))
    assert smoke(REQUEST, TASK).seconds == 1.5
    assert begun[0].option == "smoke-test"
    assert begun[0].variables["FAIRLEAD_TERMINATION_LOG"] == "/fairlead-trial/result"
    assert b'"sample":"[1]"' in begun[0].order


def test_a_profile_is_the_same_with_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = ends(monkeypatch, TrialEnd(0, MEASURED))
    assert profile(PROFILE, TASK).requests == 5
    assert (begun[0].option, begun[0].limits) == ("profile", {"memory": "1Gi"})
    assert begun[0].variables["FAIRLEAD_MAX_CONCURRENT_REQUESTS"] == "2"


@pytest.mark.parametrize(
    ("end", "reason", "words"),
    [
        (
            TrialEnd(3, record("init", "ValueError", "bad weights")),
            Reason.USER_SCRIPT_INIT_FAILED,
            "Smoke test: init() raised ValueError at score.py:12: bad weights",
        ),
        (
            TrialEnd(137, "", out_of_memory=True),
            Reason.POD_OUT_OF_MEMORY,
            "more memory than its limit",
        ),
        (TrialEnd(1, "good-bye"), Reason.SMOKE_TEST_FAILED, "ended with exit code 1"),
        (TrialEnd(0, "good-bye"), Reason.SMOKE_TEST_FAILED, "ended with exit code 0"),
    ],
)
def test_what_failed_is_told_as_of_a_pod(end: TrialEnd, reason: Reason, words: str) -> None:
    with pytest.raises(TaskFailedError) as raised:
        result_of("smoke", REQUEST, end)
    assert raised.value.failure.reason is reason
    assert words in raised.value.failure.message
    assert not raised.value.failure.retryable


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (EngineUnreachableError("Docker Engine does not answer."), Reason.ENGINE_UNREACHABLE),
        (ImageNotPulledError("It was not pulled: denied"), Reason.IMAGE_PULL_FAILED),
    ],
)
def test_what_is_not_the_images_fault_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, error: Exception, reason: Reason
) -> None:
    ends(monkeypatch, error)
    with pytest.raises(TaskFailedError) as raised:
        tried("smoke", REQUEST, TASK)
    assert (raised.value.failure.reason, raised.value.failure.retryable) == (reason, True)
