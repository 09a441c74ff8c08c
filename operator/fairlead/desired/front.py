"""The front of a Webservice: one HAProxy, or two, that hold the queue before all replicas.

The configuration is an annotation of the pods, which the kubelet shows them as a file: so it is
rolled out, and back, with the pods, there is no object besides that could be of another time, and
whoever changes it changes the Deployment.
"""

from dataclasses import dataclass

from fairlead.api.meta import COMPONENT, FRONT, GROUP, OWNED_BY_WEBSERVICE
from fairlead.api.objects import Webservice
from fairlead.api.refs import Manifest
from fairlead.api.webservice import Front, FrontResources
from fairlead.desired.front_configuration import (
    METRICS_PORT,
    PORT,
    FrontParameters,
    front_configuration,
)
from fairlead.desired.metadata import REVISION, child, fingerprint, labels, selector
from fairlead.desired.pod_security import restricted_container, restricted_pod
from fairlead.desired.request_limits import request_limits
from fairlead.images import layout

CONTAINER = "front"
FRONT_SUFFIX = "-fairlead-front"  # of the names of Deployment and PodDisruptionBudget
PODS_SUFFIX = "-fairlead-pod"  # of the Service that names each replica; at most 63 in all
CONFIGURATION = f"{GROUP}/haproxy-cfg"
FOLDER = "/usr/local/etc/haproxy"  # where the stock image looks
MEMORY_LIMIT = "128Mi"
FINDS_REPLICAS_S = 4  # until it knows which replicas are ready
LEAVING_S = 5  # until every node knows that the pod takes no more requests
END_MARGIN_S = 5
DEADLINE_S = 300  # seconds in which a front must start


@dataclass(frozen=True)
class FrontSettings:
    """What the operator's settings say of fronts; ``serves``: one of them is ready to."""

    image: str = "haproxy"
    cluster_domain: str = "cluster.local"
    pull_secret: str = ""
    serves: bool = False


NO_SETTINGS = FrontSettings()


def front_selector(webservice: Webservice) -> dict[str, str]:
    """Never that of the replicas: Service, budget and autoscaler of those do not see a front."""
    return {OWNED_BY_WEBSERVICE: webservice.name, COMPONENT: FRONT}


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
    if webservice.spec.fronted is None:
        return None
    port = {"name": "http", "port": layout.PORT, "targetPort": "http", "protocol": "TCP"}
    spec = {
        "type": "ClusterIP",
        "clusterIP": "None",
        "publishNotReadyAddresses": True,
        "selector": selector(webservice),
        "ports": [port],
    }
    return child(webservice, "v1", "Service", spec, pods_name(webservice))


def pods_name(webservice: Webservice) -> str:
    return f"{webservice.name}{PODS_SUFFIX}"


def front_parameters(webservice: Webservice, front: Front, domain: str) -> FrontParameters:
    """There is a server for each replica, for those that take their place, and for one more."""
    spec = webservice.spec
    replicas = spec.autoscaled.max_replicas if spec.autoscaled else spec.fixed_replicas or 1
    return FrontParameters(
        service=webservice.name,
        pods=f"{pods_name(webservice)}.{webservice.namespace}.svc.{domain}",
        port=layout.PORT,
        servers=2 * replicas + 1,
        limits=request_limits(webservice),
        fronts=front.replicas,
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
        "fieldRef": {"fieldPath": f"metadata.annotations['{CONFIGURATION}']"},
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
