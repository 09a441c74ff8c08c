"""The Service: the address under which a Webservice is scored."""

from fairlead.api.objects import Webservice
from fairlead.api.refs import Manifest
from fairlead.api.webservice import Expose
from fairlead.desired.front import front_selector
from fairlead.desired.metadata import child, selector

PORT = 80


def service(webservice: Webservice, *, through_front: bool = False) -> Manifest:
    """``through_front``: one is there and ready; without it requests go to the replicas."""
    expose = webservice.spec.expose or Expose()
    port = {"name": "http", "port": PORT, "targetPort": "http", "protocol": "TCP"}
    if expose.node_port is not None:
        port["nodePort"] = expose.node_port
    behind = front_selector(webservice) if through_front else selector(webservice)
    spec = {"type": expose.type.value, "selector": behind, "ports": [port]}
    return child(webservice, "v1", "Service", spec)
