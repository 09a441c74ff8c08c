"""``spec.debug``: what it takes away, and that it is off unless it is on."""

import pytest

from fairlead.api.inferenceimage import InferenceImageSpec
from fairlead.api.webservice import WebserviceSpec
from fairlead.desired.deployment import longest_startup_s, progress_deadline_s
from fairlead.desired.disruption_budget import disruption_budget
from tests.unit.objects import webservice

WHOLE = {"imageRef": {"name": "a"}, "front": {}, "autoscale": {"minReplicas": 3}}


def test_a_debugged_service_is_one_replica_alone() -> None:
    spec = WebserviceSpec.model_validate({**WHOLE, "debug": {}})
    assert (spec.fixed_replicas, spec.autoscaled, spec.fronted) == (1, None, None)
    assert spec.debugged is not None
    assert spec.debugged.wait_seconds == 30
    many = WebserviceSpec.model_validate({"image": "a", "replicas": 5, "debug": {"enabled": True}})
    assert many.fixed_replicas == 1


@pytest.mark.parametrize("more", [{}, {"debug": {"enabled": False}}])
def test_it_is_off_unless_it_is_on(more: dict[str, object]) -> None:
    spec = WebserviceSpec.model_validate({**WHOLE, **more})
    assert (spec.debugged, spec.fixed_replicas) == (None, None)
    assert spec.fronted is not None
    source = {"source": {"inline": {"files": {"score.py": ""}}}, "entryScript": "score.py"}
    assert not InferenceImageSpec.model_validate({**source, **more}).has_debugger
    assert InferenceImageSpec.model_validate({**source, "debug": {}}).has_debugger


def test_a_breakpoint_may_hold_init_for_a_day() -> None:
    plain, held = webservice(), webservice(debug={}, rollout={"progressDeadlineSeconds": 700})
    assert longest_startup_s(held) > 24 * 3600 > longest_startup_s(plain)
    assert progress_deadline_s(held) > 24 * 3600 > progress_deadline_s(plain)
    assert disruption_budget(held) == disruption_budget(webservice(replicas=1))
