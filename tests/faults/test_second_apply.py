"""A second apply of the same manifests changes nothing: counted at the API server."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest

from fairlead.api.meta import FIELD_MANAGER
from fairlead.api.refs import Manifest
from tests.cluster.ports import free_port
from tests.faults.api import Api
from tests.faults.story import CHILDREN, NAME, OURS, create
from tests.faults.trial import Bed, Trial
from tests.plain_http import CLIENT

ROUNDS = 3  # reconciles of each object that must follow
ALWAYS = {"leases", "configmaps"}  # the Lease, and the echo that liveness is proved by
POLICY = "fairlead-tests-second-apply"
ADMISSION = "/apis/admissionregistration.k8s.io/v1"
GRACE_S = 7  # what the policy makes of the grace period, whoever writes a Deployment
INJECTED = {"sidecar.example.com/injected": "yes"}
CHANGE = f"""
Object{{spec: Object.spec{{template: Object.spec.template{{
  metadata: Object.spec.template.metadata{{annotations: {{"sidecar.example.com/injected": "yes"}}}},
  spec: Object.spec.template.spec{{terminationGracePeriodSeconds: {GRACE_S}}}}}}}}}
"""
RECONCILES = re.compile(r"^fairlead_reconcile_seconds_count\{.*\} ([0-9.]+)$", re.MULTILINE)


@pytest.fixture(scope="module")
def health() -> str:
    return f"127.0.0.1:{free_port()}"


@pytest.fixture(scope="module")
def trial(bed: Bed, health: str) -> Iterator[Trial]:
    """The demo's objects, serving, with an operator as the chart sets it up: it holds a Lease and
    proves that it lives. It looks at everything again every few seconds."""
    settings = {"FAIRLEAD_LEADER_ELECTION": "true", "FAIRLEAD_HEALTH_ADDRESS": health}
    with Trial(bed, "second-apply", settings=settings) as trial:
        trial.begin(create())
        trial.settle(create())
        trial.calm()
        yield trial


def reconciles(health: str) -> float:
    text = CLIENT.get(f"http://{health}/metrics").text
    return sum(float(count) for count in RECONCILES.findall(text))


def versions(trial: Trial) -> Mapping[str, str]:
    """What the API server counts of each object: any write would be another version."""
    return {
        f"{seen['kind']} {seen['metadata']['name']}": seen["metadata"]["resourceVersion"]
        for seen in trial.view.all((*OURS, *CHILDREN, "ConfigMap"))
    }


def test_a_second_apply_changes_nothing(trial: Trial, health: str) -> None:
    before, written = versions(trial), len(trial.proxy.record.writes())
    looked = reconciles(health)
    trial.begin(create())
    trial.until(lambda: reconciles(health) >= looked + ROUNDS * len(OURS))
    assert versions(trial) == before
    writes = trial.proxy.record.writes()[written:]
    assert [write.subject for write in writes if write.request.plural not in ALWAYS] == []
    assert {write.request.namespace for write in writes} <= {"fairlead-system"}
    assert "leases" in {write.request.plural for write in trial.proxy.record.writes()}


def test_what_git_holds_is_what_the_cluster_holds(trial: Trial) -> None:
    """Nothing of ours is in a user's spec, labels or annotations; we own a status and no more."""
    for applied in create().apply:
        kind, name = applied["kind"], applied["metadata"]["name"]
        found = trial.view.get(kind, name)
        assert found is not None
        meta = found["metadata"]
        assert not {"labels", "annotations", "finalizers", "ownerReferences"} & meta.keys()
        assert _within(applied.get("spec"), found.get("spec"))
        ours = [entry for entry in meta["managedFields"] if entry["manager"] == FIELD_MANAGER]
        assert {entry.get("subresource") for entry in ours} <= {"status"}
        fields = [entry["fieldsV1"].keys() for entry in ours]
        assert fields == [{"f:status"}] * len(ours)
        assert bool(ours) == (kind in OURS)


def test_what_the_clusters_admission_changes_is_applied_once_and_told(
    trial: Trial, health: str
) -> None:
    def told() -> str:
        conditions = (trial.view.get("Webservice", NAME) or {})["status"]["conditions"]
        return next((str(c["message"]) for c in conditions if c["type"] == "Settled"), "")

    applied = next(one for one in create().apply if one["kind"] == "Webservice")
    variables = {"environmentVariables": {"NEW": "one"}}
    with admission(trial.bed.api, trial.namespace):
        trial.until(lambda: grace_s(touched(trial)) == GRACE_S)
        trial.bed.api.apply(trial.namespace, {**applied, "spec": {**applied["spec"], **variables}})
        trial.until(lambda: f"terminationGracePeriodSeconds ({GRACE_S}, not " in told())
        trial.settle(create())
        trial.calm()
        before, written = versions(trial), len(trial.proxy.record.writes())
        looked = reconciles(health)
        trial.until(lambda: reconciles(health) >= looked + ROUNDS * len(OURS))
        assert versions(trial) == before
        writes = trial.proxy.record.writes()[written:]
        assert [write.subject for write in writes if write.request.plural not in ALWAYS] == []
        live = trial.view.get("Deployment", NAME) or {}
        assert grace_s(live) == GRACE_S
        assert live["spec"]["template"]["metadata"]["annotations"] == INJECTED


def touched(trial: Trial) -> Manifest:
    """What would come of a write to the Deployment that changes nothing."""
    path = f"/apis/apps/v1/namespaces/{trial.namespace}/deployments/{NAME}?dryRun=All"
    merge = {"Content-Type": "application/merge-patch+json"}
    return trial.bed.api.ask_now("PATCH", path, {"metadata": {}}, merge)


def grace_s(deployment: Manifest) -> int:
    return int(deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"])


@contextmanager
def admission(api: Api, namespace: str) -> Iterator[None]:
    """A policy of the cluster that changes every Deployment of this namespace at each write."""
    rule = {"apiGroups": ["apps"], "apiVersions": ["v1"], "resources": ["deployments"]}
    labels = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    policy = {
        "matchConstraints": {
            "namespaceSelector": labels,
            "resourceRules": [{**rule, "operations": ["CREATE", "UPDATE"]}],
        },
        "failurePolicy": "Fail",
        "reinvocationPolicy": "Never",
        "mutations": [
            {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": CHANGE}}
        ],
    }
    specs = {
        "MutatingAdmissionPolicy": ("mutatingadmissionpolicies", policy),
        "MutatingAdmissionPolicyBinding": (
            "mutatingadmissionpolicybindings",
            {"policyName": POLICY},
        ),
    }
    for kind, (plural, spec) in specs.items():
        head = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind}
        api.ask_now("POST", f"{ADMISSION}/{plural}", {**head, **_named(POLICY), "spec": spec})
    try:
        yield
    finally:
        for plural, _ in specs.values():
            api.ask_now("DELETE", f"{ADMISSION}/{plural}/{POLICY}")


def _named(name: str) -> Manifest:
    return {"metadata": {"name": name}}


def _within(applied: Manifest | None, found: Manifest | None) -> bool:
    """All that was applied is there as it was; what else is there are the schema's defaults."""
    if isinstance(applied, dict) and isinstance(found, dict):
        return all(key in found and _within(value, found[key]) for key, value in applied.items())
    return applied == found
