"""What the fault proxy reads from a request, and which requests its rules mean."""

import json

import pytest

from tests.faults.proxy.request import read_request, subject
from tests.faults.proxy.rules import Answer, Match, Rule

GROUP = "/apis/fairlead.dev/v1alpha1"


@pytest.mark.parametrize(
    ("method", "path", "query", "expected"),
    [
        ("GET", "/api/v1/pods", {}, ("list", "", "pods", "", "")),
        ("GET", "/api/v1/pods", {"watch": "true"}, ("watch", "", "pods", "", "")),
        ("GET", "/api/v1/namespaces/a/pods/p/log", {}, ("get", "a", "pods", "p", "log")),
        ("POST", "/api/v1/namespaces/a/secrets", {}, ("create", "a", "secrets", "", "")),
        (
            "PATCH",
            f"{GROUP}/namespaces/a/models/m/status",
            {},
            ("patch", "a", "models", "m", "status"),
        ),
        (
            "DELETE",
            "/apis/apps/v1/namespaces/a/deployments/d",
            {},
            ("delete", "a", "deployments", "d", ""),
        ),
        ("GET", "/api/v1/namespaces/a", {}, ("get", "", "namespaces", "a", "")),
        ("GET", "/api/v1/namespaces", {}, ("list", "", "namespaces", "", "")),
        ("GET", "/apis/apps/v1", {}, ("other", "", "", "", "")),
        ("GET", "/version", {}, ("other", "", "", "", "")),
        ("GET", "/", {}, ("other", "", "", "", "")),
    ],
)
def test_a_path_says_what_is_asked(
    method: str, path: str, query: dict[str, str], expected: tuple[str, ...]
) -> None:
    request = read_request(method, path, query)
    found = (request.verb, request.namespace, request.plural, request.name, request.subresource)
    assert found == expected


@pytest.mark.parametrize(
    ("path", "within"),
    [
        ("/api/v1/pods", "/api/v1/namespaces/mine/pods"),
        (f"{GROUP}/models", f"{GROUP}/namespaces/mine/models"),
        ("/api/v1/namespaces/a/pods", "/api/v1/namespaces/a/pods"),
        ("/api/v1/namespaces/a/pods/p", "/api/v1/namespaces/a/pods/p"),
        ("/api/v1/namespaces", "/api/v1/namespaces"),
        ("/apis/apps/v1", "/apis/apps/v1"),
    ],
)
def test_lists_over_all_namespaces_are_confined_to_one(path: str, within: str) -> None:
    assert read_request("GET", path, {}).within("mine") == within


def test_a_write_has_the_same_subject_in_every_run() -> None:
    status = {"status": {"conditions": [{"type": "Ready", "reason": "Stored"}]}}
    path = f"{GROUP}/namespaces/a/models/m/status"
    request = read_request("PATCH", path, {"fieldManager": "fairlead-operator"})
    assert subject(request, json.dumps(status).encode()) == "patch models/m/status Stored"
    event = {
        "kind": "Event",
        "reason": "Built",
        "regarding": {"kind": "InferenceImage", "name": "x"},
    }
    request = read_request("POST", "/apis/events.k8s.io/v1/namespaces/a/events", {})
    assert subject(request, json.dumps(event).encode()) == "create events InferenceImage x Built"
    path = "/apis/apps/v1/namespaces/a/deployments/d"
    request = read_request("PATCH", path, {"fieldManager": "fairlead-replicas"})
    assert subject(request, b"{not json") == "patch deployments/d as fairlead-replicas"
    assert subject(request, b"[]") == "patch deployments/d as fairlead-replicas"


def test_a_match_without_conditions_matches_everything() -> None:
    request = read_request("GET", "/version", {})
    assert Match()(request)
    assert not Match(verbs=frozenset({"get"}))(request)
    assert not Match(plurals=frozenset({"pods"}))(request)
    assert Match(path="^/vers")(request)
    assert not Match(path="apis")(request)


def test_a_rule_counts_what_it_skips_and_how_often_it_applies() -> None:
    request = read_request("GET", "/api/v1/pods", {})
    other = read_request("GET", "/api/v1/services", {})
    rule = Rule(Match(plurals=frozenset({"pods"})), Answer(503), times=2, skip=1, every=2)
    assert not rule.applies(other)
    assert [rule.applies(request) for _ in range(6)] == [False, True, False, True, False, False]
    always = Rule(Match(), Answer(503), times=None)
    assert all(always.applies(request) for _ in range(100))


def test_a_rule_counts_the_same_requests_so_that_none_fails_for_ever() -> None:
    one, other = (read_request("GET", f"/api/v1/{plural}", {}) for plural in ("pods", "services"))
    rule = Rule(Match(), Answer(503), times=None, every=2)
    assert [rule.applies(asked) for asked in (one, other, one, other, one)] == [
        *(True, True),
        *(False, False),
        True,
    ]
