"""Whom the metrics API asks."""

import socket
from dataclasses import replace
from typing import Any

import pytest

from fairlead.api.meta import WEBSERVICE
from fairlead.metrics_api.targets import Service, Target, project_service, project_target, targets
from tests.unit.objects import body

IP = "10.1.2.3"
READY = [{"type": "Ready", "status": "True"}]


def pod(uid: str, component: str = "scoring", **status: Any) -> Any:
    """Of the Webservice ``diabetes``, as its ReplicaSet makes them."""
    labels = {"app.kubernetes.io/component": component, "pod-template-hash": "5d4c"}
    labels["fairlead.dev/webservice"] = "diabetes"
    deployment = "diabetes-fairlead-front" if component == "front" else "diabetes"
    owner = {"kind": "ReplicaSet", "name": f"{deployment}-5d4c", "controller": True}
    state = {"podIP": "10.1.2.3", "conditions": READY, **status}
    meta = {"uid": uid, "labels": labels, "ownerReferences": [owner]}
    return {"metadata": meta, "spec": {}, "status": state}


def service(**spec: Any) -> Service:
    return Service(*project_service(body(WEBSERVICE, {"imageRef": {"name": "a"}, **spec})))


def test_of_a_webservice_numbers_are_kept() -> None:
    assert service() == Service(slots=1, fronted=True, metrics_port=5001)  # there may be one
    assert service(front={"enabled": False}) == replace(service(), fronted=False)
    assert service(front={}, replicas=1, debug={}) == replace(service(), fronted=False)
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
        {"podIP": "::ffff:127.0.0.1"},
        {"podIP": "169.254.169.254"},
        {"podIP": "fe80::1%eth0"},
        {"podIP": "0.0.0.0"},
        {"podIP": "224.0.0.1"},
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


@pytest.mark.parametrize(
    "owners",
    [
        [],
        [{"kind": "ReplicaSet", "name": "diabetes-5d4c"}],  # not its controller
        [{"kind": "Job", "name": "diabetes-5d4c", "controller": True}],
        [{"kind": "ReplicaSet", "name": "other-5d4c", "controller": True}],
        [{"kind": "ReplicaSet", "name": "diabetes-5d4d", "controller": True}],
    ],
)
def test_labels_alone_make_no_replica(owners: list[Any]) -> None:
    pretender = pod("a")
    pretender["metadata"]["ownerReferences"] = owners
    assert project_target(pretender) is None


def test_a_replica_is_none_of_the_front_and_none_of_another() -> None:
    for label, value in (
        ("app.kubernetes.io/component", "front"),
        ("fairlead.dev/webservice", "other"),
    ):
        pretender = pod("a")
        pretender["metadata"]["labels"][label] = value
        assert project_target(pretender) is None


def test_what_answers_at_the_address_of_a_node_is_no_replica() -> None:
    assert project_target(pod("a") | {"spec": {"hostNetwork": True}}) is None


def test_two_pods_that_say_they_have_one_address_are_asked_once() -> None:
    pods = [project_target(pod(uid)) for uid in ("b", "a")]
    _, [one] = targets(service(), pods)
    assert one.uid == "a"


def test_fronts_are_asked_where_one_is_ready_and_replicas_else() -> None:
    replicas = [project_target(pod(uid, podIP=ip)) for uid, ip in (("b", "10.0.0.1"), ("a", IP))]
    front = project_target(pod("f", "front", podIP="fd00::7"))
    component, asked = targets(service(front={}), [*replicas, front, None])
    assert component == "front"
    [one] = asked
    path = "/metrics?scope=frontend&scope=backend&no-maint"
    assert one == Target("f", "fd00::7", 8405, path)
    assert one.family is socket.AF_INET6
    assert one.question.decode().splitlines() == [
        f"GET {path} HTTP/1.1",
        "Host: [fd00::7]:8405",
        "Accept-Encoding: identity",
        "Connection: close",
        "",
    ]
    cases: list[tuple[dict[str, Any], list[Any]]] = [
        ({"front": {}}, replicas),
        ({}, replicas),
        ({"front": {"enabled": False}}, [*replicas, front]),
    ]
    for spec, pods in cases:
        component, asked = targets(service(**spec), pods)
        assert (component, [one.uid for one in asked]) == ("scoring", ["a", "b"])
        assert asked[0] == Target("a", IP, 5001, "/metrics")
        assert asked[0].family is socket.AF_INET
