"""Whom the metrics API asks."""

from typing import Any

import pytest

from fairlead.api.meta import WEBSERVICE
from fairlead.metrics_api.targets import Service, project_service, project_target, targets
from tests.unit.objects import body

READY = [{"type": "Ready", "status": "True"}]


def pod(uid: str, component: str = "scoring", **status: Any) -> Any:
    labels = {"app.kubernetes.io/component": component}
    state = {"podIP": "10.1.2.3", "conditions": READY, **status}
    return {"metadata": {"uid": uid, "labels": labels}, "status": state}


def service(**spec: Any) -> Service:
    return Service(*project_service(body(WEBSERVICE, {"imageRef": {"name": "a"}, **spec})))


def test_of_a_webservice_numbers_are_kept() -> None:
    assert service() == Service(slots=1, fronted=False, metrics_port=5001)
    variables = {"FAIRLEAD_METRICS_PORT": "9000", "WORKER_COUNT": "3"}
    found = service(front={}, environmentVariables=variables)
    assert found == Service(slots=3, fronted=True, metrics_port=9000)


def test_what_cannot_be_read_is_left_to_the_operator() -> None:
    assert project_service(body(WEBSERVICE, {"replicas": "many"})) is None


@pytest.mark.parametrize(
    "status",
    [
        {"podIP": None},
        {"podIP": "127.0.0.1"},
        {"podIP": "::1"},
        {"podIP": "evil.example.com/x?"},
        {"podIP": "10.1.2.3:80"},
        {"conditions": None},
        {"conditions": [{"type": "Ready", "status": "False"}]},
    ],
)
def test_only_ready_pods_with_an_address_are_asked(status: dict[str, Any]) -> None:
    assert project_target(pod("a", **status)) is None


def test_pods_of_others_and_those_that_leave_are_not_asked() -> None:
    assert project_target(pod("a", component="smoke")) is None
    assert project_target({"metadata": {"uid": "a"}}) is None
    leaving = pod("a")
    leaving["metadata"]["deletionTimestamp"] = "2026-11-22T09:00:00Z"
    assert project_target(leaving) is None


def test_fronts_are_asked_where_one_is_ready_and_replicas_else() -> None:
    replicas = [project_target(pod(uid)) for uid in ("b", "a")]
    front = project_target(pod("f", "front", podIP="fd00::7"))
    component, asked = targets(service(front={}), [*replicas, front, None])
    assert component == "front"
    [one] = asked
    assert one.url == "http://[fd00::7]:8405/metrics?scope=frontend&scope=backend&no-maint"
    cases: list[tuple[dict[str, Any], list[Any]]] = [
        ({"front": {}}, replicas),
        ({}, [*replicas, front]),
    ]
    for spec, pods in cases:
        component, asked = targets(service(**spec), pods)
        assert (component, [one.uid for one in asked]) == ("scoring", ["a", "b"])
        assert {one.url for one in asked} == {"http://10.1.2.3:5001/metrics"}
