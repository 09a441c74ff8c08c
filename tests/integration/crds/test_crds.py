"""The real API server takes our definitions, and refuses wrong objects in the right words."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from fairlead.api.meta import API_VERSION
from tests.cluster import Cluster, ClusterError

TOP = Path(__file__).parents[3]
WRONG: list[dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parent / "wrong_objects.yaml").read_text()
)


@pytest.fixture(scope="module")
def api(cluster: Cluster) -> Cluster:
    """A cluster that knows the kinds; the objects here are never stored."""
    definitions = TOP / "crds"
    cluster.run_kubectl("apply", "--server-side", "--force-conflicts", "-f", definitions)
    cluster.run_kubectl("wait", "--for=condition=Established", "-f", definitions, "--timeout=60s")
    return cluster


def _try(api: Cluster, manifests: str) -> str:
    return api.run_kubectl("create", "--dry-run=server", "-f", "-", text=manifests)


def _manifest(wrong: dict[str, Any]) -> str:
    metadata = {"name": wrong.get("name", "wrong"), "namespace": "default"}
    head = {"apiVersion": API_VERSION, "kind": wrong["kind"], "metadata": metadata}
    return json.dumps({**head, "spec": wrong["spec"]})


@pytest.mark.parametrize("wrong", WRONG, ids=[wrong["why"] for wrong in WRONG])
def test_a_wrong_object_is_refused_with_the_reason(api: Cluster, wrong: dict[str, Any]) -> None:
    with pytest.raises(ClusterError) as refusal:
        _try(api, _manifest(wrong))
    answer = "\n".join(refusal.value.tail)
    assert [words for words in wrong["all"] if words not in answer] == [], answer


@pytest.mark.parametrize("name", ["model.yaml", "image.yaml", "service.yaml"])
def test_the_example_is_taken(api: Cluster, name: str) -> None:
    manifest = (TOP / "examples/diabetes" / name).read_text()
    assert "created (server dry run)" in _try(api, manifest)


@pytest.mark.parametrize("kind", ["models", "inferenceimages", "webservices"])
def test_status_has_a_door_of_its_own(api: Cluster, kind: str) -> None:
    found = api.run_kubectl("get", f"crd/{kind}.fairlead.dev", "-o", "json")
    (version,) = json.loads(found)["spec"]["versions"]
    assert version["subresources"]["status"] == {}
    accepted = json.loads(found)["status"]["acceptedNames"]
    assert accepted["categories"] == ["fairlead"]


@pytest.mark.parametrize(
    ("spec", "fields"),
    [
        (
            {"replicas": -1, "imageRef": {"name": "a"}, "expose": {"type": "Public"}},
            ("spec.replicas", "spec.expose.type"),
        ),
        (
            {"autoscale": {"minReplicas": 3, "maxReplicas": 2}, "imageRef": {"name": "A/b"}},
            ("spec.autoscale", "spec.imageRef.name"),
        ),
    ],
    ids=["bounds-and-enums", "rules"],
)
def test_what_is_refused_is_told_all_at_once(
    api: Cluster, spec: dict[str, Any], fields: tuple[str, ...]
) -> None:
    """In two sittings: the API server checks rules only where bounds and enums are kept."""
    with pytest.raises(ClusterError) as refusal:
        _try(api, _manifest({"kind": "Webservice", "spec": spec}))
    answer = "\n".join(refusal.value.tail)
    assert [field for field in fields if field not in answer] == [], answer
