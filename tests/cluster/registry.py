"""The local registry: a container beside the nodes, empty at every start.

The machine pushes to localhost:5000. A node's containerd is told to go to the container for that
name; pods use the container's own name, for which the cluster's DNS asks Docker.
"""

import time
import urllib.error
import urllib.request

from tests.cluster.command import LAST_LINES, read
from tests.cluster.engine import docker, docker_lines
from tests.cluster.errors import ClusterError
from tests.cluster.versions import (
    CLUSTER,
    MARK,
    REGISTRY,
    REGISTRY_CONTAINER,
    REGISTRY_FROM_PODS,
    REGISTRY_PORT,
)

START_SECONDS = 30.0
CERTS_FOLDER = f"/etc/containerd/certs.d/{REGISTRY}"
HOSTS = f'[host."http://{REGISTRY_FROM_PODS}"]\n'


def start_registry(image: str) -> None:
    """Start it with storage of its own, which goes when the container goes; deleting is allowed."""
    docker(
        *("run", "--detach", "--name", REGISTRY_CONTAINER, "--label", MARK),
        *("--network", CLUSTER, "--publish", f"127.0.0.1:{REGISTRY_PORT}:5000"),
        *("--env", "REGISTRY_STORAGE_DELETE_ENABLED=true", image),
    )
    deadline = time.monotonic() + START_SECONDS
    while not _answers():
        if time.monotonic() > deadline:
            last = docker_lines("logs", "--tail", str(LAST_LINES), REGISTRY_CONTAINER)
            raise ClusterError(f"The registry does not answer at {REGISTRY}.", tail=last)
        time.sleep(0.1)


def push(tag: str, name: str) -> None:
    docker("image", "tag", tag, name)
    docker("push", "--quiet", name)


def introduce(node: str) -> None:
    """Tell a node's containerd where localhost:5000 is for it. It looks at every pull."""
    docker("exec", node, "mkdir", "--parents", CERTS_FOLDER)
    write = ("cp", "/dev/stdin", f"{CERTS_FOLDER}/hosts.toml")
    read(["docker", "exec", "--interactive", node, *write], text=HOSTS)


def _answers() -> bool:
    try:
        with urllib.request.urlopen(f"http://{REGISTRY}/v2/", timeout=2):
            return True
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False
