"""The operator as its users have it: installed by the chart, its tasks in Jobs."""

from fairlead.api.refs import Manifest
from tests.cluster import Cluster, ClusterError
from tests.cluster.release import NAMESPACE, RELEASE

LEASE_LOST = "The lease was lost: "
LABELS = f"app.kubernetes.io/name={RELEASE}"
SELECT = (f"--namespace={NAMESPACE}", f"--selector={LABELS}")


class InstalledOperator:
    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def whole_log(self) -> str:
        """What it has said since it began."""
        return self._cluster.run_kubectl("logs", *SELECT, "--tail=-1")

    def build_log(self, uri: str) -> str:
        """What `kubectl get --raw` shows for ``status.build.logUri``."""
        return self._cluster.run_kubectl("get", "--raw", uri)

    def may(self, verb: str, resource: str) -> bool:
        """Whether the operator's own ServiceAccount has a right, anywhere."""
        return may(self._cluster, verb, resource)

    def ends(self) -> list[Manifest]:
        """How its containers have ended, where any has; not those that a busy machine has kept from
        renewing the lease for ten seconds, which must end."""
        pods = self._cluster.objects.items("pods", NAMESPACE, labels=LABELS)
        containers = [one for pod in pods for one in pod["status"].get("containerStatuses", [])]
        ended = [one["lastState"]["terminated"] for one in containers if one.get("lastState")]
        return [one for one in ended if LEASE_LOST not in one.get("message", "")]


def may(cluster: Cluster, verb: str, resource: str) -> bool:
    """Whether the operator's ServiceAccount has a right, in every namespace."""
    account = f"--as=system:serviceaccount:{NAMESPACE}:{RELEASE}"
    try:
        cluster.run_kubectl("auth", "can-i", verb, resource, account, "-A")
    except ClusterError:
        return False
    return True
