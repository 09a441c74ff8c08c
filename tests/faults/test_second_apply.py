"""A second apply of the same manifests changes nothing: counted at the API server."""

import re
from collections.abc import Iterator, Mapping

import httpx
import pytest

from fairlead.api.meta import FIELD_MANAGER
from fairlead.api.refs import Manifest
from tests.faults.story import CHILDREN, OURS, create
from tests.faults.trial import Bed, Trial, free_port

ROUNDS = 3  # reconciles of each object that must follow
ALWAYS = {"leases", "configmaps"}  # the Lease, and the echo that liveness is proved by
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
    text = httpx.get(f"http://{health}/metrics", trust_env=False).text
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


def _within(applied: Manifest | None, found: Manifest | None) -> bool:
    """All that was applied is there as it was; what else is there are the schema's defaults."""
    if isinstance(applied, dict) and isinstance(found, dict):
        return all(key in found and _within(value, found[key]) for key, value in applied.items())
    return applied == found
