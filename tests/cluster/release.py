"""Fairlead as its users install it: images in a registry that the nodes know, a chart by Helm."""

import json
import os
from collections.abc import Mapping
from typing import Any

from fairlead.api.refs import Manifest
from tests.cluster import operator_image
from tests.cluster.charts import CHART
from tests.cluster.cluster import Cluster
from tests.cluster.command import read
from tests.cluster.engine import docker_lines
from tests.cluster.errors import ClusterError
from tests.cluster.places import Places
from tests.cluster.programs import build_on_demand, program_path
from tests.cluster.steps import Steps

RELEASE, NAMESPACE = "fairlead", "fairlead-system"
CA_CONFIG_MAP, CA_KEY = "fairlead-ca", "ca.crt"
HELM_SECONDS = 240.0
TAIL_LINES = 12


def install_chart(
    cluster: Cluster,
    places: Places,
    steps: Steps,
    settings: Mapping[str, Any] | None = None,
    **values_of_chart: Any,
) -> None:
    """Install the chart of the images that are published, or upgrade what is installed already.

    ``settings`` come before those that the cluster asks for, and so do other values of the chart.
    """
    build_on_demand(places, steps, ["helm"])
    with steps.step("helm install fairlead charts/fairlead"):
        _prepare_namespace(cluster)
        values = {**values_for(cluster), **values_of_chart}
        values["settings"].update(settings or {})
        _helm(cluster, places, values)


def uninstall_chart(cluster: Cluster, places: Places) -> None:
    """Make room for another operator; the definitions stay, and with them everybody's objects."""
    helm = program_path(places, "helm")
    if helm.exists():  # else nobody can have installed anything
        where = ("--namespace", NAMESPACE, "--kubeconfig", cluster.kubeconfig)
        command = (helm, "uninstall", RELEASE, *where, "--ignore-not-found", "--wait")
        read(command, seconds=HELM_SECONDS)


def values_for(cluster: Cluster) -> dict[str, Any]:
    """The chart's values on this cluster: what its administrator would write down."""
    return {
        "image": _image("operator"),
        "taskImage": _image("tasks"),
        "caBundle": {"configMap": CA_CONFIG_MAP if cluster.ca_bundle else "", "key": CA_KEY},
        "settings": {
            "registry": cluster.registry,
            "registryPush": cluster.registry_from_pods,
            "insecureHosts": cluster.registry_from_pods,
            "defaultBaseImage": cluster.base_image,
            "externalHost": "localhost",
            "frontDefault": False,  # the nodes are small: who wants a front asks for it
            "packageIndex": os.environ.get("PIP_INDEX_URL", ""),
        },
    }


def operator_log(cluster: Cluster) -> list[str]:
    """The end of the operator's log, for whoever must know why it did not come up."""
    select = (f"--namespace={NAMESPACE}", "--selector=app.kubernetes.io/name=fairlead")
    try:
        return cluster.run_kubectl("logs", *select, f"--tail={TAIL_LINES}").splitlines()
    except ClusterError as error:
        return [str(error)]


def _image(target: str) -> dict[str, str]:
    """By its digest: a tag that a node has pulled already may stand for an older build."""
    name = operator_image.name(target)
    [known] = docker_lines("image", "inspect", "--format", "{{json .RepoDigests}}", name)
    repository = name.rpartition(":")[0]
    digests = [one.partition("@")[2] for one in json.loads(known) if one.startswith(repository)]
    return {"repository": repository, "digest": digests[0]}


def _prepare_namespace(cluster: Cluster) -> None:
    """What the chart expects to find: its namespace, and in it the certificates to trust."""
    manifests = [_manifest("Namespace", NAMESPACE)]
    if cluster.ca_bundle:
        certificates = {"data": {CA_KEY: cluster.ca_bundle.read_text()}}
        manifests.append({**_manifest("ConfigMap", CA_CONFIG_MAP, NAMESPACE), **certificates})
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests})
    cluster.run_kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", text=text)


def _manifest(kind: str, name: str, namespace: str = "") -> Manifest:
    place = {"namespace": namespace} if namespace else {}
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, **place}}


def _helm(cluster: Cluster, places: Places, values: dict[str, Any]) -> None:
    chart = places.checkout / CHART
    where = ("--namespace", NAMESPACE, "--kubeconfig", cluster.kubeconfig)
    options = ("--values", "-", "--take-ownership", "--wait", "--timeout", "180s")
    helm = program_path(places, "helm")
    command = (helm, "upgrade", "--install", RELEASE, chart, *where, *options)
    try:
        read(command, text=json.dumps(values), seconds=HELM_SECONDS)
    except ClusterError as error:
        tail = [*error.tail, *operator_log(cluster)]
        raise ClusterError("The chart could not be installed.", tail=tail) from error
