"""The Ingress, or the HTTPRoute: a host's name that leads to a Webservice.

Nothing that a tenant writes becomes an annotation: those of some controllers run code.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from fairlead.api.expose import ROOT, Expose, ExposeType, Tls
from fairlead.api.objects import Webservice
from fairlead.api.refs import Manifest
from fairlead.desired.metadata import child
from fairlead.desired.request_limits import RequestLimits, request_limits
from fairlead.desired.service import PORT

TLS_SUFFIX = "-fairlead-tls"
GATEWAY_GROUP = "gateway.networking.k8s.io"
SLACK_S = 5  # whoever waits for an answer waits longer than whoever makes it
NGINX = "nginx.ingress.kubernetes.io"


@dataclass(frozen=True)
class Granted:
    """What a Webservice may have of the cluster's way in; empty: nothing.

    ``controller`` is that of the class, as the settings name it; ``annotations`` are the
    administrator's own; ``gateway`` is ``namespace/name``.
    """

    ingress_class: str = ""
    controller: str = ""
    annotations: Mapping[str, str] = field(default_factory=dict)
    gateway: str = ""


NOTHING = Granted()


def ingress(webservice: Webservice, granted: Granted) -> Manifest | None:
    """None where it is not wanted, or not granted."""
    expose = _wanted(webservice, ExposeType.INGRESS)
    if expose is None or not granted.ingress_class:
        return None
    backend = {"service": {"name": webservice.name, "port": {"number": PORT}}}
    path = {"path": expose.path or ROOT, "pathType": "Prefix", "backend": backend}
    spec = {
        "ingressClassName": granted.ingress_class,
        "rules": [{"host": expose.host, "http": {"paths": [path]}}],
    }
    if expose.tls:
        secret = expose.tls.secret_name or f"{webservice.name}{TLS_SUFFIX}"
        spec["tls"] = [{"hosts": [expose.host], "secretName": secret}]
    limits = request_limits(webservice)
    annotations = {
        **_patience(granted.controller, limits),
        **_tls_alone(granted.controller, expose.tls),
        **granted.annotations,
        **_issuer(expose.tls),
    }
    return child(webservice, "networking.k8s.io/v1", "Ingress", spec, annotations=annotations)


def http_route(webservice: Webservice, granted: Granted) -> Manifest | None:
    """None where it is not wanted, or not granted.

    The defaults of its definition are written out: what the API server would add to a list that is
    replaced whole would look like somebody else's change.
    """
    expose = _wanted(webservice, ExposeType.HTTP_ROUTE)
    if expose is None or not granted.gateway:
        return None
    namespace, _, name = granted.gateway.partition("/")
    parent = {"group": GATEWAY_GROUP, "kind": "Gateway", "namespace": namespace, "name": name}
    longest_s = request_limits(webservice).longest_s + SLACK_S
    path = expose.path or ROOT
    rule: Manifest = {
        "matches": [{"path": {"type": "PathPrefix", "value": path}}],
        "backendRefs": [
            {"group": "", "kind": "Service", "name": webservice.name, "port": PORT, "weight": 1}
        ],
        "timeouts": {"request": f"{longest_s}s"},
    }
    if path != ROOT:
        rewrite = {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": ROOT}}
        rule["filters"] = [{"type": "URLRewrite", "urlRewrite": rewrite}]
    spec = {"parentRefs": [parent], "hostnames": [expose.host], "rules": [rule]}
    return child(webservice, f"{GATEWAY_GROUP}/v1", "HTTPRoute", spec)


def v1_path(webservice: Webservice) -> str:
    """The path of Azure ML v1, which a front takes off by itself."""
    return f"/api/v1/service/{webservice.name}"


def called(namespace: str, name: str) -> str:
    """What controllers of Ingresses call a Service among those of all namespaces.

    ingress-nginx and Traefik join with "-" what may hold "-" itself, and Traefik takes several in a
    row for one; of two Services that they call the same one gets the requests of both.
    """
    return "-".join(part for part in f"{namespace}-{name}".split("-") if part)


def _wanted(webservice: Webservice, kind: ExposeType) -> Expose | None:
    expose = webservice.spec.expose
    return expose if expose and expose.type is kind and expose.host else None


def _issuer(tls: Tls | None) -> Mapping[str, str]:
    if tls and tls.issuer:
        return {"cert-manager.io/issuer": tls.issuer}
    if tls and tls.cluster_issuer:
        return {"cert-manager.io/cluster-issuer": tls.cluster_issuer}
    return {}


def _patience(controller: str, limits: RequestLimits) -> Mapping[str, str]:
    """Annotations by which a controller waits as long, and takes as much, as the service does."""
    seconds = str(limits.longest_s + SLACK_S)
    known: Mapping[str, Mapping[str, str]] = {
        "nginx": {
            f"{NGINX}/proxy-read-timeout": seconds,
            f"{NGINX}/proxy-send-timeout": seconds,
            f"{NGINX}/proxy-body-size": f"{limits.body_mb}m",
        },
        "haproxy": {"haproxy.org/timeout-server": f"{seconds}s"},
        "haproxy-ingress": {"haproxy-ingress.github.io/timeout-server": f"{seconds}s"},
        "application-gateway": {"appgw.ingress.kubernetes.io/request-timeout": seconds},
    }
    return known.get(controller, {})


def _tls_alone(controller: str, tls: Tls | None) -> Mapping[str, str]:
    """Traefik takes the certificate, and answers at port 80 alone, unless an entry point of its own
    has TLS; with this it answers wherever there is TLS, and nowhere without."""
    alone = {"traefik.ingress.kubernetes.io/router.tls": "true"}
    return alone if tls and controller == "traefik" else {}
