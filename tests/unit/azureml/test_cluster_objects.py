"""The namespace's objects over the API, with a small API server on this machine."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from fairlead.api.meta import WEBSERVICE
from fairlead.api.refs import Ref
from fairlead.azureml.cluster_objects import ClusterObjects
from fairlead.azureml.core import Workspace
from fairlead.azureml.exceptions import WebserviceException
from fairlead.azureml.objects import ConflictError, ours, plain
from tests.unit.remote.fake_api import FakeApi, kubeconfig

PATH = "/apis/fairlead.dev/v1alpha1/namespaces/default/webservices"


@pytest.fixture
def api() -> Iterator[FakeApi]:
    with FakeApi().serving() as served:
        yield served


@pytest.fixture
def objects(api: FakeApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ClusterObjects:
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig(api, tmp_path)))
    monkeypatch.delenv("FAIRLEAD_WORKSPACE", raising=False)
    for name in ("http_proxy", "HTTP_PROXY", "KUBERNETES_SERVICE_HOST"):
        monkeypatch.delenv(name, raising=False)
    found = Workspace("s", "g", "default").objects
    assert isinstance(found, ClusterObjects)
    return found


def test_objects_are_read_written_and_deleted(api: FakeApi, objects: ClusterObjects) -> None:
    made = {
        "apiVersion": "fairlead.dev/v1alpha1",
        "kind": "Webservice",
        "metadata": {"name": "credit", "namespace": "default"},
        "spec": {"imageRef": {"name": "credit"}},
    }
    ref = ours(objects, WEBSERVICE, "credit")
    assert objects.create(made)["spec"] == made["spec"]
    assert api.requests("POST") == [PATH]
    assert objects.get(ref) is None
    api.ours("Webservice", spec=made["spec"])
    assert objects.merge(ref, {"spec": {"replicas": 2}})["spec"]["replicas"] == 2
    found = objects.get(ref)
    assert found is not None
    assert found["spec"] == {"imageRef": {"name": "credit"}, "replicas": 2}
    assert objects.delete(ref)
    assert not objects.delete(ref)


def test_what_a_list_leaves_out_is_known(api: FakeApi, objects: ClusterObjects) -> None:
    api.objects[f"{PATH}/credit"] = {"metadata": {"name": "credit", "labels": {"a": "b"}}}
    api.objects[f"{PATH}/other"] = {"metadata": {"name": "other"}}
    (found,) = objects.items(ours(objects, WEBSERVICE), "a=b")
    assert (found["kind"], found["apiVersion"]) == ("Webservice", "fairlead.dev/v1alpha1")
    assert len(objects.items(ours(objects, WEBSERVICE))) == 2


def test_a_namespace_is_made_once(api: FakeApi, objects: ClusterObjects) -> None:
    assert objects.make_namespace()
    assert api.bodies[-1]["metadata"] == {"name": "default"}
    api.objects["/api/v1/namespaces/default"] = {"metadata": {"name": "default"}}
    assert not objects.make_namespace()


def test_logs_of_one_replica_and_of_several(api: FakeApi, objects: ClusterObjects) -> None:
    for name in ("a", "b"):
        labels = {"fairlead.dev/webservice": "credit", "app.kubernetes.io/component": "scoring"}
        api.put({"apiVersion": "v1", "metadata": {"name": name, "labels": labels}}, "pods")
        api.logs[f"/api/v1/namespaces/default/pods/{name}/log"] = f"of {name}\n".encode()
    assert objects.logs("credit", 5, init=False) == "--- a\nof a\n--- b\nof b\n"
    del api.objects["/api/v1/namespaces/default/pods/b"]
    assert objects.logs("credit", 5, init=False) == "of a\n"
    assert "tailLines=5" in api.requests("GET")[-1]


def test_what_the_api_refuses_is_told_with_its_remedy(
    api: FakeApi, objects: ClusterObjects
) -> None:
    api.refuse("GET", f"{PATH}/credit", 403, "webservices is forbidden")
    with pytest.raises(WebserviceException) as caught:
        objects.get(ours(objects, WEBSERVICE, "credit"))
    assert "webservices is forbidden" in caught.value.message
    assert "\nRemedy: " in caught.value.message


def test_a_conflict_is_told_from_other_refusals(api: FakeApi, objects: ClusterObjects) -> None:
    api.refuse("PATCH", f"{PATH}/credit", 409, "the object has been modified")
    with pytest.raises(ConflictError, match="has been modified"):
        objects.merge(ours(objects, WEBSERVICE, "credit"), {})


def test_a_key_is_awaited_at_every_replica_that_there_is(
    api: FakeApi, objects: ClusterObjects
) -> None:
    secret = {"apiVersion": "v1", "metadata": {"name": "credit-fairlead-keys"}, "data": {"a": "b"}}
    api.put(secret, "secrets")
    for primary in (True, False):
        objects.replace_key("credit", "one", primary=primary)
    ref = plain(objects, "Secret", "credit-fairlead-keys")
    assert api.objects[ref.path]["data"] == {
        "a": "b",
        "primaryKey": "b25l",
        "secondaryKey": "b25l",
    }
    assert "labelSelector" in api.requests("GET")[-1]


def test_a_request_that_cannot_be_made(objects: ClusterObjects) -> None:
    with pytest.raises(WebserviceException, match="Received bad response from service"):
        objects.score("credit", b"{}")


def test_a_notebook_has_an_event_loop_of_its_own(api: FakeApi, objects: ClusterObjects) -> None:
    async def cell() -> object:
        return objects.get(plain(objects, "ConfigMap", "x"))

    assert asyncio.run(cell()) is None
    assert api.requests("GET") == [Ref("v1", "configmaps", "default", "x").path]
