"""The Service: the address under which a Webservice is scored."""

from fairlead.api.objects import Webservice
from fairlead.api.refs import Manifest
from fairlead.api.webservice import Expose
from fairlead.desired.metadata import child, selector

PORT = 80


def service(webservice: Webservice) -> Manifest:
    expose = webservice.spec.expose or Expose()
    port = {"name": "http", "port": PORT, "targetPort": "http", "protocol": "TCP"}
    if expose.node_port is not None:
        port["nodePort"] = expose.node_port
    spec = {"type": expose.type.value, "selector": selector(webservice), "ports": [port]}
    return child(webservice, "v1", "Service", spec)
