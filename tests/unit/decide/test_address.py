"""The address of a service: from outside where it can be, else its name in the cluster."""

from typing import Any

import pytest

from fairlead.decide.webservice.address import base_uri
from fairlead.desired.child_kinds import SERVICE
from fairlead.evidence import ChildEvidence
from fairlead.observe.projection import project

NODE_PORT = {"type": "NodePort", "ports": [{"nodePort": 30080}]}
BALANCED = {"type": "LoadBalancer", "ports": [{}]}


def service(spec: dict[str, Any], *ingress: dict[str, str]) -> ChildEvidence:
    metadata = {"name": "credit", "namespace": "demo"}
    status = {"loadBalancer": {"ingress": list(ingress)} if ingress else {}}
    return project(SERVICE, {"metadata": metadata, "spec": spec, "status": status})


@pytest.mark.parametrize(
    ("found", "nodes", "external_host", "uri"),
    [
        (service({"type": "ClusterIP"}), ["10.0.0.1"], "localhost", "http://credit.demo.svc"),
        (service(NODE_PORT), ["10.0.0.1"], "localhost", "http://localhost:30080"),
        (service(NODE_PORT), ["10.0.0.1", "10.0.0.2"], "", "http://10.0.0.1:30080"),
        (service(NODE_PORT), ["fd00::1"], "", "http://[fd00::1]:30080"),
        (service(NODE_PORT), [], "", "http://credit.demo.svc"),
        (service(BALANCED), [], "", "http://credit.demo.svc"),
        (service(BALANCED, {"ip": "192.0.2.7"}), [], "", "http://192.0.2.7"),
        (service(BALANCED, {"hostname": "a.example.com"}), [], "", "http://a.example.com"),
    ],
)
def test_an_address_opens_from_where_it_is_meant_for(
    found: ChildEvidence, nodes: list[str], external_host: str, uri: str
) -> None:
    assert base_uri(found, nodes, external_host) == uri
