"""The chart on a real cluster, as an administrator uses it, under Pod Security `restricted`.

The tests of this file are one story and run in its order: an older chart is installed, upgraded to
this one, rolled back, uninstalled, and installed again elsewhere, while a Webservice is under load.
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from fairlead.api.meta import FINALIZER
from tests.cluster import Cluster, ClusterError
from tests.cluster.charts import CHART
from tests.cluster.engine import docker
from tests.cluster.places import places
from tests.cluster.versions import MARK, SCORING_PORT
from tests.integration.chart.administrator import (
    CUSTOM_METRICS,
    NAMESPACES,
    Administrator,
    until,
)
from tests.integration.chart.load import Load
from tests.plain_http import CLIENT

ROOT = places().checkout
GOLDEN = ROOT / "tests/golden/chart"
SETS = sorted(path.name.removesuffix(".values.yaml") for path in GOLDEN.glob("*.values.yaml"))
HOME, ELSEWHERE, TEAM = NAMESPACES[:3]
OLDER_VERSION = "0.0.9"
NEW_FIELD = "scoringTimeoutMilliseconds"  # of a Webservice; the older definitions lack it
HOOK = "helm.sh/hook"
MONITORS = "monitoring.coreos.com/v1"  # no definitions of these here


def opens(url: str) -> bool:
    """Whether the service answers there: every node must know the way first."""
    try:
        return CLIENT.post(url, json={"data": [1]}, timeout=5).is_success
    except httpx.HTTPError:
        return False


@pytest.fixture(scope="module")
def older_chart(administrator: Administrator, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A packaged chart of an earlier version, whose Webservices lack a field."""
    folder = tmp_path_factory.mktemp("older")
    chart = shutil.copytree(ROOT / CHART, folder / "fairlead")
    about = yaml.safe_load((chart / "Chart.yaml").read_text())
    (chart / "Chart.yaml").write_text(yaml.safe_dump({**about, "version": OLDER_VERSION}))
    file = chart / "files/crds/webservices.yaml"
    definition = yaml.safe_load(file.read_text())
    spec = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    del spec["properties"][NEW_FIELD]
    file.write_text(yaml.safe_dump(definition, sort_keys=False))
    administrator.helm("package", chart, "--destination", folder)
    return folder / f"fairlead-{OLDER_VERSION}.tgz"


@pytest.fixture(scope="module")
def load(administrator: Administrator, cluster: Cluster, operator_image: str) -> Iterator[Load]:
    """A Webservice that is asked without a pause, whatever happens to the operator."""
    image = f"{cluster.registry}/chart-tests/service:1"
    arguments = (f"OPERATOR={operator_image}", f"BASE={cluster.base_image}")
    options = [item for each in arguments for item in ("--build-arg", each)]
    docker("build", *options, "--label", MARK, "--tag", image, Path(__file__).parent / "service")
    docker("push", "--quiet", image)
    resources = {"cpu": "50m", "memory": "64Mi"}
    expose = {"type": "NodePort", "nodePort": SCORING_PORT}
    spec = {"image": image, "replicas": 1, "auth": {"enabled": False}}
    administrator.apply("Webservice", "echo", {**spec, "resources": resources, "expose": expose})
    administrator.reason("webservice", "echo", "Serving")
    url = f"http://localhost:{SCORING_PORT}/score"
    until(lambda: opens(url), bool)
    with Load(url) as load:
        yield load


def service_pods(administrator: Administrator, more: str = "") -> list[str]:
    select = (f"--selector=fairlead.dev/webservice=echo{more}", f"--namespace={TEAM}")
    return administrator.kubectl("get", "pods", *select, "--output=name").split()


def explained(administrator: Administrator, field: str) -> str:
    """What `kubectl explain` says; empty where there is no such field."""
    try:
        return administrator.kubectl("explain", field)
    except ClusterError:
        return ""


def pods(administrator: Administrator, namespace: str) -> list[dict[str, Any]]:
    select = ("--selector=app.kubernetes.io/name=fairlead", f"--namespace={namespace}")
    return list(json.loads(administrator.kubectl("get", "pods", *select, "-o=json"))["items"])


def operator_log(administrator: Administrator, namespace: str) -> str:
    select = ("--selector=app.kubernetes.io/name=fairlead", f"--namespace={namespace}")
    return administrator.kubectl("logs", *select, "--tail=-1")


@pytest.mark.parametrize("name", SETS)
def test_the_api_server_takes_every_manifest(administrator: Administrator, name: str) -> None:
    """But for `helm test`, whose pod asks for a ServiceAccount: that is run for real below."""
    documents = yaml.safe_load_all((GOLDEN / f"{name}.yaml").read_text())
    known = [
        one
        for one in documents
        if one["apiVersion"] != MONITORS and HOOK not in one["metadata"].get("annotations", {})
    ]
    dry_run = ("apply", "--dry-run=server", "--server-side", "--force-conflicts", "--filename=-")
    said = administrator.kubectl(*dry_run, text=yaml.safe_dump_all(known))
    assert said.count("(server dry run)") == len(known)


def test_an_older_chart_is_installed(administrator: Administrator, older_chart: Path) -> None:
    said = administrator.install("install", "fairlead", older_chart, HOME)
    assert "helm test fairlead --namespace chart-system" in said
    assert explained(administrator, f"webservice.spec.{NEW_FIELD}") == ""
    [pod] = pods(administrator, HOME)
    [status] = pod["status"]["containerStatuses"]
    assert (status["ready"], status["restartCount"]) == (True, 0)


def test_an_operator_says_what_older_definitions_lack(administrator: Administrator) -> None:
    until(
        lambda: operator_log(administrator, HOME),
        lambda said: f"webservices.fairlead.dev lacks spec.{NEW_FIELD}. Apply those" in said,
    )


def test_the_operator_handles_objects_from_its_pod(administrator: Administrator) -> None:
    files = {"model.txt": "A model.", "score.py": "def init(): ...\ndef run(data): ...\n"}
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "data": files}
    meta = {"metadata": {"name": "files", "namespace": TEAM}}
    administrator.kubectl("apply", "-f", "-", text=json.dumps({**manifest, **meta}))
    source = {"configMap": {"name": "files"}}
    administrator.apply("Model", "small", {"source": source})
    administrator.apply(
        "InferenceImage", "small", {"source": source, "entryScript": "score.py", "models": []}
    )
    administrator.reason("model", "small", "Stored")
    administrator.reason("inferenceimage", "small", "Built")


def test_an_upgrade_brings_the_newer_definitions(administrator: Administrator, load: Load) -> None:
    serving = service_pods(administrator)
    before = [pod["metadata"]["name"] for pod in pods(administrator, HOME)]
    administrator.install("upgrade", "fairlead", ROOT / CHART, HOME)
    until(
        lambda: explained(administrator, f"webservice.spec.{NEW_FIELD}"),
        lambda said: "How long run() may take" in said,
    )
    assert [pod["metadata"]["name"] for pod in pods(administrator, HOME)] != before
    administrator.apply("Model", "newer", {"source": {"configMap": {"name": "files"}}})
    administrator.reason("model", "newer", "Stored")
    assert service_pods(administrator) == serving != []
    assert load.answers.keys() == {"200"}


def test_helm_test_serves_and_scores(administrator: Administrator) -> None:
    said = administrator.helm("test", "fairlead", "--namespace", HOME, "--logs")
    assert "Succeeded" in said
    assert "models/test-fairlead Stored: " in said
    assert "Scored: http://test-fairlead." in said
    left = administrator.kubectl("get", "webservices,models", f"--namespace={HOME}", "-o=name")
    assert left == ""  # after a success nothing stays but the pod, for its log


def test_a_rollback_brings_back_the_older_ones(administrator: Administrator) -> None:
    administrator.helm("rollback", "fairlead", "1", "--namespace", HOME, "--wait")
    until(lambda: explained(administrator, f"webservice.spec.{NEW_FIELD}"), lambda said: not said)
    administrator.apply("Model", "after", {"source": {"configMap": {"name": "files"}}})
    administrator.reason("model", "after", "Stored")


METRICS_API = ("--set", "metricsApi.enabled=true")


def test_another_adapter_of_custom_metrics_is_not_taken_over(administrator: Administrator) -> None:
    service = {"name": "adapter", "namespace": TEAM}
    spec: dict[str, Any] = {
        "group": "custom.metrics.k8s.io",
        "version": "v1beta1",
        "service": service,
    }
    spec |= {"groupPriorityMinimum": 100, "versionPriority": 100, "insecureSkipTLSVerify": True}
    name = "v1beta1.custom.metrics.k8s.io"
    head = {"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService"}
    other = {**head, "metadata": {"name": name}, "spec": spec}
    administrator.kubectl("apply", "-f", "-", text=json.dumps(other))
    with pytest.raises(ClusterError) as refusal:
        administrator.install("upgrade", "fairlead", ROOT / CHART, HOME, *METRICS_API)
    administrator.kubectl("delete", "apiservice", name)
    assert f"belongs to Service {TEAM}/adapter" in str(refusal.value.tail)


def demand(administrator: Administrator) -> str:
    """What an autoscaler would be told of the service; empty where nothing is."""
    path = f"/apis/custom.metrics.k8s.io/v1beta2/namespaces/{TEAM}/webservices.fairlead.dev/echo"
    try:
        return administrator.kubectl("get", "--raw", f"{path}/fairlead_demand_concurrency")
    except ClusterError:
        return ""


def test_custom_metrics_are_served_and_go_on_with_another_certificate_and_other_pods(
    administrator: Administrator, load: Load
) -> None:
    """An upgrade keeps the certificate; where its Secret was deleted, it makes another."""
    administrator.install("upgrade", "fairlead", ROOT / CHART, HOME, *METRICS_API)
    until(lambda: demand(administrator), bool)
    secret = ("get", "secret", "fairlead-metrics-api", f"--namespace={HOME}", "--output=json")
    certificate = json.loads(administrator.kubectl(*secret))["data"]["tls.crt"]
    dry = ("--dry-run=server", *METRICS_API)
    assert certificate in administrator.install("upgrade", "fairlead", ROOT / CHART, HOME, *dry)
    administrator.kubectl("delete", "secret", "fairlead-metrics-api", f"--namespace={HOME}")
    administrator.install("upgrade", "fairlead", ROOT / CHART, HOME, *METRICS_API)
    assert json.loads(administrator.kubectl(*secret))["data"]["tls.crt"] != certificate
    place = ("deployment/fairlead-metrics-api", f"--namespace={HOME}")
    administrator.kubectl("rollout", "status", *place, "--timeout=200s")
    until(lambda: demand(administrator), bool)
    administrator.kubectl("rollout", "restart", *place)
    administrator.kubectl("rollout", "status", *place, "--timeout=200s")
    until(lambda: demand(administrator), bool)
    assert load.answers.keys() == {"200"}


def test_requests_that_use_no_cpu_bring_replicas(
    administrator: Administrator, cluster: Cluster
) -> None:
    place = (f"--namespace={TEAM}", "--output=json")
    image = json.loads(administrator.kubectl("get", "webservice", "echo", *place))["spec"]["image"]
    spec = {
        "image": image,
        "autoscale": {"maxReplicas": 3},
        "concurrency": {"maxQueueWaitMilliseconds": 60_000},
        "auth": {"enabled": False},
        "resources": {"cpu": "50m", "memory": "64Mi"},
        "expose": {"type": "NodePort"},
    }
    administrator.apply("Webservice", "sleeper", spec)
    administrator.reason("webservice", "sleeper", "Serving")
    service = json.loads(administrator.kubectl("get", "service", "sleeper", *place))
    url = f"http://{cluster.node}:{service['spec']['ports'][0]['nodePort']}/score"
    until(lambda: opens(url), bool)

    def ready() -> int:
        found = json.loads(administrator.kubectl("get", "deployment", "sleeper", *place))
        return int(found["status"].get("readyReplicas", 0))

    with ExitStack() as busy:
        for _ in range(4):
            busy.enter_context(Load(url, {"seconds": 1}))
        until(ready, lambda number: number == 3)
    administrator.kubectl("delete", "webservice", "sleeper", f"--namespace={TEAM}")


def test_uninstalling_loses_nobodys_objects(administrator: Administrator, load: Load) -> None:
    administrator.kubectl("scale", "deployment/fairlead", "--replicas=0", f"--namespace={HOME}")
    until(lambda: pods(administrator, HOME), lambda left: left == [])
    patch = f"--patch={json.dumps({'metadata': {'finalizers': [FINALIZER, 'example.com/x']}})}"
    administrator.kubectl("patch", "model/after", f"--namespace={TEAM}", "--type=merge", patch)
    administrator.helm("uninstall", "fairlead", "--namespace", HOME, "--wait")
    assert administrator.kubectl("get", "--ignore-not-found", CUSTOM_METRICS) == ""
    finalizers = "--output=jsonpath={.metadata.finalizers}"
    kept = administrator.kubectl("get", "model/after", f"--namespace={TEAM}", finalizers)
    assert json.loads(kept) == ["example.com/x"]
    nobodys = '--patch={"metadata":{"finalizers":null}}'
    administrator.kubectl("patch", "model/after", f"--namespace={TEAM}", "--type=merge", nobodys)
    left = administrator.kubectl("get", "models", f"--namespace={TEAM}", "--output=name").split()
    assert left == [f"model.fairlead.dev/{name}" for name in ("after", "newer", "small")]
    until(lambda: pods(administrator, HOME), lambda left: left == [])
    answered = load.answers["200"]
    until(lambda: load.answers["200"], lambda count: count > answered + 20)


def test_another_release_takes_over_what_was_kept(administrator: Administrator) -> None:
    """With rights in three namespaces alone, two pods, and one of them at work."""
    more = ("--set", f"watchNamespaces={{{TEAM},team-a}}", "--set", "replicas=2")
    with pytest.raises(ClusterError) as refusal:
        administrator.install("install", "models", ROOT / CHART, ELSEWHERE, *more)
    assert "cannot be imported into the current release" in str(refusal.value.tail)
    administrator.install("install", "models", ROOT / CHART, ELSEWHERE, "--take-ownership", *more)
    administrator.apply("Model", "later", {"source": {"configMap": {"name": "files"}}})
    administrator.reason("model", "later", "Stored")
    account = f"--as=system:serviceaccount:{ELSEWHERE}:models-fairlead"
    with pytest.raises(ClusterError):
        administrator.kubectl(
            "auth", "can-i", "list", "models.fairlead.dev", account, f"--namespace={HOME}"
        )
    assert len(pods(administrator, ELSEWHERE)) == 2


def test_a_namespace_without_rights_is_named_and_holds_up_no_other(
    administrator: Administrator,
) -> None:
    place = ("deployment/models-fairlead", f"--namespace={ELSEWHERE}")
    administrator.kubectl("delete", "rolebinding/models-fairlead-operator", "--namespace=team-a")
    administrator.kubectl("rollout", "restart", *place)
    administrator.kubectl("rollout", "status", *place, "--timeout=100s")
    until(
        lambda: operator_log(administrator, ELSEWHERE),
        lambda said: "list models, " in said and " in namespace team-a. The chart" in said,
    )
    administrator.apply("Model", "latest", {"source": {"configMap": {"name": "files"}}})
    administrator.reason("model", "latest", "Stored")


def test_not_one_request_has_failed(administrator: Administrator, load: Load) -> None:
    """In all of this; and no pod of the service was replaced, nor its front."""
    assert load.answers.keys() == {"200"}
    assert load.answers["200"] > 100
    restarts = "--output=jsonpath={.status.containerStatuses[*].restartCount}"
    [replica] = service_pods(administrator, ",app.kubernetes.io/component=scoring")
    pods_and_fronts = service_pods(administrator)
    assert {replica} < set(pods_and_fronts)
    for pod in pods_and_fronts:
        assert administrator.kubectl("get", pod, f"--namespace={TEAM}", restarts) == "0"


def test_what_is_looked_up_reads_like_documentation(administrator: Administrator) -> None:
    said = administrator.kubectl("explain", "wsvc.spec.autoscale")
    assert "Replicas follow the load" in said
    assert "<no description>" not in said
