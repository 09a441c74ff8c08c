"""Webservices of computeType ACI, and where they run."""

from typing import Any

import pytest

from fairlead.api.objects import Webservice
from fairlead.decide.webservice.virtual_nodes import placed
from fairlead.desired.autoscaler import autoscaler
from fairlead.desired.deployment import deployment
from tests.unit.objects import webservice

NODES = {"type": "virtual-kubelet"}


def asked(**spec: Any) -> Webservice:
    return webservice(imageRef={"name": "a"}, **spec)


def pod(wanted: Webservice) -> dict[str, Any]:
    spec: dict[str, Any] = deployment(wanted, "a:1")["spec"]["template"]["spec"]
    return spec


def test_one_replica_without_an_autoscaler_goes_to_the_nodes_that_the_setting_names() -> None:
    wanted = placed(asked(computeType="ACI", nodeSelector={"region": "west"}), NODES)
    assert deployment(wanted, "a:1")["spec"]["replicas"] == 1
    assert autoscaler(wanted) is None
    assert pod(wanted)["nodeSelector"] == {"type": "virtual-kubelet", "region": "west"}
    assert pod(wanted)["tolerations"] == [
        {"key": "virtual-kubelet.io/provider", "operator": "Exists"}
    ]


@pytest.mark.parametrize(("spec", "nodes"), [({"computeType": "ACI"}, {}), ({}, NODES)])
def test_all_others_run_anywhere(spec: dict[str, Any], nodes: dict[str, str]) -> None:
    assert "nodeSelector" not in pod(placed(asked(**spec), nodes))


@pytest.mark.parametrize(
    ("spec", "keys"),
    [
        ({}, True),
        ({"computeType": "AKS"}, True),
        ({"computeType": "ACI"}, False),
        ({"computeType": "ACI", "auth": {"enabled": True}}, True),
        ({"auth": {"enabled": False}}, False),
    ],
)
def test_a_key_is_asked_for_where_v1_asked_for_one(spec: dict[str, Any], *, keys: bool) -> None:
    assert asked(**spec).spec.authenticated is keys
