"""What makes nodes a usable cluster: the registry announced, resource metrics, DNS that answers."""

import json
import time

from tests.cluster.cluster import Cluster
from tests.cluster.errors import ClusterError
from tests.cluster.places import PACKAGE
from tests.cluster.versions import NODES

MANIFESTS = PACKAGE / "manifests"
READY_SECONDS = 120.0
NODE_METRICS = "/apis/metrics.k8s.io/v1beta1/nodes"


def apply(cluster: Cluster) -> None:
    patch = f"--patch-file={MANIFESTS / 'patches' / 'coredns.yaml'}"
    cluster.run_kubectl("patch", "deployment/coredns", "--namespace=kube-system", patch)
    cluster.run_kubectl("apply", f"--filename={MANIFESTS}")


def wait_until_ready(cluster: Cluster) -> None:
    """Wait until each has answered; ready is not enough: CoreDNS is, before it can resolve."""
    probe = ("pod/probe", "--namespace", "kube-public")
    succeeded = ("--for=jsonpath={.status.phase}=Succeeded", f"--timeout={READY_SECONDS:.0f}s")
    cluster.run_kubectl("wait", *succeeded, *probe, seconds=READY_SECONDS + 10)
    cluster.run_kubectl("delete", *probe, "--now")
    deadline = time.monotonic() + READY_SECONDS
    while not _every_node_is_measured(cluster):
        if time.monotonic() > deadline:
            raise ClusterError(
                f"No resource metrics after {READY_SECONDS:.0f} seconds.",
                "See `kubectl logs --namespace kube-system deploy/metrics-server`.",
            )
        time.sleep(0.5)


def _every_node_is_measured(cluster: Cluster) -> bool:
    try:
        measured = json.loads(cluster.run_kubectl("get", "--raw", NODE_METRICS))
    except ClusterError:  # the API is not served yet
        return False
    return {item["metadata"]["name"] for item in measured["items"]} == set(NODES)
