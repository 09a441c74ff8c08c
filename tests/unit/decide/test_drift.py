"""Drift: what we want against what our field manager owns, on objects that a real API server wrote.

Each file in ``live/`` holds a manifest that we applied (``wanted``) and what became of it, recorded
with ``kubectl get -o json --show-managed-fields`` after what the file's name says.
"""

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from fairlead.api.refs import Manifest
from fairlead.decide.webservice.drift import Drift, drift, fingerprint_of
from fairlead.desired.alterations import alterations
from fairlead.desired.deployment import deployment
from fairlead.desired.owned_fields import expected_hash, owned_hash
from fairlead.desired.service import service
from fairlead.evidence import Accepted, ChildEvidence
from fairlead.observe.projection import project
from tests.unit.live import RECORDED, applied, child, kind_of
from tests.unit.objects import webservice

GOLDEN = Path(__file__).parents[2] / "golden"
MAX_HASHING_S = 5.0  # of a busy machine; without a bound it would be minutes
SAME = [
    "applied",  # with an empty variable, 1000m of CPU, 0.5Gi and 1024Mi of memory
    "applied-fixed",
    "applied-twice",
    "container-added",  # by an injector: containers, a variable, a volume and its mount
    "container-applied",  # the same by server-side apply
    "env-added",
    "paused",
    "resources-same",  # somebody set what we want, too
    "restarted",
    "scaled-by-autoscaler",
    "service-port-added",
    "volume-changed",  # a size limit for our emptyDir
]
DRIFTED = [
    "annotation-removed",
    "env-changed",
    "env-filled",  # the empty variable got a value
    "env-removed",
    "hpa-external",
    "hpa-max",
    "hpa-metric",
    "labels-removed",
    "mount-writable",
    "orphaned",  # the owner is gone
    "pdb-changed",
    "resources-changed",
    "restored",
    "running",  # with other probes than ours
    "scaled",
    "service-port-changed",
    "service-selector",
    "service-type",
    "strategy-changed",
    "volume-replaced",
]
CHANGED = "changed-by-admission.Deployment.json"
"""A MutatingAdmissionPolicy has set another grace period than we did; the field stays ours."""


def recorded(file: str) -> tuple[Manifest, Manifest]:
    """What was wanted, and the live object."""
    found = json.loads((RECORDED / file).read_text())
    return found["wanted"], found["live"]


def files(steps: list[str]) -> list[str]:
    return sorted(file.name for step in steps for file in RECORDED.glob(f"{step}.*.json"))


def test_every_recorded_object_is_judged() -> None:
    assert files(["*"]) == sorted([*files(SAME), *files(DRIFTED), CHANGED])


@pytest.mark.parametrize("file", files(SAME))
def test_what_others_add_is_no_drift(file: str) -> None:
    wanted, live = recorded(file)
    assert owned_hash(live) == expected_hash(wanted)
    assert drift(wanted, child(live)) is Drift.NONE


@pytest.mark.parametrize("file", files(DRIFTED))
def test_what_others_take_from_us_is_drift(file: str) -> None:
    wanted, live = recorded(file)
    assert owned_hash(live) != expected_hash(wanted)
    assert drift(wanted, child(live)) is not Drift.NONE


WANTED = service(webservice())
PODS: Manifest = {
    "topologySpreadConstraints": [
        {"topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "DoNotSchedule"},
        {"topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "ScheduleAnyway"},
        {"topologyKey": "kubernetes.io/hostname", "maxSkew": 2},
    ],
    "volumes": [
        {"mountPath": "/mnt/a", "emptyDir": {"sizeLimit": "1024Mi"}},
        {"mountPath": "/mnt/b", "persistentVolumeClaim": {"claimName": "b", "readOnly": False}},
        {"mountPath": "/mnt/c", "persistentVolumeClaim": {"claimName": "c", "readOnly": True}},
    ],
}


def as_kept(value: Any) -> Any:
    """As the API server writes it back: quantities in its own form, and no ``readOnly: false``."""
    if isinstance(value, list):
        return [as_kept(item) for item in value]
    if not isinstance(value, dict):
        return "1Gi" if value == "1024Mi" else value
    return {k: as_kept(v) for k, v in value.items() if (k, v) != ("readOnly", False)}


def golden_pods() -> Manifest:
    """The spec that gives every field of the pods."""
    given = yaml.safe_load((GOLDEN / "children/pods/webservice.yaml").read_text())
    return dict(given)


@pytest.mark.parametrize("spec", [PODS, golden_pods()], ids=["own forms", "all"])
def test_what_the_server_writes_in_its_own_way_is_no_drift(spec: Manifest) -> None:
    wanted = deployment(webservice(**spec), "registry/image:1")
    live = as_kept(applied(wanted))
    assert alterations(wanted, live) == ()
    assert owned_hash(live) == expected_hash(wanted)
    assert drift(wanted, child(live)) is Drift.NONE


def test_another_spread_or_size_is_drift() -> None:
    wanted = deployment(webservice(**PODS), "registry/image:1")
    live = as_kept(applied(wanted))
    pod = live["spec"]["template"]["spec"]
    pod["topologySpreadConstraints"][1]["maxSkew"] = 7
    folder = next(volume for volume in pod["volumes"] if volume["name"] == "volume-0")
    folder["emptyDir"]["sizeLimit"] = "2Gi"
    where = "spec.template.spec"
    assert alterations(wanted, live) == (
        f"{where}.volumes[volume-0].emptyDir.sizeLimit",
        f"{where}.topologySpreadConstraints[topology.kubernetes.io/zone,ScheduleAnyway].maxSkew "
        "(7, not 1)",
    )


def accepted(seen: ChildEvidence, wanted: Manifest) -> ChildEvidence:
    """The same, as it came of our own apply in this process."""
    return replace(seen, accepted=Accepted(fingerprint_of(wanted), seen.owned_hash))


def test_what_is_missing_is_made() -> None:
    assert drift(WANTED, None) is Drift.NEW


def test_a_wish_that_was_dropped_is_seen() -> None:
    exposed = service(webservice(expose={"type": "NodePort", "nodePort": 30080}))
    assert drift(WANTED, child(applied(exposed))) is Drift.NEW


def test_what_admission_makes_of_our_apply_is_accepted_once_it_was_seen() -> None:
    wanted, live = recorded(CHANGED)
    seen = child(live)
    assert drift(wanted, seen) is Drift.TAKEN
    assert drift(wanted, accepted(seen, wanted)) is Drift.NONE


def test_what_was_accepted_for_one_manifest_is_not_accepted_for_the_next() -> None:
    wanted, live = recorded(CHANGED)
    seen = child(live)
    newer = {**wanted["metadata"], "annotations": {"fairlead.dev/applied": "another"}}
    assert drift({**wanted, "metadata": newer}, accepted(seen, wanted)) is Drift.NEW


def test_a_second_version_of_an_api_has_an_entry_of_its_own() -> None:
    live = applied(WANTED)
    [whole] = live["metadata"]["managedFields"]
    spec, metadata = ({key: whole["fieldsV1"][key]} for key in ("f:spec", "f:metadata"))
    older = {**whole, "apiVersion": "v1beta1", "fieldsV1": spec}
    live["metadata"]["managedFields"] = [older, {**whole, "fieldsV1": metadata}]
    assert owned_hash(live) == expected_hash(WANTED)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("managedFields", None),
        ("managedFields", "x"),
        ("managedFields", [None, {}, {"manager": "fairlead-operator", "operation": "Apply"}]),
        ("annotations", [1]),
        ("ownerReferences", {"uid": 1}),
        ("labels", "x"),
    ],
)
def test_an_object_of_another_shape_has_drifted(field: str, value: Any) -> None:
    live = applied(WANTED)
    live["metadata"][field] = value
    assert drift(WANTED, project(kind_of(live), live)) is not Drift.NONE


def hostile(live: Manifest, **fields: Any) -> Manifest:
    mine = {"manager": "fairlead-operator", "operation": "Apply", "fieldsV1": fields}
    others = [{"manager": f"m{n}", "operation": "Apply", "fieldsV1": fields} for n in range(3000)]
    return {**live, "metadata": {**live["metadata"], "managedFields": [mine, *others]}}


def nested(levels: int) -> Any:
    return {"f:spec": nested(levels - 1)} if levels else {}


LARGE = {
    "many fields": hostile(applied(WANTED), **{f"f:{number}": {} for number in range(100_000)}),
    "many items": hostile(
        {**applied(WANTED), "spec": {"ports": [{"port": number} for number in range(100_000)]}},
        **{"f:spec": {"f:ports": {f'k:{{"port":{n}}}': {} for n in range(50_000)}}},
    ),
    "a deep value": hostile(applied(WANTED), **nested(400)),
    "a large value": hostile(
        {**applied(WANTED), "spec": {"x": [[{"y": number}] for number in range(100_000)]}},
        **{"f:spec": {"f:x": {}}},
    ),
}


@pytest.mark.parametrize("case", LARGE)
def test_an_object_that_is_made_to_take_long_does_not(case: str) -> None:
    """Measured as CPU time: what others do on this machine is no matter."""
    begun = time.process_time()
    assert owned_hash(LARGE[case]) != expected_hash(WANTED)
    assert time.process_time() - begun < MAX_HASHING_S
