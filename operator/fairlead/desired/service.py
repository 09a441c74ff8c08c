"""The Service: the address under which a Webservice is scored."""

from fairlead.api.expose import Expose, ExposeType
from fairlead.api.objects import Webservice
from fairlead.api.refs import Manifest
from fairlead.desired.front import front_selector
from fairlead.desired.metadata import child, selector

PORT = 80
INTERNAL = {  # each cloud has its own, and none minds the others'
    "service.beta.kubernetes.io/azure-load-balancer-internal": "true",
    "service.beta.kubernetes.io/aws-load-balancer-scheme": "internal",
    "networking.gke.io/load-balancer-type": "Internal",
}


def service(webservice: Webservice, *, through_front: bool = False) -> Manifest:
    """``through_front``: one is there and ready; without it requests go to the replicas."""
    expose = webservice.spec.expose or Expose()
    balancer = expose.load_balancer
    port = {"name": "http", "port": PORT, "targetPort": "http", "protocol": "TCP"}
    if expose.node_port is not None:
        port["nodePort"] = expose.node_port
    behind = front_selector(webservice) if through_front else selector(webservice)
    kind = ExposeType.CLUSTER_IP if expose.through_host else expose.type
    spec: Manifest = {"type": kind.value, "selector": behind, "ports": [port]}
    if balancer and balancer.source_ranges:
        spec["loadBalancerSourceRanges"] = list(balancer.source_ranges)
    annotations = INTERNAL if balancer and balancer.internal else {}
    return child(webservice, "v1", "Service", spec, annotations=annotations)
