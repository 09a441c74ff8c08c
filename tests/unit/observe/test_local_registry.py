"""The cluster's own registry, where no setting names one."""

from typing import Any

import pytest

from fairlead.api.refs import Manifest
from fairlead.errors import StalledError, WaitingError
from fairlead.observe import local_registry
from fairlead.observe.local_registry import (
    HOSTING,
    hosting,
    located_variables,
    with_local_registry,
)
from fairlead.registry.addresses import NamedHosts
from fairlead.settings import Settings
from tests.unit.fake_cluster import FakeCluster

JOBS = Settings(runner="job", task_image="tasks:1")
KINDS_OWN = 'host: "localhost:5001"\nhelp: "https://kind.sigs.k8s.io/docs/user/local-registry/"\n'
WHOLE = 'host: "localhost:5000"\nhostFromClusterNetwork: "registry:5000"\n'


def config_map(text: Any) -> Manifest:
    meta = {"name": "local-registry-hosting", "namespace": "kube-public"}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": meta,
        "data": {"localRegistryHosting.v1": text},
    }


async def found(settings: Settings, text: str | None, *, in_pods: bool = True) -> Settings:
    cluster = FakeCluster()
    if text is not None:
        cluster.put(config_map(text))
    return await with_local_registry(settings, cluster, in_pods=in_pods)


@pytest.mark.parametrize(
    ("text", "place", "registry", "push"),
    [
        (WHOLE, "pods", "localhost:5000", "registry:5000"),
        (WHOLE, "beside", "localhost:5000", "localhost:5000"),
        (KINDS_OWN, "pods", "localhost:5001", "kind-registry:5000"),
        (KINDS_OWN, "beside", "localhost:5001", "localhost:5001"),
        ("host: registry.local:5000\n", "pods", "registry.local:5000", "registry.local:5000"),
    ],
    ids=["whole", "whole, beside", "kind's script", "kind's script, beside", "one name"],
)
async def test_it_is_found_under_both_names(
    text: str,
    place: str,
    registry: str,
    push: str,
) -> None:
    located = await found(JOBS, text, in_pods=place == "pods")
    assert (located.registry, located.push_registry) == (registry, push)
    host, _, port = push.partition(":")
    assert NamedHosts.of(located).allows_plain(host, int(port)), "it has no TLS"
    assert Settings.model_fields.keys() >= {
        name.removeprefix("FAIRLEAD_").lower() for name in located_variables(located)
    }


async def test_what_a_setting_names_is_not_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = FakeCluster()
    settings = Settings(registry="registry.example.com")
    assert await with_local_registry(settings, cluster, in_pods=True) is settings
    assert not cluster.requests
    monkeypatch.setenv("FAIRLEAD_REGISTRY_PUSH", "elsewhere:5000")
    located = await found(Settings(), WHOLE)
    assert (located.registry, located.push_registry) == ("localhost:5000", "elsewhere:5000")


async def test_an_empty_setting_names_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAIRLEAD_REGISTRY", "")
    assert (await found(Settings(), WHOLE)).registry == "localhost:5000"
    assert (await found(Settings(), None)).registry == "localhost:5000"


async def test_without_one_jobs_cannot_begin_and_a_process_takes_the_usual_one() -> None:
    with pytest.raises(StalledError) as error:
        await found(JOBS, None)
    assert str(error.value) == (
        "No registry is named, and the cluster tells of none of its own (ConfigMap "
        "kube-public/local-registry-hosting). Name the registry in FAIRLEAD_REGISTRY (of the "
        "chart: settings.registry)."
    )
    assert (await found(Settings(), None, in_pods=False)).registry == "localhost:5000"


@pytest.mark.parametrize("text", ["[", "host: [x]", "x", "host: http://r/x", "host: a b"])
def test_what_does_not_say_where_it_is_is_told(text: str) -> None:
    with pytest.raises(StalledError, match="local-registry-hosting does not say where"):
        hosting(config_map(text))


@pytest.mark.parametrize(
    "manifest", [None, {}, {"data": None}, config_map("help: x"), config_map(1)]
)
def test_a_config_map_may_say_nothing(manifest: Manifest | None) -> None:
    assert hosting(manifest) is None


async def test_an_api_that_does_not_answer_is_asked_again_and_a_missing_right_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(local_registry, "ASK_AGAIN_S", 0.0)
    cluster = FakeCluster()
    cluster.put(config_map(WHOLE))
    place = ("get", HOSTING.plural)
    cluster.refusals[place] = [WaitingError("ApiUnreachable", "no answer")]
    assert (await with_local_registry(JOBS, cluster, in_pods=True)).registry == "localhost:5000"
    forbidden = StalledError("Forbidden", "may not get configmaps.")
    cluster.refusals[place] = [forbidden, forbidden]
    with pytest.raises(StalledError, match=r"may not get configmaps\. Name the registry in"):
        await with_local_registry(JOBS, cluster, in_pods=True)
    beside = await with_local_registry(Settings(), cluster, in_pods=False)
    assert beside.registry == "localhost:5000"
