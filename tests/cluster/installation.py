"""Fairlead on the cluster: its definitions, its role, and the operator as a process beside it.

The operator runs under its own ServiceAccount with the rights of ``deploy/rbac.yaml``, never as
admin: what it may not do fails here first.
"""

import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.cluster.cluster import Cluster
from tests.cluster.errors import ClusterError
from tests.cluster.places import Places
from tests.cluster.ports import listens
from tests.cluster.processes import alive, end, log_of, start
from tests.cluster.release import uninstall_chart
from tests.cluster.state import Process
from tests.cluster.versions import LOG_SERVER_PORT

NAME = "operator"
PATIENCE = 120.0  # seconds until it serves build logs: then it watches, too
TOKEN_LIFE = "720h"  # a demo may be left running


def install(cluster: Cluster, places: Places) -> Path:
    """Apply the definitions and the role; return a kubeconfig that holds the operator's rights."""
    shutil.rmtree(state_folder(places), ignore_errors=True)  # of another registry's time
    uninstall_chart(cluster, places)
    return grant(cluster.run_kubectl, places.checkout, operator_kubeconfig(places))


def grant(run_kubectl: Callable[..., str], checkout: Path, kubeconfig: Path) -> Path:
    """Apply the definitions and the role; write to ``kubeconfig`` one with the operator's rights.

    ``run_kubectl`` has the rights of an administrator.
    """
    crds, role = checkout / "crds", checkout / "deploy/rbac.yaml"
    run_kubectl("apply", "--server-side", "--force-conflicts", "-f", crds, "-f", role)
    run_kubectl("wait", "--for=condition=Established", "-f", crds, "--timeout=60s")
    account = ("create", "token", "fairlead", "--namespace=fairlead-system")
    token = run_kubectl(*account, f"--duration={TOKEN_LIFE}").strip()
    admin = json.loads(run_kubectl("config", "view", "--raw", "-o", "json"))
    admin["users"] = [{"name": "fairlead", "user": {"token": token}}]
    admin["contexts"][0]["context"]["user"] = "fairlead"
    kubeconfig.touch(mode=0o600)
    kubeconfig.write_text(json.dumps(admin))
    return kubeconfig


def start_operator(
    cluster: Cluster, places: Places, kubeconfig: Path, settings: Mapping[str, str]
) -> Process:
    """Start it and wait until it is at work. Raises ``ClusterError`` with the end of its log."""
    environment = {**settings_for(cluster, places), **settings, "KUBECONFIG": str(kubeconfig)}
    process = start(places, NAME, [sys.executable, "-m", "fairlead"], environment)
    deadline = time.monotonic() + PATIENCE
    while not listens(LOG_SERVER_PORT):
        if not alive(process) or time.monotonic() > deadline:
            end(places, process)
            last = log_of(places, NAME).read_text(errors="replace").splitlines()[-12:]
            raise ClusterError("The operator did not start.", tail=last)
        time.sleep(0.1)  # poll
    return process


def settings_for(cluster: Cluster, places: Places) -> dict[str, str]:
    """The operator's settings on this cluster: what its users would put into a Deployment."""
    index = os.environ.get("PIP_INDEX_URL", "")
    return {
        "FAIRLEAD_REGISTRY": cluster.registry,
        "FAIRLEAD_DEFAULT_BASE_IMAGE": cluster.base_image,
        "FAIRLEAD_STATE_FOLDER": str(state_folder(places)),
        "FAIRLEAD_EXTERNAL_HOST": "localhost",
        **({"FAIRLEAD_CA_BUNDLE": str(cluster.ca_bundle)} if cluster.ca_bundle else {}),
        **({"FAIRLEAD_PACKAGE_INDEX": index} if index else {}),
    }


def operator_kubeconfig(places: Places) -> Path:
    """Where ``install`` writes it."""
    return places.run / "operator-kubeconfig"


def state_folder(places: Places) -> Path:
    """Where the operator beside the cluster keeps its tasks."""
    return places.run / "operator-state"
