"""Objects are read as kubectl shows them, over one connection."""

from typing import Any

import httpx
import pytest

from tests.cluster.errors import ClusterError
from tests.cluster.objects import Objects

CORE = {
    "metadata": {},
    "versions": [
        {
            "version": "v1",
            "resources": [
                {
                    "resource": "pods",
                    "singularResource": "pod",
                    "shortNames": ["po"],
                    "scope": "Namespaced",
                },
                {"resource": "nodes", "singularResource": "node", "scope": "Cluster"},
            ],
        }
    ],
}
METRICS = {
    "metadata": {"name": "metrics.k8s.io"},
    "versions": [
        {"version": "v1beta1", "resources": [{"resource": "pods", "scope": "Namespaced"}]}
    ],
}
GONE = {"metadata": {"name": "gone.example.com"}, "versions": [{"version": "v1"}]}
POD = {"metadata": {"name": "a", "managedFields": [{"manager": "kubelet"}]}}


def answered(request: httpx.Request) -> httpx.Response:
    lists: dict[str, Any] = {
        "/api": {"items": [CORE]},
        "/apis": {"items": [GONE, METRICS]},
        "/api/v1/namespaces/one/pods": {"apiVersion": "v1", "kind": "PodList", "items": [POD]},
        "/api/v1/nodes": {"apiVersion": "v1", "kind": "NodeList", "items": []},
        "/api/v1/namespaces/one/pods/a": {"kind": "Pod", **POD},
    }
    found = lists.get(request.url.path)
    return httpx.Response(200, json=found) if found else httpx.Response(404, text="not found")


@pytest.fixture
def asked() -> list[httpx.Request]:
    return []


@pytest.fixture
def objects(asked: list[httpx.Request]) -> Objects:
    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return answered(request)

    transport = httpx.MockTransport(handle)
    return Objects(httpx.Client(base_url="https://cluster", transport=transport))


@pytest.mark.parametrize("kind", ["pods", "pod", "po"])
def test_one_is_had_by_any_name_of_its_kind_without_its_managers(
    objects: Objects, kind: str
) -> None:
    assert objects.get(kind, "a", "one") == {"kind": "Pod", "metadata": {"name": "a"}}


def test_what_is_not_there_is_an_error_or_none_as_asked(objects: Objects) -> None:
    assert objects.find("pod", "b", "one") is None
    with pytest.raises(ClusterError, match="404"):
        objects.get("pod", "b", "one")


def test_a_list_has_the_kind_in_each_of_its_items(
    objects: Objects, asked: list[httpx.Request]
) -> None:
    found = objects.items("pods,nodes", "one", labels="a=b")
    assert found == [{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}]
    assert dict(asked[-2].url.params) == {"labelSelector": "a=b"}


def test_kinds_are_asked_for_once_and_again_only_for_a_new_one(
    objects: Objects, asked: list[httpx.Request]
) -> None:
    objects.items("pods", "one")
    objects.items("nodes")
    assert [request.url.path for request in asked].count("/api") == 1
    with pytest.raises(ClusterError, match='no kind "cats"'):
        objects.items("cats")
    assert [request.url.path for request in asked].count("/api") == 2


def test_an_api_server_that_does_not_answer_is_an_error() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    silent = Objects(
        httpx.Client(base_url="https://cluster", transport=httpx.MockTransport(refuse))
    )
    with pytest.raises(ClusterError, match="did not answer"):
        silent.get("pod", "a", "one")
