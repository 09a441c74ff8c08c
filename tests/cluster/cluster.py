"""The handle on a running cluster: all that a test or the demo needs to know of it."""

from dataclasses import dataclass
from pathlib import Path

from tests.cluster.command import read
from tests.cluster.objects import Objects, objects_of


@dataclass(frozen=True)
class Cluster:
    """Two nodes, a registry, cluster DNS and resource metrics, all of them working.

    ``registry`` is its name for the machine and for the nodes, ``registry_from_pods`` that for
    pods; ``base_image`` lies in it. ``gateway`` is the machine's address as pods and image builds
    see it, ``node`` that of a node, where the machine reaches every NodePort. ``ca_bundle`` holds
    the certificates that the machine trusts.
    """

    kubeconfig: Path
    kubectl: Path
    kind: Path
    registry: str
    registry_from_pods: str
    registry_container: str
    base_image: str
    gateway: str
    node: str
    ca_bundle: Path | None

    @property
    def objects(self) -> Objects:
        """What is there, for who looks often."""
        return objects_of(self.kubeconfig)

    def run_kubectl(
        self, *arguments: str | Path, text: str | None = None, seconds: float = 120.0
    ) -> str:
        """What kubectl says, given ``text`` on its standard input. Raises ``ClusterError``."""
        connection = f"--kubeconfig={self.kubeconfig}"
        return read([self.kubectl, connection, *arguments], text=text, seconds=seconds)
