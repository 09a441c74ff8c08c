"""Decisions are total: whatever was written into an object, a status or a child, a whole status
comes out, and one that the API server takes."""

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairlead.api.inferenceimage import InferenceImageStatus
from fairlead.api.meta import INFERENCE_IMAGE, MODEL, WEBSERVICE
from fairlead.api.model import ModelStatus
from fairlead.api.objects import read_image, read_model, read_webservice
from fairlead.api.reasons import Reason
from fairlead.api.refs import Manifest
from fairlead.api.status import CommonStatus, read_status
from fairlead.api.webservice import WebserviceStatus
from fairlead.contract import TaskFailure, TaskPhase, TaskState
from fairlead.decide.decision import IMAGE_STAGES, MODEL_STAGES, WEBSERVICE_STAGES, Decision
from fairlead.decide.image.stages import decide_image
from fairlead.decide.model import decide_model
from fairlead.decide.status_update import blocked, last_status_update, status_update
from fairlead.decide.webservice.stages import decide_webservice
from fairlead.desired.child_kinds import CHILD_KINDS, HTTP_ROUTE, INGRESS, Known
from fairlead.desired.deployment import revision_of
from fairlead.desired.exposure import Granted
from fairlead.desired.metadata import REVISION
from fairlead.errors import StalledError
from fairlead.evidence import (
    ChildEvidence,
    Claim,
    ExposureEvidence,
    ModelEvidence,
    WebserviceEvidence,
)
from fairlead.images.hashes import file_digests
from fairlead.observe.exposures import Claims, hosts_led
from fairlead.observe.projection import project
from fairlead.observe.references import Key
from fairlead.settings import Settings
from tests.unit.image_evidence import image_evidence
from tests.unit.live import RECORDED, applied, kind_of
from tests.unit.objects import NOW, THEN, body
from tests.unit.pods import crashed, pod
from tests.unit.spoilt import JSON, spoilt

EXAMPLES = settings(max_examples=100, deadline=None)
HASH, DIGEST = "a" * 64, f"sha256:{'1' * 64}"
TIME = "2026-11-22T09:00:00Z"
SETTINGS = Settings(external_host="")
COMMON = {
    "observedGeneration": 1,
    "conditions": [
        {"type": "Ready", "status": "True", "reason": "Stored", "lastTransitionTime": TIME}
    ],
    "failure": {"reason": "OutOfDisk", "class": "Resource", "message": "full", "since": TIME},
}
MODEL_SPEC = {
    "modelName": "m",
    "source": {"uri": "https://models.example.com/diabetes.pkl"},
    "digest": DIGEST,
}
VERSIONS = [
    {
        "version": number,
        "modelName": "m",
        "digest": DIGEST,
        "sizeBytes": 10,
        "files": 1,
        "source": "https://models.example.com/diabetes.pkl",
        "artifact": f"localhost:5000/demo/fairlead/models/m:{number}",
        "layer": DIGEST,
        "path": "diabetes.pkl",
        "registeredAt": TIME,
    }
    for number in (1, 2)
]
MODEL_STATUS = {
    **COMMON,
    "modelName": "m",
    "latestVersion": 2,
    "versions": VERSIONS,
    "ingest": {"key": HASH},
    "display": {"size": "10B"},
}
CODE = {
    "hash": HASH,
    "origin": "https://code.example.com/x.zip",
    "files": 2,
    "sizeBytes": 10,
    "requirements": 1,
    "runLine": 3,
    "imports": [{"name": "sklearn", "line": 1}],
    "models": [{"name": "m", "line": 2}],
    "leftOut": [{"name": "azureml-defaults", "line": 3}],
    "unpinned": ["numpy"],
}
IMAGE_SPEC = {
    "models": [{"name": "m"}, {"name": "n", "version": 1}],
    "source": {
        "inline": {
            "files": {
                "score.py": "def init():\n    pass\n\n\ndef run(data):\n    return data\n",
                "env.yml": "dependencies:\n- python=3.11\n- pip:\n  - numpy==2.0\n",
            }
        }
    },
    "entryScript": "score.py",
    "condaFile": "env.yml",
    "environmentVariables": {"A": "b"},
}
IMAGE_STATUS = {
    **COMMON,
    "version": 3,
    "imageLocation": "localhost:5000/demo/diabetes:3",
    "imageDigest": DIGEST,
    "creationState": "Succeeded",
    "baseImage": {"reference": "python:3.11-slim", "digest": DIGEST},
    "environment": {
        "hash": HASH,
        "image": f"localhost:5000/demo/fairlead/environments@{DIGEST}",
        "python": "3.11.2",
    },
    "hashes": {"image": HASH, "environment": HASH, "code": HASH},
    "resolved": {"key": HASH, "lastVersion": 3},
    "build": {"id": "3-1", "hash": HASH, "phase": "Succeeded", "startedAt": TIME},
    "history": [{"version": 3, "hash": HASH, "digest": DIGEST}],
    "source": {
        "key": HASH,
        "artifact": f"localhost:5000/demo/fairlead/code/diabetes@{DIGEST}",
        "code": CODE,
        "fetchedAt": TIME,
    },
}
PROFILED_SPEC = {
    **IMAGE_SPEC,
    "platform": "linux/amd64",
    "smokeTest": {"sample": {"inline": "[1]"}, "resources": {"limits": {"memory": "1Gi"}}},
    "profile": {"cpu": "0.5", "memory": "1Gi", "requests": 100, "maxConcurrentRequests": 2},
}
LATENCIES = dict.fromkeys(("mean", "p50", "p90", "p95", "p99", "p999", "highest"), 12.5)
PROFILED_STATUS = {
    **IMAGE_STATUS,
    "platform": "linux/amd64",
    "profile": {
        "hash": HASH,
        "imageDigest": DIGEST,
        "version": 3,
        "measuredAt": TIME,
        "given": {"cpu": "500m", "memory": "1Gi"},
        "recommended": {"cpu": "250m", "memory": "512Mi"},
        "maxConcurrentRequests": 2,
        "requestsPerSecond": 80.5,
        "latencyMilliseconds": LATENCIES,
        "failure": COMMON["failure"],
    },
}
FETCHED_SPEC = {**IMAGE_SPEC, "source": {"uri": "https://code.example.com/x.zip"}}
SERVICE_SPEC = {
    "imageRef": {"name": "diabetes"},
    "autoscale": {"minReplicas": 1, "maxReplicas": 3, "targetUtilization": 70},
    "resources": {"cpu": "100m", "memory": "512Mi", "limits": {"memory": "1Gi"}},
    "auth": {"enabled": True},
    "probes": {"initialDelaySeconds": 30},
    "environmentVariables": {"A": ""},
    "expose": {"type": "NodePort"},
}
SERVICE_SPECS = st.sampled_from(
    [
        SERVICE_SPEC,
        {**SERVICE_SPEC, "rollout": {"autoRollback": True, "progressDeadlineSeconds": 600}},
        {**SERVICE_SPEC, "expose": {"type": "LoadBalancer"}},
        {"image": "python:3.11", "replicas": 2, "auth": {"enabled": False}},
    ]
).flatmap(spoilt)
SERVICE_STATUS = {
    **COMMON,
    "state": "Healthy",
    "scoringUri": "http://diabetes.demo.svc/score",
    "replicas": {"desired": 2, "ready": 2, "updated": 2},
    "revision": {
        "active": f"localhost:5000/demo/diabetes@{DIGEST}",
        "target": "x",
        "pods": "0123456789abcdef",
        "since": TIME,
        "lastGood": {"image": f"localhost:5000/demo/diabetes@{DIGEST}", "pullSecret": "pull"},
        "rolledBack": {"at": TIME, "failure": COMMON["failure"]},
    },
    "display": {"replicas": "2/2"},
}
STATUS_TYPES: Mapping[tuple[str, ...], type[CommonStatus]] = {
    MODEL_STAGES: ModelStatus,
    IMAGE_STAGES: InferenceImageStatus,
    WEBSERVICE_STAGES: WebserviceStatus,
}


def check(decision: Decision[CommonStatus], stages: tuple[str, ...], seen: Manifest) -> None:
    """The status is whole, and one that is read back as what it is."""
    update = status_update(decision)
    for condition in update.conditions:
        assert condition.reason in set(Reason)
        assert condition.message
    check_status(update.status(known(seen), 7, NOW), update.fields, stages)


def known(seen: Manifest) -> CommonStatus:
    return read_status(CommonStatus, seen.get("status"))


def check_status(common: CommonStatus, fields: Manifest, stages: tuple[str, ...]) -> None:
    conditions = {condition.type: condition for condition in common.conditions}
    assert {"Ready", *stages} <= set(conditions)
    assert all(condition.reason for condition in conditions.values())
    assert conditions["Ready"].reason in set(Reason)
    assert conditions["Ready"].message
    if common.failure:
        assert common.failure.reason in set(Reason)
        assert common.failure.message
    wire = json.loads(json.dumps({**fields, **common.to_wire()}))
    STATUS_TYPES[stages].model_validate(wire)


def refused(error: StalledError, seen: Manifest, stages: tuple[str, ...]) -> None:
    assert error.reason == Reason.INVALID_SPEC
    update = blocked(last_status_update(seen), error, 0, NOW)
    check_status(update.status(known(seen), 7, NOW), update.fields, stages)


class Tasks(Mapping[str, TaskState]):
    """The state of each program's task, by whatever name it is asked for."""

    def __init__(self, states: Mapping[str, TaskState | None]) -> None:
        self._states = states

    def __getitem__(self, identifier: str) -> TaskState:
        state = self._states.get(identifier.partition("-")[0])
        if state is None:
            raise KeyError(identifier)
        return state

    def __iter__(self) -> Any:
        return iter(())

    def __len__(self) -> int:
        return 0


RESULT = {
    "version": 2,
    "versions": [{**version, "hash": HASH} for version in VERSIONS],
    "baseDigest": DIGEST,
    "environmentHash": HASH,
    "environmentDigest": DIGEST,
    "environmentPython": "3.11.2",
    "lastVersion": 3,
    "digest": DIGEST,
    "python": "3.11.2",
    "seconds": 2.5,
    "built": True,
    "sizeBytes": 7,
    "code": CODE,
    "startSeconds": 1.5,
    "requests": 100,
    "errors": 1,
    "firstError": "status 500",
    "restarts": 0,
    "requestsPerSecond": 80.5,
    "latencyMilliseconds": LATENCIES,
    "cpuCores": 0.2,
    "highestCpuCores": 0.5,
    "throttledPercent": 7,
    "memoryBytes": 1_000_000_000,
}  # of any program
FAILURE = {"reason": "VersionTaken", "class": "User", "message": "taken", "requirement": "numpy"}


@st.composite
def task_states(draw: st.DrawFn) -> TaskState | None:
    phase = draw(st.none() | st.sampled_from(list(TaskPhase)))
    if phase is None:
        return None
    retryable = draw(st.booleans())
    failure = TaskFailure.model_validate({**FAILURE, "retryable": retryable})
    result = draw(spoilt(RESULT))
    return TaskState(
        id="work",
        attempt=draw(st.integers(1, 60)),
        phase=phase,
        build=draw(st.sampled_from(["", "demo/diabetes/3-1", "demo/diabetes/4-2", "a/b/1-1"])),
        started_at=THEN,
        finished_at=draw(st.sampled_from([None, THEN, NOW, NOW + timedelta(hours=1)])),
        result=result if isinstance(result, dict) else None,
        failure=draw(st.sampled_from([None, failure])),
    )


DONE = TaskState("work", 1, TaskPhase.SUCCEEDED, started_at=THEN, finished_at=THEN, result=RESULT)
TO_BE_BUILT = replace(DONE, result={**RESULT, "environmentDigest": None})


@st.composite
def tasks(draw: st.DrawFn) -> Tasks:
    """Often those of a build that has come some way."""
    resolved = draw(st.sampled_from([DONE, TO_BE_BUILT]) | task_states())
    built = draw(st.just(DONE) | task_states())
    names = ("ingest", "source", "assemble", "smoke", "publish", "profile")
    others = {name: draw(st.just(DONE) | task_states()) for name in names}
    return Tasks({"resolve": resolved, "environment": built, **others})


FILES = st.none() | st.dictionaries(
    st.sampled_from(["score.py", "env.yml", "x"]), st.binary(max_size=40)
)


@EXAMPLES
@given(spoilt(MODEL_SPEC), spoilt(MODEL_STATUS), FILES, tasks())
def test_model(spec: Any, status: Any, files: Any, known: Tasks) -> None:
    seen = body(MODEL, spec, status)
    try:
        model = read_model(seen)
    except StalledError as error:
        refused(error, seen, MODEL_STAGES)
        return
    evidence = ModelEvidence(model, files, file_digests(files or {}), known, SETTINGS)
    check(decide_model(evidence, NOW), MODEL_STAGES, seen)


@EXAMPLES
@given(
    spoilt(IMAGE_SPEC) | spoilt(PROFILED_SPEC) | spoilt(FETCHED_SPEC),
    spoilt(IMAGE_STATUS) | spoilt(PROFILED_STATUS),
    spoilt(MODEL_STATUS),
    FILES,
    tasks(),
)
def test_image(spec: Any, status: Any, model: Any, files: Any, known: Tasks) -> None:
    seen = body(INFERENCE_IMAGE, spec, status)
    try:
        image = read_image(seen)
    except StalledError as error:
        refused(error, seen, IMAGE_STAGES)
        return
    source = image.spec.source
    inline = source.inline and {n: text.encode() for n, text in source.inline.files.items()}
    other = {**MODEL_STATUS, "versions": [{**VERSIONS[0], "modelName": "n"}]}
    models = {"m": read_model(body(MODEL, MODEL_SPEC, model))}
    models["n"] = read_model(body(MODEL, MODEL_SPEC, other, name="n"))
    files = {} if source.is_fetched else inline or files
    evidence = image_evidence(image, models, files, known, SETTINGS)
    check(decide_image(evidence, NOW), IMAGE_STAGES, seen)


def recorded(step: str) -> dict[str, Manifest]:
    files = {kind.kind: RECORDED / f"{step}.{kind.kind}.json" for kind in CHILD_KINDS}
    return {kind: json.loads(file.read_text())["live"] for kind, file in files.items()}


SERVED = f"localhost:5000/demo/diabetes@{DIGEST}"
SERVICE = read_webservice(body(WEBSERVICE, SERVICE_SPEC))
LIVE_STATUS: dict[str, Manifest] = {
    "Deployment": {
        "observedGeneration": 1,
        "replicas": 2,
        "readyReplicas": 1,
        "updatedReplicas": 2,
        "conditions": [
            {"type": "Progressing", "status": "True", "reason": "ProgressDeadlineExceeded"},
            {"type": "ReplicaFailure", "status": "True", "message": "exceeded quota"},
        ],
    },
    "Service": {"loadBalancer": {"ingress": [{"hostname": "a.example.com"}]}},
    "PodDisruptionBudget": {},
    "HorizontalPodAutoscaler": {
        "conditions": [
            {
                "type": "ScalingActive",
                "status": "False",
                "reason": "FailedGetResourceMetric",
                "message": "no metrics",
                "lastTransitionTime": TIME,
            },
            {"type": "ScalingLimited", "status": "True", "reason": "TooManyReplicas"},
        ]
    },
}
PROGRESSED: Manifest = {
    "observedGeneration": 1,
    "replicas": 2,
    "readyReplicas": 1,
    "updatedReplicas": 2,
    "conditions": [{"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"}],
}
BUILT = [manifest for kind in CHILD_KINDS if (manifest := kind.wanted(SERVICE, Known(SERVED)))]
LIVE = {made["kind"]: applied(made, LIVE_STATUS[made["kind"]], replicas=2) for made in BUILT}
REVISION_LABEL = revision_of(LIVE["Deployment"])
ORPHANS = recorded("orphaned")
for _orphan in ORPHANS.values():
    _orphan["metadata"].update(name=SERVICE.name, namespace=SERVICE.namespace)
    _orphan["metadata"]["labels"]["fairlead.dev/webservice"] = SERVICE.name
FOREIGN = {"metadata": {"name": "diabetes", "uid": "theirs"}, "spec": {}}


@st.composite
def children(draw: st.DrawFn) -> dict[str, ChildEvidence]:
    found = {}
    for kind in CHILD_KINDS:
        live = draw(st.sampled_from([None, FOREIGN, ORPHANS[kind.kind], *[LIVE[kind.kind]] * 5]))
        if live is not None:
            status = draw(st.sampled_from([live.get("status"), PROGRESSED, {}]))
            spoiled = draw(spoilt({**live, "status": status}))
            found[kind.kind] = project(kind, spoiled if isinstance(spoiled, dict) else {})
    return found


CRASHED = crashed(exitCode=1)
CRASHED.pod["metadata"]["labels"][REVISION] = REVISION_LABEL
PODS = st.lists(
    st.sampled_from(
        [pod(revision=REVISION_LABEL, ready=True), pod(revision="old", ready=True), pod(), CRASHED]
    ),
    max_size=3,
)


@EXAMPLES
@given(SERVICE_SPECS, spoilt(SERVICE_STATUS), spoilt(IMAGE_STATUS), children(), PODS)
def test_webservice(spec: Any, status: Any, image: Any, live: Any, pods: Any) -> None:
    seen = body(WEBSERVICE, spec, status)
    try:
        webservice = read_webservice(seen)
    except StalledError as error:
        refused(error, seen, WEBSERVICE_STAGES)
        return
    built = read_image(body(INFERENCE_IMAGE, IMAGE_SPEC, image)) if image else None
    evidence = WebserviceEvidence(webservice, built, live, pods, ("one", "two"), SETTINGS)
    check(decide_webservice(evidence, NOW), WEBSERVICE_STAGES, seen)


HOST = "credit.apps.example.com"
GRANTING = Settings(
    external_host="",
    exposure_hosts=("*.apps.example.com",),
    exposure_ingress_classes="public=nginx",
    exposure_gateways="infra/public=https",
)
GRANTED = Granted("public", "nginx", gateway="infra/public")
HELD = {"host": HOST, "path": "/", "since": TIME}
WAYS_IN: dict[str, tuple[Manifest, Manifest]] = {
    "Ingress": (
        {"type": "Ingress", "host": HOST, "tls": {"secretName": "credit-tls"}},
        {"loadBalancer": {"ingress": [{"ip": "192.0.2.7"}]}},
    ),
    "HTTPRoute": (
        {"type": "HTTPRoute", "host": HOST, "path": "/credit", "gateway": "infra/public"},
        {
            "parents": [
                {
                    "parentRef": {"namespace": "infra", "name": "public"},
                    "conditions": [
                        {"type": "Accepted", "status": "True", "observedGeneration": 1},
                        {"type": "ResolvedRefs", "status": "False", "reason": "BackendNotFound"},
                    ],
                }
            ]
        },
    ),
}
MINE = Claim(contends=False, since=THEN, namespace="demo", name="diabetes", host=HOST, path="/")
BESIDE = replace(MINE, contends=True, name="other", path="/credit")
OTHERS = st.lists(
    st.sampled_from([MINE, BESIDE, replace(MINE, since=NOW, namespace="elsewhere")]), max_size=3
)


@st.composite
def ways_in(draw: st.DrawFn) -> tuple[Manifest, dict[str, ChildEvidence]]:
    """``spec.expose``, and what is there for it, or for what was asked before."""
    asked, there = draw(st.sampled_from(list(WAYS_IN))), draw(st.sampled_from(list(WAYS_IN)))
    expose, status = WAYS_IN[there]
    wanted = read_webservice(body(WEBSERVICE, {**SERVICE_SPEC, "expose": expose}))
    kind = {"Ingress": INGRESS, "HTTPRoute": HTTP_ROUTE}[there]
    made = kind.wanted(wanted, Known(SERVED, granted=GRANTED))
    live = draw(spoilt(applied(made or {}, status)))
    found = {there: project(kind, live if isinstance(live, dict) else {})}
    return draw(spoilt(WAYS_IN[asked][0])), draw(st.sampled_from([found, found, {}]))


@EXAMPLES
@given(
    ways_in(),
    spoilt({**SERVICE_STATUS, "exposure": HELD}),
    spoilt({**IMAGE_STATUS, "platform": "linux/arm64"}),
    OTHERS,
    st.sampled_from([GRANTING, GRANTING, SETTINGS]),
)
def test_exposed_webservice(
    way_in: tuple[Any, Any], status: Any, image: Any, claims: Any, known: Settings
) -> None:
    expose, live = way_in
    seen = body(WEBSERVICE, {**SERVICE_SPEC, "expose": expose}, status)
    wishes = Claims(known)
    wishes.put(Key(WEBSERVICE, "demo", "diabetes"), seen)
    try:
        webservice = read_webservice(seen)
    except StalledError as error:
        refused(error, seen, WEBSERVICE_STAGES)
        return
    for child in live.values():
        assert not any(not isinstance(host, str) for host in hosts_led(asdict(child)))
    evidence = WebserviceEvidence(
        webservice,
        read_image(body(INFERENCE_IMAGE, IMAGE_SPEC, image)),
        {**{kind: project(kind_of(made), made) for kind, made in LIVE.items()}, **live},
        [],
        ("one", "two"),
        known,
        exposure=ExposureEvidence(
            (*claims, *wishes.on(HOST)),
            len(claims) == 1,
            len(claims) == 2,
            wishes.of("demo-diabetes"),
            len(claims) == 3,
        ),
    )
    decision = decide_webservice(evidence, NOW)
    check(decision, WEBSERVICE_STAGES, seen)
    uri = decision.status.scoring_uri or ""
    assert uri.split("/")[2].partition(":")[0] in {HOST, "diabetes.demo.svc", "a.example.com"}


@pytest.mark.parametrize(
    ("kind", "spec", "status"),
    [
        (MODEL, MODEL_SPEC, MODEL_STATUS),
        (INFERENCE_IMAGE, IMAGE_SPEC, IMAGE_STATUS),
        (WEBSERVICE, SERVICE_SPEC, SERVICE_STATUS),
    ],
)
def test_what_is_spoilt_here_is_whole_before(kind: Any, spec: Any, status: Any) -> None:
    """So that the properties above are about more than refusals."""
    read = {MODEL: read_model, INFERENCE_IMAGE: read_image, WEBSERVICE: read_webservice}[kind]
    found = read(body(kind, spec, status))
    assert found.status.failure
    assert len(found.status.to_wire()) >= len(status)


@given(JSON)
def test_any_status_is_read(status: Any) -> None:
    assert read_status(InferenceImageStatus, status) is not None


def test_unknown_fields_of_a_newer_version_are_ignored() -> None:
    spec = {**SERVICE_SPEC, "newer": 1, "expose": {"type": "NodePort", "newer": {"deep": True}}}
    found = read_webservice(body(WEBSERVICE, spec, {**SERVICE_STATUS, "newer": [1]}))
    assert found.spec == read_webservice(body(WEBSERVICE, SERVICE_SPEC)).spec
    assert found.status.state == "Healthy"


def test_every_field_that_is_wrong_is_named() -> None:
    spec = {"imageRef": {"name": "A"}, "replicas": 0, "expose": {"type": "Sideways"}}
    with pytest.raises(StalledError) as refusal:
        read_webservice(body(WEBSERVICE, spec))
    for field in ("imageRef.name", "replicas", "expose.type"):
        assert field in str(refusal.value)


def test_conditions_that_cannot_be_read_cost_nothing_else() -> None:
    strange = {**IMAGE_STATUS, "conditions": [{"type": "Ready", "status": "Perhaps"}]}
    found = read_status(InferenceImageStatus, strange)
    assert (found.version, found.conditions, found.failure) == (3, (), None)
