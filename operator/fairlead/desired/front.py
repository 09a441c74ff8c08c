"""The front of a Webservice: one HAProxy, or two, that hold the queue before all replicas.

The configuration is an annotation of the pods, which the kubelet shows them as a file: so it is
rolled out, and back, with the pods, there is no object besides that could be of another time, and
whoever changes it changes the Deployment.
"""

from dataclasses import dataclass, replace
from typing import Any

from fairlead.api.meta import COMPONENT, FRONT, FRONTED, GROUP, OWNED_BY_WEBSERVICE
from fairlead.api.objects import Webservice
from fairlead.api.refs import Manifest
from fairlead.api.webservice import ComputeType, Front, FrontResources
from fairlead.desired.deployment import HANDOVER_S
from fairlead.desired.front_configuration import (
    ANYONE_PORT,
    METRICS_PORT,
    PORT,
    FrontParameters,
    front_configuration,
)
from fairlead.desired.metadata import REVISION, child, fingerprint, labels, selector
from fairlead.desired.pod_security import restricted_container, restricted_pod
from fairlead.desired.request_limits import request_limits
from fairlead.evidence import ChildEvidence
from fairlead.images import layout

CONTAINER = "front"
FRONT_SUFFIX = "-fairlead-front"  # of the names of Deployment and PodDisruptionBudget
PODS_SUFFIX = "-fairlead-pod"  # of the Service that names each replica; at most 63 in all
ANYONE_SUFFIX = "-fairlead-any"  # of the Service that leads to one that is ready
FEW_SUFFIX = "-fairlead-few"  # of the Service that is there while no node takes one
CONFIGURATION = f"{GROUP}/haproxy-cfg"
FOLDER = "/usr/local/etc/haproxy"  # where the stock image looks
MEMORY_LIMIT = "128Mi"
FINDS_REPLICAS_S = 4  # until it knows which replicas are ready
LEAVING_S = 5  # until every node knows that the pod takes no more requests
END_MARGIN_S = 5
DEADLINE_S = 300  # seconds in which a front must start
HEADLESS = {"clusterIP": "None", "publishNotReadyAddresses": True}


@dataclass(frozen=True)
class FrontSettings:
    """What the operator's settings say of fronts; ``serves``: one of them is ready to."""

    image: str = "haproxy"
    cluster_domain: str = "cluster.local"
    pull_secret: str = ""
    handover_s: int = HANDOVER_S
    serves: bool = False


NO_SETTINGS = FrontSettings()


def front_selector(webservice: Webservice) -> dict[str, str]:
    """Never that of the replicas: Service, budget and autoscaler of those do not see a front."""
    return {OWNED_BY_WEBSERVICE: webservice.name, COMPONENT: FRONT}


def with_front_by_default(webservice: Webservice, live: ChildEvidence | None) -> Webservice:
    """What a Webservice means that says nothing of a front, where fronts are the default.

    ``live`` is its Deployment: what was deployed without a front stays without one, so that a new
    default, or a new operator, starts no pod anew. Debug mode and computeType ACI have none.
    """
    spec = webservice.spec
    made_without = live is not None and FRONTED not in live.metadata.get("annotations", {})
    if spec.front is not None or spec.compute_type is ComputeType.ACI or made_without:
        return webservice
    return replace(webservice, spec=spec.model_copy(update={"front": Front()}))


def front_deployment(webservice: Webservice, settings: FrontSettings) -> Manifest | None:
    front = webservice.spec.fronted
    if front is None:
        return None
    spec = {
        "replicas": front.replicas,
        "selector": {"matchLabels": front_selector(webservice)},
        "template": _template(webservice, front, settings),
        "strategy": {
            "type": "RollingUpdate",  # the one before serves until the new one is ready
            "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1},
        },
        "revisionHistoryLimit": 1,
        "progressDeadlineSeconds": DEADLINE_S,
    }
    return _of_the_front(webservice, "apps/v1", "Deployment", spec)


def front_disruption_budget(webservice: Webservice) -> Manifest | None:
    """One may always be moved: a drained node waits for nobody."""
    if webservice.spec.fronted is None:
        return None
    spec = {"maxUnavailable": 1, "selector": {"matchLabels": front_selector(webservice)}}
    return _of_the_front(webservice, "policy/v1", "PodDisruptionBudget", spec)


def pods_service(webservice: Webservice) -> Manifest | None:
    """The headless Service by which a front finds the replicas, ready or not: it asks each itself,
    so that one that gets ready, or is about to end, is known sooner than by the cluster's DNS."""
    return _inner_service(webservice, PODS_SUFFIX, layout.PORT, selector(webservice), **HEADLESS)


def anyone_service(webservice: Webservice) -> Manifest | None:
    """The Service by which a front reaches a replica that it does not know yet, while it knows of
    none that is ready: its address stays, and what is behind it follows the pods at once."""
    return _inner_service(webservice, ANYONE_SUFFIX, ANYONE_PORT, selector(webservice))


def few_service(webservice: Webservice, *, unplaced: bool) -> Manifest | None:
    """The Service by which a front knows that no node takes a replica: while that is so its name
    resolves, to the fronts themselves, of whom there is one where somebody asks. Nobody goes there.
    """
    if not unplaced:
        return None
    return _inner_service(webservice, FEW_SUFFIX, PORT, front_selector(webservice), **HEADLESS)


def _inner_service(
    webservice: Webservice, suffix: str, port: int, selects: dict[str, str], **more: Any
) -> Manifest | None:
    if webservice.spec.fronted is None:
        return None
    ports = [{"name": "http", "port": port, "targetPort": "http", "protocol": "TCP"}]
    spec = {"type": "ClusterIP", **more, "selector": selects, "ports": ports}
    return child(webservice, "v1", "Service", spec, f"{webservice.name}{suffix}")


def front_parameters(webservice: Webservice, front: Front, domain: str) -> FrontParameters:
    """There is a server for each replica, for those that take their place, and for one more."""
    spec = webservice.spec
    at_most = spec.autoscaled.max_replicas if spec.autoscaled else None
    namespace = f"{webservice.namespace}.svc.{domain}"
    return FrontParameters(
        service=webservice.name,
        pods=f"{webservice.name}{PODS_SUFFIX}.{namespace}",
        port=layout.PORT,
        servers=2 * (at_most or spec.fixed_replicas or 1) + 1,
        limits=request_limits(webservice),
        anyone=f"{webservice.name}{ANYONE_SUFFIX}.{namespace}",
        few=f"{webservice.name}{FEW_SUFFIX}.{namespace}",
        fronts=front.replicas,
        at_most=at_most,
    )


def _of_the_front(webservice: Webservice, version: str, kind: str, spec: Manifest) -> Manifest:
    manifest = child(webservice, version, kind, spec, f"{webservice.name}{FRONT_SUFFIX}")
    manifest["metadata"]["labels"] = _labels(webservice)
    return manifest


def _labels(webservice: Webservice) -> dict[str, str]:
    return {**labels(webservice), **front_selector(webservice)}


def _template(webservice: Webservice, front: Front, settings: FrontSettings) -> Manifest:
    parameters = front_parameters(webservice, front, settings.cluster_domain)
    annotations = {CONFIGURATION: front_configuration(parameters)}
    spec = _pod_spec(front, parameters, settings)
    revision = fingerprint([annotations, spec])
    pod_labels = {**_labels(webservice), REVISION: revision}
    return {"metadata": {"labels": pod_labels, "annotations": annotations}, "spec": spec}


def _pod_spec(front: Front, parameters: FrontParameters, settings: FrontSettings) -> Manifest:
    file = {
        "path": "haproxy.cfg",
        # With what the API server adds to items: of a list that is one value all counts.
        "fieldRef": {"apiVersion": "v1", "fieldPath": f"metadata.annotations['{CONFIGURATION}']"},
    }
    secrets = [{"name": settings.pull_secret}] if settings.pull_secret else []
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": LEAVING_S + parameters.longest_s + END_MARGIN_S,
        "securityContext": restricted_pod(),
        "containers": [_container(front, settings.image)],
        "volumes": [{"name": "configuration", "downwardAPI": {"items": [file]}}],
        **({"imagePullSecrets": secrets} if secrets else {}),
        **({"affinity": _apart(parameters.service)} if front.replicas > 1 else {}),
    }


def _container(front: Front, image: str) -> Manifest:
    healthy = {"path": "/healthz", "port": "metrics"}
    return {
        "name": CONTAINER,
        "image": image,
        "command": ["haproxy", "-db", "-f", f"{FOLDER}/haproxy.cfg"],
        "ports": [
            {"name": "http", "containerPort": PORT, "protocol": "TCP"},
            {"name": "metrics", "containerPort": METRICS_PORT, "protocol": "TCP"},
        ],
        "resources": _resources(front.resources or FrontResources()),
        "volumeMounts": [{"name": "configuration", "mountPath": FOLDER, "readOnly": True}],
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "securityContext": restricted_container(),
        "readinessProbe": {
            "httpGet": healthy,
            "initialDelaySeconds": FINDS_REPLICAS_S,
            "periodSeconds": 2,
            "timeoutSeconds": 2,
        },
        "livenessProbe": {
            "httpGet": healthy,
            "periodSeconds": 10,
            "timeoutSeconds": 5,
            "failureThreshold": 3,
        },
        "lifecycle": {"preStop": {"sleep": {"seconds": LEAVING_S}}},
    }


def _resources(resources: FrontResources) -> Manifest:
    limits = resources.limits.to_wire() if resources.limits else {}
    requests = {"cpu": resources.cpu, "memory": resources.memory}
    return {"requests": requests, "limits": {"memory": MEMORY_LIMIT, **limits}}


def _apart(service: str) -> Manifest:
    """Two fronts are on two nodes where there are two."""
    both = {"matchLabels": {OWNED_BY_WEBSERVICE: service, COMPONENT: FRONT}}
    term = {"labelSelector": both, "topologyKey": "kubernetes.io/hostname"}
    preferred = [{"weight": 100, "podAffinityTerm": term}]
    return {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}}
