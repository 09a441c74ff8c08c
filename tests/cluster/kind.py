"""kind itself: creates the nodes from kind-config.yaml on a network of ours."""

from pathlib import Path

import yaml

from tests.cluster.command import run
from tests.cluster.engine import docker, docker_lines
from tests.cluster.errors import ClusterError
from tests.cluster.places import PACKAGE, Places
from tests.cluster.programs import program_path
from tests.cluster.versions import CLUSTER, MARK

CREATE_SECONDS = 300.0
PATCHES = PACKAGE / "kubeadm_patches.yaml"
ON_OUR_NETWORK = {"KIND_EXPERIMENTAL_DOCKER_NETWORK": CLUSTER}


def create_network() -> None:
    """Ours before kind looks for it, so that it carries our mark."""
    docker("network", "create", "--label", MARK, CLUSTER)


def create_nodes(places: Places, image: str) -> None:
    """Two nodes, Ready. What is left of a failed attempt stays until the next run, for its logs."""
    try:
        run(
            [
                *(program_path(places, "kind"), "create", "cluster", "--name", CLUSTER),
                *("--image", image, "--config", _configured(places)),
                *("--kubeconfig", places.kubeconfig, "--wait", "120s", "--retain"),
            ],
            environment=ON_OUR_NETWORK,
            seconds=CREATE_SECONDS,
        )
    except ClusterError as error:
        raise ClusterError(
            "kind could not start the cluster.",
            "The nodes are kept until the next run: `docker logs` tells how they started.",
            error.tail,
        ) from error


def gateway() -> str:
    """The machine's IPv4 address on the network of the nodes."""
    query = "{{range .IPAM.Config}}{{println .Gateway}}{{end}}"
    addresses = docker_lines("network", "inspect", CLUSTER, "--format", query)
    return next(address for address in addresses if "." in address)


def node_address(node: str) -> str:
    """A node's IPv4 address, which this machine reaches."""
    query = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
    return docker_lines("inspect", node, "--format", query)[0]


def export_logs(places: Places, folder: Path) -> None:
    """Everything that the nodes and their pods have logged."""
    run([program_path(places, "kind"), "export", "logs", folder, "--name", CLUSTER], seconds=120)


def _configured(places: Places) -> Path:
    """The users' configuration, with the patches for a cluster that shares a machine with tests."""
    parts = (yaml.safe_load(file.read_text()) for file in (places.kind_config, PATCHES))
    file = places.run / "kind-config.yaml"
    file.write_text(yaml.safe_dump({key: value for part in parts for key, value in part.items()}))
    return file
