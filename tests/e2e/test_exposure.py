"""Hosts, on a real API server: what is applied stays as it is, and what controllers say is told.

No controller runs here: the tests write what one would.
"""

import json
from typing import Any

from fairlead.api.refs import Manifest
from tests.cluster import golang
from tests.cluster.places import places
from tests.cluster.programs import MONITORING_MODULE, source_of
from tests.e2e.chart import GATEWAY
from tests.e2e.scene import Scene, condition

IMAGE = "localhost:5000/fairlead/no-such-image:1"  # what is exposed need not serve
DEFINITION = "config/crd/standard/gateway.networking.k8s.io_httproutes.yaml"
CRD = "crd/httproutes.gateway.networking.k8s.io"


def expose(scene: Scene, name: str = "diabetes", **expose: Any) -> None:
    scene.service(name, image=IMAGE, expose=expose or None)


def exposed(scene: Scene, reason: str | None, name: str = "diabetes") -> Manifest:
    """Wait until ``Exposed`` has this reason; return the status."""

    def says(seen: Manifest) -> bool:
        status = seen.get("status", {})
        current = status.get("observedGeneration") == seen["metadata"]["generation"]
        return bool(current and condition(status, "Exposed")["reason"] == reason)

    return dict(scene.until(lambda: scene.get("webservice", name), says)["status"])


def controller_says(scene: Scene, kind: str, status: Manifest) -> None:
    patch = json.dumps({"status": status})
    scene.kubectl("patch", kind, "diabetes", "--subresource=status", "--type=merge", "-p", patch)


def test_an_ingress_is_made_followed_and_withdrawn(scene: Scene) -> None:
    host = f"credit.{scene.namespace}.example.com"
    expose(scene, type="Ingress", host=host, tls={"secretName": "credit-tls"})
    exposed(scene, "WaitingForAddress")
    made = scene.get("ingress")
    assert made["spec"]["ingressClassName"] == "scenes"
    annotations = made["metadata"]["annotations"]
    assert annotations["nginx.ingress.kubernetes.io/proxy-read-timeout"] == "66"
    controller_says(scene, "ingress", {"loadBalancer": {"ingress": [{"ip": "192.0.2.7"}]}})
    status = exposed(scene, "Exposed")
    assert status["scoringUri"] == f"https://{host}/score"
    assert condition(status, "Settled")["reason"] is None
    expose(scene, "second", type="Ingress", host=host)
    exposed(scene, "HostTaken", "second")
    expose(scene, "third", type="Ingress", host="credit.another.example.com")
    refused = exposed(scene, "ExposureNotGranted", "third")
    assert f"*.{scene.namespace}.example.com" in condition(refused, "Exposed")["message"]
    assert [one["metadata"]["name"] for one in scene.items("ingress")] == ["diabetes"]
    assert scene.get("ingress")["metadata"]["generation"] == made["metadata"]["generation"]
    expose(scene)
    exposed(scene, "WaitingForAddress", "second")
    scene.until(
        lambda: [one["metadata"]["name"] for one in scene.items("ingress")],
        lambda names: names == ["second"],
    )


def test_a_route_is_made_once_the_cluster_knows_routes_and_is_what_its_gateway_says(
    scene: Scene,
) -> None:
    scene.cluster.run_kubectl("delete", CRD, "--ignore-not-found")
    host = f"credit.{scene.namespace}.example.com"
    expose(scene, type="HTTPRoute", host=host, path="/credit")
    exposed(scene, "GatewayApiMissing")
    go = golang.located(places()) or golang.install(places())
    gateway_api = source_of(go, "sigs.k8s.io/gateway-api", MONITORING_MODULE)
    try:
        scene.cluster.run_kubectl("apply", "--server-side", "-f", str(gateway_api / DEFINITION))
        exposed(scene, "WaitingForAddress")
        made = scene.get("httproute")
        controller_says(scene, "httproute", route_status("False", "NotAllowedByListeners"))
        refused = condition(exposed(scene, "RouteRefused"), "Exposed")
        assert "NotAllowedByListeners" in refused["message"]
        controller_says(scene, "httproute", route_status("True", "Accepted"))
        status = exposed(scene, "Exposed")
        assert status["scoringUri"] == f"https://{host}/credit/score"
        assert condition(status, "Settled")["reason"] is None
        assert scene.get("httproute")["spec"] == made["spec"]
        assert scene.get("httproute")["metadata"]["generation"] == 1
        expose(scene)
        scene.until(lambda: scene.items("httproute"), lambda left: left == [])
    finally:
        scene.cluster.run_kubectl("delete", CRD, "--ignore-not-found")


def route_status(truth: str, reason: str) -> Manifest:
    namespace, _, name = GATEWAY.partition("/")
    told = {"status": truth, "reason": reason, "message": "", "observedGeneration": 1}
    when = {"lastTransitionTime": "2026-11-27T12:00:00Z"}
    conditions = [{"type": type_, **told, **when} for type_ in ("Accepted", "ResolvedRefs")]
    parent = {"parentRef": {"namespace": namespace, "name": name}, "conditions": conditions}
    return {"parents": [{**parent, "controllerName": "example.com/scenes"}]}
