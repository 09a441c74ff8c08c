"""The chart as the scenes have it: users' defaults but for what this machine asks for."""

from typing import Any

from tests.cluster import Cluster
from tests.cluster.places import Places
from tests.cluster.release import install_chart
from tests.cluster.steps import Steps
from tests.cluster.versions import FRONT_IMAGE

MAX_MODEL_BYTES = 50 * 1024 * 1024  # the largest model, in these tests
CLOSED_PORT = 9  # of this machine: no conda channel is there, wherever the tests run
GATEWAY = "scenes/public"
EXPOSURE = {
    "hosts": ["*.{namespace}.example.com"],
    "ingressClasses": {"scenes": "nginx"},
    "gateways": {GATEWAY: "https"},
}
REGISTRY_THAT_IS_DOWN = "localhost:5999"
REGISTRY_WITH_USERS = "fairlead-users:5000"


def install_for_scenes(cluster: Cluster, places: Places, steps: Steps) -> None:
    """Install, or upgrade what is installed already."""
    values = {"exposure": EXPOSURE, "metricsApi": {"enabled": True}}
    install_chart(cluster, places, steps, settings_of(cluster), **values)


def settings_of(cluster: Cluster) -> dict[str, Any]:
    hosts = (cluster.registry_from_pods, cluster.gateway)
    return {
        "insecureHosts": " ".join((*hosts, REGISTRY_THAT_IS_DOWN, REGISTRY_WITH_USERS)),
        "condaMirrors": f"*=http://{cluster.gateway}:{CLOSED_PORT}",
        "frontImage": FRONT_IMAGE,
        "modelMaxBytes": MAX_MODEL_BYTES,
        "taskRequests": "cpu=50m memory=64Mi ephemeral-storage=16Mi",  # two small nodes
    }
