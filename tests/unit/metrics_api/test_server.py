"""The API over real TLS: what the autoscaler's controller asks, and who is refused."""

import asyncio
import json
import shutil
import ssl
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import ClientConnectionError, ClientSession, TCPConnector

from fairlead.api.refs import Manifest
from fairlead.evidence import Answering
from fairlead.metrics_api import certificates as module
from fairlead.metrics_api.answers import MEASURES, METRICS, quantity, values
from fairlead.metrics_api.certificates import certificates
from fairlead.metrics_api.demand import Round
from fairlead.metrics_api.front_proxy import FrontProxy, front_proxy
from fairlead.metrics_api.server import AT_ONCE, serving
from fairlead.metrics_api.store import Measured
from fairlead.metrics_api.tls_listener import MAX_HANDSHAKES
from tests.cluster.ports import free_port
from tests.unit.fake_cluster import FakeCluster
from tests.unit.metrics_api.pki import authority, signed

ROOT = "/apis/custom.metrics.k8s.io"
DEMAND = "/namespaces/demo/webservices.fairlead.dev/iris/fairlead_demand_concurrency"
DEADLINE_S = 120.0
Get = Callable[..., Any]


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pki")
    for name in ("proxies", "others"):
        authority(folder, name)
    signed(folder, "server", "others", "fairlead-metrics")
    signed(folder, "proxy", "proxies", "front-proxy-client")
    signed(folder, "user", "proxies", "somebody")
    signed(folder, "stranger", "others", "front-proxy-client")
    return folder


def published(pki: Path, ca: str = "proxies", names: str = '["front-proxy-client"]') -> Manifest:
    meta = {"name": "extension-apiserver-authentication", "namespace": "kube-system"}
    data = {"requestheader-client-ca-file": (pki / f"{ca}.crt").read_text()}
    data["requestheader-allowed-names"] = names
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}


class Api:
    def __init__(self, pki: Path, folder: Path) -> None:
        self.pki, self.folder = pki, folder
        self.cluster, self.measured = FakeCluster(), Measured()
        self.port = free_port()
        self.cluster.put(published(pki))
        self.serve_as("server")

    def serve_as(self, name: str) -> None:
        for end in ("crt", "key"):
            shutil.copy(self.pki / f"{name}.{end}", self.folder / f"tls.{end}")

    async def get(
        self, path: str, client: str = "proxy", server_ca: str = "others", **headers: str
    ) -> tuple[int, Any]:
        context = ssl.create_default_context(cafile=self.pki / f"{server_ca}.crt")
        if client:
            context.load_cert_chain(self.pki / f"{client}.crt", self.pki / f"{client}.key")
        given = headers or {"X-Remote-User": "system:controller"}
        url = f"https://127.0.0.1:{self.port}{path}"
        async with (
            ClientSession(connector=TCPConnector(ssl=context)) as session,
            session.get(url, headers=given) as answer,
        ):
            assert answer.content_type == "application/json"
            return answer.status, json.loads(await answer.text())


@pytest_asyncio.fixture
async def api(pki: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Api]:
    monkeypatch.setattr(module, "PERIOD_S", 0.05)
    api = Api(pki, tmp_path)
    known = await certificates(api.cluster, tmp_path)
    one = Round(time.monotonic(), 3.5, 1.5, 0, 0, 4, 4)
    api.measured.add(("demo", "iris"), one)
    async with serving(f"127.0.0.1:{api.port}", api.measured, known):
        yield api


@pytest.mark.parametrize(
    ("version", "metric", "window"),
    [
        (
            "v1beta2",
            {"metric": {"name": "fairlead_demand_concurrency", "selector": None}},
            {"windowSeconds": 0},
        ),
        ("v1beta1", {"metricName": "fairlead_demand_concurrency", "selector": None}, {"window": 0}),
    ],
)
async def test_the_autoscaler_gets_exactly_one_value(
    api: Api, version: str, metric: Any, window: Any
) -> None:
    status, found = await api.get(f"{ROOT}/{version}{DEMAND}?metricLabelSelector=")
    [item] = found.pop("items")
    assert (status, found) == (
        200,
        {
            "kind": "MetricValueList",
            "apiVersion": f"custom.metrics.k8s.io/{version}",
            "metadata": {},
        },
    )
    assert item.pop("timestamp").endswith("Z")
    described = {
        "kind": "Webservice",
        "namespace": "demo",
        "name": "iris",
        "apiVersion": "fairlead.dev/v1alpha1",
    }
    assert item == {"describedObject": described, "value": "5", **metric, **window}


async def test_discovery_is_answered_as_the_aggregator_expects(api: Api) -> None:
    status, found = await api.get(f"{ROOT}/v1beta2")
    assert (status, found["kind"], found["groupVersion"]) == (
        200,
        "APIResourceList",
        "custom.metrics.k8s.io/v1beta2",
    )
    assert {one["name"] for one in found["resources"]} == {
        f"webservices.fairlead.dev/{metric}" for metric in METRICS
    }
    assert (await api.get(ROOT))[1]["preferredVersion"]["version"] == "v1beta2"
    for path in ("/apis", "/openapi/v3", "/openapi/v2", f"{ROOT}/v1", "/", "/%2e%2e/x"):
        assert (await api.get(path))[0] == 404, path


@pytest.mark.parametrize(
    "path",
    [
        DEMAND.replace("iris", "other"),
        DEMAND.replace("demo", "elsewhere"),
        DEMAND.replace("webservices.fairlead.dev", "pods"),
        DEMAND.replace("demand_concurrency", "unknown"),
        f"{DEMAND}/more",
    ],
)
async def test_what_is_not_known_is_not_there_so_that_nothing_scales(api: Api, path: str) -> None:
    status, found = await api.get(f"{ROOT}/v1beta2{path}")
    assert (status, found["kind"], found["reason"], found["code"]) == (
        404,
        "Status",
        "NotFound",
        404,
    )


@pytest.mark.parametrize("name", ["iris", "*"])
@pytest.mark.parametrize("selector", ["metricLabelSelector=a%3Db", "labelSelector=app%3Dx"])
async def test_nobody_gets_all_who_asked_for_some(api: Api, name: str, selector: str) -> None:
    path = DEMAND.replace("iris", name)
    status, found = await api.get(f"{ROOT}/v1beta2{path}?{selector}")
    assert (status, found["reason"], found["code"]) == (400, "BadRequest", 400)


async def test_the_operator_gets_all_of_a_namespace_at_once(api: Api) -> None:
    path = f"{ROOT}/v1beta2/namespaces/demo/webservices.fairlead.dev/*/{MEASURES}"
    status, found = await api.get(path)
    known = {item["metric"]["name"]: item["value"] for item in found["items"]}
    assert (status, known["fairlead_busy"], known["fairlead_queue_length"]) == (
        200,
        "3500m",
        "1500m",
    )
    assert set(known) == {*METRICS} - {MEASURES, "fairlead_run_seconds_p95"}
    assert (await api.get(path.replace("demo", "other")))[1]["items"] == []


async def test_who_does_not_answer_is_told_where_there_is_no_number(api: Api) -> None:
    api.measured.note(("demo", "hidden"), Answering(4, 3))
    path = f"{ROOT}/v1beta2/namespaces/demo/webservices.fairlead.dev/hidden/{MEASURES}"
    status, found = await api.get(path)
    known = {item["metric"]["name"]: item["value"] for item in found["items"]}
    assert (status, known) == (200, {"fairlead_pods_asked": "4", "fairlead_pods_silent": "3"})
    assert (await api.get(f"{ROOT}/v1beta2{DEMAND.replace('iris', 'hidden')}"))[0] == 404
    api.measured.keep({("demo", "iris")})
    assert (await api.get(path))[0] == 404


async def test_nobody_else_is_answered(api: Api) -> None:
    path = f"{ROOT}/v1beta2{DEMAND}"
    assert (await api.get(path, "user"))[0] == 401  # the right authority, another name
    assert (await api.get(path, **{"X-Other": "x"}))[0] == 401  # for nobody
    for client in ("stranger", ""):
        with pytest.raises((ClientConnectionError, ssl.SSLError)):
            await api.get(path, client)


async def test_strangers_who_never_shake_hands_hold_up_nobody(api: Api) -> None:
    """And take little memory: those that came first are sent away."""
    strangers = [
        await asyncio.open_connection("127.0.0.1", api.port) for _ in range(MAX_HANDSHAKES * 2)
    ]
    assert (await api.get(f"{ROOT}/v1beta2{DEMAND}"))[0] == 200
    async with asyncio.timeout(DEADLINE_S):
        gone = [await reader.read() for reader, _ in strangers[:MAX_HANDSHAKES]]
    assert gone == [b""] * MAX_HANDSHAKES
    for _, writer in strangers:
        writer.close()


async def test_a_port_that_is_taken_is_told(api: Api) -> None:
    known = await certificates(api.cluster, api.folder)
    with pytest.raises(OSError, match=r"^metrics are served on .* or set --address\.$"):
        async with serving(f"127.0.0.1:{api.port}", Measured(), known):
            raise AssertionError


async def test_thousands_of_a_namespace_leave_others_their_turn(api: Api) -> None:
    for number in range(1, 2 * AT_ONCE + 1):
        api.measured.add(("demo", f"s{number}"), Round(time.monotonic(), 1, 0, 0, 0, 1, 1))
    status, found = await api.get(f"{ROOT}/v1beta2{DEMAND.replace('iris', '*')}")
    assert (status, len(found["items"])) == (200, 2 * AT_ONCE + 1)


async def test_new_authorities_and_certificates_are_used_without_a_restart(api: Api) -> None:
    path = f"{ROOT}/v1beta2{DEMAND}"
    api.cluster.put(published(api.pki, "others", "[]"))
    signed(api.pki, "later", "proxies", "fairlead-metrics")
    api.serve_as("later")

    async def answers() -> bool:
        try:
            return (await api.get(path, "stranger", "proxies"))[0] == 200
        except (ClientConnectionError, ssl.SSLError):
            return False

    async with asyncio.timeout(DEADLINE_S):
        while not await answers():
            await asyncio.sleep(0.02)
    with pytest.raises((ClientConnectionError, ssl.SSLError)):
        await api.get(path, "proxy", "proxies")


async def test_what_cannot_be_used_leaves_what_is_used(api: Api) -> None:
    path = f"{ROOT}/v1beta2{DEMAND}"
    before = api.cluster.requests["get", "configmaps"]
    api.cluster.put({**published(api.pki), "data": {}})
    (api.folder / "tls.key").write_text("no key")
    async with asyncio.timeout(DEADLINE_S):
        while api.cluster.requests["get", "configmaps"] < before + 3:
            await asyncio.sleep(0.01)
    assert (await api.get(path))[0] == 200


def test_any_name_is_allowed_where_none_is_named() -> None:
    certificate = {"subject": ((("commonName", "x"),),)}
    assert FrontProxy("ca", frozenset()).admits(certificate)
    assert not FrontProxy("ca", frozenset({"y"})).admits(certificate)
    assert not FrontProxy("ca", frozenset()).admits(None)
    assert not FrontProxy("ca", frozenset({"y"})).admits({})


@pytest.mark.parametrize(
    "data",
    [
        None,
        {},
        {"requestheader-client-ca-file": " "},
        {"requestheader-client-ca-file": "x", "requestheader-allowed-names": "{}"},
        {"requestheader-client-ca-file": "x", "requestheader-allowed-names": "nonsense"},
    ],
)
def test_a_cluster_without_an_aggregation_layer_is_told(data: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        front_proxy(None if data is None else {"data": data})


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (5, "5"), (5 / 3, "1667m"), (0.0004, "0"), (1e9, "1000000000")]
)
def test_a_quantity_has_thousandths(value: float, text: str) -> None:
    assert quantity(value) == text


def test_the_metrics_are_those_that_are_named() -> None:
    measured = Measured()
    measured.add(("a", "b"), Round(time.monotonic(), 1, 1, 1, 1, 1, 1, {1.0: 1}))
    found = measured.of(("a", "b"))
    assert found is not None
    assert {*values(found, Answering()), MEASURES} == set(METRICS)
