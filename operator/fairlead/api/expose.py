"""How a Webservice is reached from outside of the cluster."""

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from fairlead.api.fields import SecretName
from fairlead.api.shape import Shape
from fairlead.api.status import Timestamp
from fairlead.api.wire import StatusWire, Wire, rules

MAX_HOST_CHARS = 253
MAX_PATH_CHARS = 128
ROOT = "/"
_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_OBJECT = "[a-z0-9]([-.a-z0-9]*[a-z0-9])?"


class ExposeType(StrEnum):
    CLUSTER_IP = "ClusterIP"
    NODE_PORT = "NodePort"
    LOAD_BALANCER = "LoadBalancer"
    INGRESS = "Ingress"
    HTTP_ROUTE = "HTTPRoute"


THROUGH_HOSTS = (ExposeType.INGRESS, ExposeType.HTTP_ROUTE)
"""Those that are reached under the name of a host that others are reached under, too."""
Host = Annotated[
    str,
    Field(min_length=1, max_length=MAX_HOST_CHARS),
    Shape(
        f"{_LABEL}([.]{_LABEL})+",
        "must be the name of a host such as credit.example.com, without a port or a '*'",
        never="^[0-9.]+$",
    ),
]
HostPath = Annotated[
    str,
    Field(min_length=1, max_length=MAX_PATH_CHARS),
    Shape(
        "(/|(/[A-Za-z0-9_-][A-Za-z0-9._-]*)+)",
        "must be '/', or a path such as /credit: letters, digits, '_', '-', '.', and no '/' at its "
        "end",
    ),
]
IssuerName = Annotated[
    str,
    Field(min_length=1, max_length=MAX_HOST_CHARS),
    Shape(_OBJECT, "must be the name of an issuer of cert-manager"),
]
IngressClassName = Annotated[
    str,
    Field(min_length=1, max_length=MAX_HOST_CHARS),
    Shape(_OBJECT, "must be the name of an IngressClass"),
]
Gateway = Annotated[
    str,
    Field(min_length=3, max_length=2 * MAX_HOST_CHARS),
    Shape(
        f"{_LABEL}/{_OBJECT}",
        "must be the namespace and the name of a Gateway, such as infra/public",
    ),
]
SourceRange = Annotated[
    str,
    Field(min_length=4, max_length=64),
    Shape("[0-9a-fA-F:.]+/[0-9]{1,3}", "must be a range of addresses such as 203.0.113.0/24"),
]


class Balancer(Wire):
    """What the cloud's load balancer is to be like."""

    internal: bool = False
    """True: an address of the private network; on AKS, EKS and GKE."""
    source_ranges: Annotated[tuple[SourceRange, ...], Field(min_length=1, max_length=32)] | None = (
        None
    )
    """From where requests are taken, such as 203.0.113.0/24; not given, from everywhere."""


class Tls(Wire):
    """The certificate of the host."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "[has(self.secretName), has(self.issuer), has(self.clusterIssuer)]"
                ".filter(given, given).size() == 1",
                "exactly one of secretName, issuer and clusterIssuer must be given",
            )
        )
    )

    secret_name: SecretName | None = None
    """A Secret of type kubernetes.io/tls in the same namespace, which the Ingress' controller reads
    and Fairlead does not."""
    issuer: IssuerName | None = None
    """An Issuer of cert-manager in the same namespace, which puts the certificate into Secret
    <name>-fairlead-tls."""
    cluster_issuer: IssuerName | None = None
    """A ClusterIssuer of cert-manager, of those that whoever runs the cluster grants."""


class Expose(Wire):
    """How the service is reached from outside of the cluster."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "!has(self.nodePort) || self.type == 'NodePort'",
                "nodePort needs type NodePort: set the type, or remove nodePort",
            ),
            (
                "!has(self.loadBalancer) || self.type == 'LoadBalancer'",
                "loadBalancer needs type LoadBalancer: set the type, or remove loadBalancer",
            ),
            (
                "has(self.host) == (self.type in ['Ingress', 'HTTPRoute'])",
                "host and type Ingress or HTTPRoute need each other: give both, or neither",
            ),
            (
                "!has(self.path) || has(self.host)",
                "path needs host and type Ingress or HTTPRoute",
            ),
            (
                "(!has(self.ingressClassName) && !has(self.tls)) || self.type == 'Ingress'",
                "ingressClassName and tls need type Ingress: of an HTTPRoute the Gateway has the "
                "certificate",
            ),
            (
                "!has(self.gateway) || self.type == 'HTTPRoute'",
                "gateway needs type HTTPRoute: set the type, or remove gateway",
            ),
        )
    )

    type: ExposeType = ExposeType.CLUSTER_IP
    """ClusterIP: from inside only. NodePort: at a port of every node. LoadBalancer: at an address
    that the cloud gives. Ingress and HTTPRoute: under the name of a host, of those that whoever
    runs the cluster grants."""
    node_port: Annotated[int, Field(ge=1, le=65_535)] | None = None
    """The port of every node; without it Kubernetes chooses one. Needs type NodePort."""
    load_balancer: Balancer | None = None
    """What the cloud's load balancer is to be like. Needs type LoadBalancer."""
    host: Host | None = None
    """The name of the host. Types Ingress and HTTPRoute need it."""
    path: HostPath | None = None
    """What addresses begin with, / if not given. An HTTPRoute takes it off; an Ingress cannot, so
    with it only /api/v1/service/<name> is possible, and needs front."""
    ingress_class_name: IngressClassName | None = None
    """The IngressClass, of those that are granted; the first of them if not given."""
    gateway: Gateway | None = None
    """Namespace and name of the Gateway, of those that are granted; the first if not given."""
    tls: Tls | None = None
    """The certificate; without it requests, and keys, go in plain text. Needs type Ingress."""

    @property
    def through_host(self) -> bool:
        """Whether it is reached under the name of a host."""
        return self.type in THROUGH_HOSTS


class HeldHost(StatusWire):
    """The host and path that the Webservice has."""

    host: Annotated[str, Field(max_length=MAX_HOST_CHARS)]
    """The name of the host."""
    path: Annotated[str, Field(max_length=MAX_PATH_CHARS)]
    """What addresses begin with."""
    since: Timestamp
    """Since when: of several that want the same, the first keeps it."""
