"""The registry of the real cluster is found by what it says of itself, over its real API."""

import pytest

from fairlead.cluster import connected
from fairlead.credentials.environment import credentials_of
from fairlead.observe.local_registry import with_local_registry
from fairlead.settings import Settings
from tests.cluster import Cluster


@pytest.mark.parametrize("runner", ["local", "job"])
async def test_the_clusters_own_registry_is_found_under_both_names(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, runner: str
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig))
    monkeypatch.delenv("FAIRLEAD_REGISTRY", raising=False)
    settings = Settings.model_validate({"runner": runner, "task_image": "tasks:1"})
    async with connected(credentials_of()) as api:
        found = await with_local_registry(settings, api, in_pods=runner == "job")
    pushed = {"local": cluster.registry, "job": cluster.registry_from_pods}
    assert (found.registry, found.push_registry) == (cluster.registry, pushed[runner])
