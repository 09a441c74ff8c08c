"""``Model.profile`` over a namespace in memory: what is made, waited for and told in v1's words."""

from pathlib import Path
from typing import Any

import pytest

from fairlead.api.refs import Manifest
from fairlead.azureml import profile as profiles
from fairlead.azureml import waiting
from fairlead.azureml.core import Model, Workspace
from fairlead.azureml.core.image import ContainerImage
from fairlead.azureml.core.model import InferenceConfig
from fairlead.azureml.exceptions import (
    InvalidConfigurationError,
    UnsupportedError,
    WebserviceException,
)
from tests.unit.azureml.fake_objects import FakeObjects, does_it_all

SCRIPT = "def init():\n    pass\n\n\ndef run(data):\n    return data\n"
FOUND = {
    "given": {"cpu": "500m", "memory": "954Mi"},
    "recommended": {"cpu": "600m", "memory": "288Mi"},
    "requests": 1000,
    "errors": 10,
    "requestsPerSecond": 250,
    "highestCpuCores": 0.6,
    "memoryPeak": "213Mi",
    "latencyMilliseconds": {"mean": 4, "p50": 3, "p90": 5, "p95": 6, "p99": 7, "p999": 8},
}
FAILURE = {
    "reason": "UserScriptRunFailed",
    "message": "Profile: run() raised KeyError at score.py:6",
    "remedy": "Correct it.",
    "location": "score.py:6",
    "logUri": "/logs/x",
}


class Operator:
    """Answers with one state after the other, and then with the last."""

    def __init__(self, *told: tuple[str, str, Manifest]) -> None:
        self.told = list(told)

    def __call__(self, one: Manifest) -> dict[str, Any]:
        status = does_it_all(one)
        if one["kind"] != "InferenceImage":
            return status
        truth, reason, profile = self.told.pop(0) if len(self.told) > 1 else self.told[0]
        told = {"type": "Profiled", "status": truth, "reason": reason, "message": "…"}
        return {**status, "conditions": [*status["conditions"], told], "profile": profile}


@pytest.fixture
def objects() -> FakeObjects:
    return FakeObjects(operator=Operator(("True", "Profiled", FOUND)))


@pytest.fixture
def team(here: Path, objects: FakeObjects, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    for module in (waiting, profiles):
        monkeypatch.setattr(module, "POLL_S", 0.001)
    (here / "score.py").write_text(SCRIPT)
    return Workspace("s", "g", "team", objects=objects)


def begun(team: Workspace, **given: Any) -> Any:
    config = InferenceConfig(entry_script="score.py", runtime="python")
    return Model.profile(team, "sizing", [], config, **{"input_dataset": "[1]", **given})


def test_an_image_with_a_profile_is_made_and_its_numbers_are_told_in_v1s_words(
    team: Workspace, objects: FakeObjects, capsys: pytest.CaptureFixture[str]
) -> None:
    found = begun(team, cpu=0.5, memory_in_gb=1.0, description="how large?")
    [made] = objects.of("InferenceImage")
    assert made["spec"]["profile"] == {
        "sample": {"inline": "[1]"},
        "cpu": "500m",
        "memory": "954Mi",
    }
    found.wait_for_completion(show_output=True)
    assert "Profiled" in capsys.readouterr().out
    assert (found.state, found.description) == ("Succeeded", "how large?")
    assert found.get_details() == found.get_results() == found.serialize()
    assert found.get_details() == {
        "name": "sizing",
        "state": "Succeeded",
        "recommendedCpu": 0.6,
        "recommendedMemoryInGB": 0.302,
        "maxUtilizedCpu": 0.6,
        "maxUtilizedMemoryInGB": 0.223,
        "requestedCpu": 0.5,
        "requestedMemoryInGB": 1.0,
        "measuredQueriesPerSecond": 250,
        "totalQueries": 1000,
        "successQueries": 990,
        "successRate": 99.0,
        "averageLatencyInMs": 4,
        "latencyPercentile50InMs": 3,
        "latencyPercentile90InMs": 5,
        "latencyPercentile95InMs": 6,
        "latencyPercentile99InMs": 7,
        "latencyPercentile999InMs": 8,
    }
    assert "sizing" in repr(found)


def test_a_profile_that_fails_says_why(team: Workspace, objects: FakeObjects) -> None:
    objects.operator = Operator(("False", "UserScriptRunFailed", {"failure": FAILURE}))
    found = begun(team)
    with pytest.raises(
        WebserviceException, match=r"UserScriptRunFailed: Profile: run\(\)"
    ) as raised:
        found.wait_for_completion()
    assert "Where: score.py:6" in raised.value.message
    details = found.get_details()
    assert details["state"] == "Failed"
    assert details["errorLogsUri"] == "/logs/x"


def test_what_is_tried_again_by_itself_is_waited_for(team: Workspace, objects: FakeObjects) -> None:
    again = {"failure": {**FAILURE, "nextRetryAt": "2026-11-22T10:03:11Z"}}
    objects.operator = Operator(("False", "TaskInterrupted", again))
    found = begun(team)
    assert (found.state, found.get_details()) == ("Running", {"name": "sizing", "state": "Running"})
    with pytest.raises(WebserviceException):
        found.wait_for_completion(timeout_s=0)


def test_the_same_profile_may_be_asked_for_again_and_no_other_image_is_touched(
    team: Workspace,
) -> None:
    begun(team)
    begun(team, cpu=1)
    image = ContainerImage.image_configuration(execution_script="score.py", runtime="python")
    ContainerImage.create(team, "credit", [], image)
    config = InferenceConfig(entry_script="score.py", runtime="python")
    with pytest.raises(WebserviceException, match="is no profile"):
        Model.profile(team, "credit", [], config, "[1]")


@pytest.mark.parametrize(
    ("sample", "body"),
    [
        ("[1]", "[1]"),
        (b"[2]", "[2]"),
        ({"data": [1]}, '{"data": [1]}'),
        (["[3]", "[4]"], "[3]"),
        ([[1, 2]], "[[1, 2]]"),
    ],
)
def test_a_sample_is_a_body(sample: object, body: str) -> None:
    assert profiles.body_of(sample) == body


@pytest.mark.parametrize("sample", [None, object()])
def test_what_is_no_body_is_refused(sample: object) -> None:
    with pytest.raises(InvalidConfigurationError, match="the body of a request"):
        profiles.body_of(sample)


def test_v1s_bounds_are_told_in_v1s_words(team: Workspace) -> None:
    with pytest.raises(InvalidConfigurationError) as raised:
        begun(team, cpu=4, memory_in_gb=0)
    assert "Expected cpu value is between 0.1 and 3.5. Provided: 4" in str(raised.value)
    assert "Expected memory_in_gb value is between 0.1 and 15.0. Provided: 0" in str(raised.value)


def test_without_a_cluster_it_says_what_it_needs(here: Path) -> None:
    (here / "score.py").write_text(SCRIPT)
    config = InferenceConfig(entry_script="score.py", runtime="python")
    with pytest.raises(UnsupportedError, match="a workspace of a cluster"):
        Model.profile(Workspace("s", "g", "w"), "sizing", [], config, "[1]")
