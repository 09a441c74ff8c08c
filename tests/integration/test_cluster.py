"""What the other tests take for granted of the cluster, each thing once, for real."""

import json
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.cluster import Cluster, ClusterError
from tests.cluster.versions import NODES

NAMESPACE = "cluster-check"
PATIENCE_S, LONGER_S = 240, 250  # pods start beside those of the scenes
WORKLOADS = (Path(__file__).parent / "cluster_check.yaml").read_text()


@pytest.fixture(scope="module")
def kubectl(cluster: Cluster) -> Iterator[Callable[..., str]]:
    """kubectl in a namespace with the workloads of ``cluster_check.yaml``, ready."""

    def in_namespace(*arguments: str, seconds: float = 120.0) -> str:
        return cluster.run_kubectl("--namespace", NAMESPACE, *arguments, seconds=seconds)

    cluster.run_kubectl("create", "namespace", NAMESPACE)
    cluster.run_kubectl("--namespace", NAMESPACE, "apply", "--filename=-", text=WORKLOADS)
    in_namespace(
        "rollout", "status", "deployment/web", f"--timeout={PATIENCE_S}s", seconds=LONGER_S
    )
    ready = ("wait", "--for=condition=Ready", "pod/client", f"--timeout={PATIENCE_S}s")
    in_namespace(*ready, seconds=LONGER_S)
    yield in_namespace
    cluster.run_kubectl("delete", "namespace", NAMESPACE, "--wait=false")


def eventually(holds: Callable[[], bool], seconds: float = PATIENCE_S) -> bool:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


def test_both_nodes_run_pods_from_the_local_registry(kubectl: Callable[..., str]) -> None:
    pods = json.loads(kubectl("get", "pods", "--selector=app=web", "--output=json"))["items"]
    assert {pod["spec"]["nodeName"] for pod in pods} == set(NODES)


def test_a_pod_finds_a_service_by_its_name_on_either_node(kubectl: Callable[..., str]) -> None:
    ask = "import urllib.request as u; print([u.urlopen('http://web/').status for _ in range(8)])"
    answers = kubectl("exec", "client", "--", "python3", "-c", ask)
    assert json.loads(answers) == [200] * 8


def test_a_node_port_opens_at_a_node(cluster: Cluster, kubectl: Callable[..., str]) -> None:
    """The one that kind maps to this machine is the line's, whose request goes that way."""
    port = kubectl("get", "service", "web", "--output=jsonpath={.spec.ports[0].nodePort}")
    with urllib.request.urlopen(f"http://{cluster.node}:{port}/", timeout=10) as answer:
        assert answer.status == 200


def test_a_pod_reaches_the_registry_where_it_is_announced(
    cluster: Cluster, kubectl: Callable[..., str]
) -> None:
    announced = cluster.run_kubectl(
        *("--namespace", "kube-public", "get", "configmap", "local-registry-hosting"),
        "--output=jsonpath={.data.localRegistryHosting\\.v1}",
    )
    assert f'hostFromClusterNetwork: "{cluster.registry_from_pods}"' in announced
    assert f'host: "{cluster.registry}"' in announced
    address = f"http://{cluster.registry_from_pods}/v2/fairlead/python/tags/list"
    ask = f"import urllib.request as u; print(u.urlopen('{address}').read().decode())"
    answer = json.loads(kubectl("exec", "client", "--", "python3", "-c", ask))
    assert "3.11" in answer["tags"]


def test_a_pod_reaches_the_machine_at_the_gateway(
    cluster: Cluster, kubectl: Callable[..., str]
) -> None:
    server = ThreadingHTTPServer((cluster.gateway, 0), SimpleHTTPRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://{cluster.gateway}:{server.server_port}/"
    ask = f"import urllib.request as u; print(u.urlopen('{address}', timeout=10).status)"
    assert kubectl("exec", "client", "--", "python3", "-c", ask) == "200\n"
    server.shutdown()


def test_pip_installs_in_a_pod(kubectl: Callable[..., str]) -> None:
    kubectl("exec", "client", "--", "python3", "-m", "venv", "/tmp/environment")
    said = kubectl("exec", "client", "--", "/tmp/environment/bin/pip", "install", "six")
    assert "Successfully installed six" in said


def test_a_claim_gets_a_volume(kubectl: Callable[..., str]) -> None:
    claim = json.loads(kubectl("get", "persistentvolumeclaim", "data", "--output=json"))
    assert claim["status"]["phase"] == "Bound"


def test_logs_are_read(kubectl: Callable[..., str]) -> None:
    assert kubectl("logs", "client") == "started\n"


def test_resource_metrics_tell_what_a_pod_uses(kubectl: Callable[..., str]) -> None:
    def measured() -> bool:
        try:
            return "client" in kubectl("top", "pods", "--no-headers")
        except ClusterError:  # not measured yet
            return False

    assert eventually(measured)


def test_out_of_memory_is_seen(kubectl: Callable[..., str]) -> None:
    """The kernel's SIGKILL (137) is certain; the reason OOMKilled is missing once in a while."""

    def exit_code() -> str:
        path = "{.status.containerStatuses[0].state.terminated.exitCode}"
        return kubectl("get", "pod", "hungry", f"--output=jsonpath={path}")

    assert eventually(lambda: exit_code() == "137")


def test_pod_security_refuses_what_is_not_restricted(cluster: Cluster) -> None:
    label = "pod-security.kubernetes.io/enforce=restricted"
    cluster.run_kubectl("create", "namespace", "strict")
    cluster.run_kubectl("label", "namespace", "strict", label)
    with pytest.raises(ClusterError) as refused:
        cluster.run_kubectl("--namespace", "strict", "run", "x", f"--image={cluster.base_image}")
    assert "violates PodSecurity" in "\n".join(refused.value.tail)
    cluster.run_kubectl("delete", "namespace", "strict", "--wait=false")


def test_a_service_account_may_do_nothing_by_itself(cluster: Cluster) -> None:
    as_pod = "--as=system:serviceaccount:default:default"
    with pytest.raises(ClusterError):
        cluster.run_kubectl("auth", "can-i", "create", "pods", as_pod)
