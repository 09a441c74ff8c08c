"""Objects at each moment of their lives, with the statuses that the operator's decisions compute.

Nothing here is written by hand that the operator writes: evidence goes through ``decide`` and
``status_update``, and what was not looked at yet has the schema's own default.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import yaml

from fairlead.api.meta import INFERENCE_IMAGE, MODEL, WEBSERVICE, Kind
from fairlead.api.reasons import Reason
from fairlead.api.refs import Manifest
from fairlead.api.status import FailureClass
from fairlead.contract import TaskFailure, TaskPhase
from fairlead.decide.decision import Decision
from fairlead.decide.status_update import (
    StatusUpdate,
    blocked,
    failed_internally,
    last_common_status,
    last_status_update,
    status_update,
)
from fairlead.desired.deployment import revision_of
from fairlead.desired.metadata import REVISION
from fairlead.errors import StalledError, WaitingError
from tests.cluster.places import places
from tests.unit.decide import test_image, test_model, test_rollback, webservices
from tests.unit.objects import NOW, body, image, model, webservice
from tests.unit.pods import crashed, pod

KINDS = (MODEL, INFERENCE_IMAGE, WEBSERVICE)
BROKEN = TaskFailure(
    reason=Reason.MODEL_TOO_LARGE,
    class_=FailureClass.USER,
    message="30Gi, but at most 20Gi are allowed.",
    remedy="Make it smaller.",
)
OUTAGE = TaskFailure(
    reason=Reason.REGISTRY_UNREACHABLE,
    class_=FailureClass.NETWORK,
    message="localhost:5000 does not answer.",
    retryable=True,
)
REFUSED = StalledError(Reason.FORBIDDEN, "The API server forbids it.")
AWAY = WaitingError(Reason.API_UNAVAILABLE, "The API server does not answer.")


def seen(kind: Kind, update: StatusUpdate, old: Manifest | None = None) -> Manifest:
    """The object as the API server shows it once this status is written."""
    common = update.status(last_common_status(old or {}), 1, NOW)
    return body(kind, {}, {**update.fields, **common.to_wire()})


def decided(kind: Kind, decision: Decision[Any]) -> Manifest:
    return seen(kind, status_update(decision))


def created(kind: Kind) -> Manifest:
    """Nobody has looked at it yet: the status is the schema's default."""
    file = places().checkout / f"crds/{kind.plural}.yaml"
    [version] = yaml.safe_load(file.read_text())["spec"]["versions"]
    return body(kind, {}, version["schema"]["openAPIV3Schema"]["properties"]["status"]["default"])


def changed(of: Manifest) -> Manifest:
    """The same after its spec was changed, before the operator has seen that."""
    return {**of, "metadata": {**of["metadata"], "generation": 2}}


def deleted(of: Manifest) -> Manifest:
    """The same while it is being removed: its children block it."""
    going = {"deletionTimestamp": "2026-11-22T10:00:00Z", "finalizers": ["foregroundDeletion"]}
    return {**of, "metadata": {**of["metadata"], **going}}


def blocked_by(of: Manifest, error: StalledError | WaitingError) -> Manifest:
    kind = next(kind for kind in KINDS if kind.kind == of["kind"])
    return seen(kind, blocked(last_status_update(of), error, 0, NOW), of["status"])


def with_a_bug(of: Manifest) -> Manifest:
    kind = next(kind for kind in KINDS if kind.kind == of["kind"])
    return seen(kind, failed_internally(last_status_update(of), KeyError("x"), 0, NOW))


def model_after(phase: TaskPhase, *, stored: bool = False, **state: Any) -> Manifest:
    """A Model whose task has come to ``phase``; ``stored``: so is an earlier source."""
    moved = {"source": {"uri": "https://models.example.com/2.pkl"}}
    known = model(test_model.stored().to_wire(), **moved) if stored else None
    return decided(MODEL, test_model.after(phase, known, **state))


def model_without_its_source() -> Manifest:
    seen = model(source={"configMap": {"name": "weights"}})
    return decided(MODEL, test_model.decided(seen))


def model_stored() -> Manifest:
    return decided(MODEL, test_model.decided(model(test_model.stored().to_wire())))


def image_at(
    *steps: Callable[[test_image.Story], object], ready: bool = False, **spec: Any
) -> Manifest:
    """An InferenceImage after these steps; ``ready``: an earlier version was built before."""
    story = test_image.ready() if ready else test_image.Story(**spec)
    if ready:
        story.files["myenv.yml"] = test_image.CONDA.replace(b"2.3.5", b"2.3.6")
    for step in steps:
        step(story)
    return decided(INFERENCE_IMAGE, story.look())


def resolved(story: test_image.Story) -> None:
    story.resolve(environmentHash="f" * 64)


def built(story: test_image.Story) -> None:
    story.build()


def assembled(story: test_image.Story) -> None:
    story.assemble()


def failed(story: test_image.Story) -> None:
    story.fails(story.wanted(), test_image.NO_SUCH_PACKAGE)


def interrupted_by_an_outage(story: test_image.Story) -> None:
    story.fails(story.wanted(), OUTAGE)


def image_of_wrong_files() -> Manifest:
    files = {"score.py": b"def init():\n    pass\n", "myenv.yml": b"dependencies:\n- numpy=2\n"}
    return decided(INFERENCE_IMAGE, test_image.decided(image(**test_image.SPEC), files=files))


def image_without_its_model() -> Manifest:
    decision = test_image.decided(image(**test_image.SPEC), models={"diabetes": None})
    return decided(INFERENCE_IMAGE, decision)


def queued_image() -> Manifest:
    story = test_image.Story()
    story.resolve()
    waiting = image(story.status.to_wire(), **story.spec)
    decision = test_image.decided(waiting, story.tasks, new_tasks={"environment": 3})
    return decided(INFERENCE_IMAGE, decision)


def service(counts: Manifest | None = None, *, crash: bool = False, **state: Any) -> Manifest:
    """A Webservice whose Deployment has these counts; ``crash``: a pod of the newest crashes."""
    wanted = webservice()
    children = webservices.made(wanted, **counts) if counts is not None else {}
    evidence = replace(webservices.evidence(wanted, children=children), **state)
    if crash:
        culprit = crashed(exitCode=9)
        culprit.pod["metadata"]["labels"][REVISION] = revision_of(children["Deployment"])
        evidence = replace(evidence, pods=(culprit,))
    return decided(WEBSERVICE, webservices.decided(evidence))


def service_with_a_newer_image() -> Manifest:
    wanted, digest = webservice(), f"sha256:{'2' * 64}"
    newer = image({"imageLocation": "localhost:5000/demo/diabetes:4", "imageDigest": digest})
    evidence = webservices.evidence(wanted, newer, webservices.made(wanted, **SERVING))
    return decided(WEBSERVICE, webservices.decided(evidence))


def service_that_went_back() -> Manifest:
    return decided(WEBSERVICE, webservices.decided(test_rollback.gone_back()))


def service_of_a_failed_image() -> Manifest:
    failure = {"reason": "PackageNotFound", "class": "User", "message": "no such package"}
    evidence = webservices.evidence(webservice(), of=image({"failure": failure}))
    return decided(WEBSERVICE, webservices.decided(evidence))


def service_with_a_taken_name() -> Manifest:
    wanted = webservice()
    children = webservices.made(wanted, **SERVING)
    children["Service"]["metadata"].update(ownerReferences=[], labels={}, managedFields=[])
    return decided(WEBSERVICE, webservices.decided(webservices.evidence(wanted, children=children)))


def service_without_room() -> Manifest:
    unschedulable = {
        "type": "PodScheduled",
        "status": "False",
        "reason": "Unschedulable",
        "message": "0/2 nodes are available: 2 Insufficient cpu.",
        "lastTransitionTime": "2026-11-22T09:00:00Z",
    }
    wanted = webservice()
    children = webservices.made(wanted, replicas=1, updatedReplicas=1)
    waiting = pod(revision=revision_of(children["Deployment"]), conditions=(unschedulable,))
    evidence = replace(webservices.evidence(wanted, children=children), pods=(waiting,))
    return decided(WEBSERVICE, webservices.decided(evidence))


SERVING = webservices.SERVING
ROLLED_OUT = {"conditions": [webservices.PROGRESSED]}
NEWER_CRASHES = {"replicas": 3, "readyReplicas": 2, "updatedReplicas": 1}
ON_ITS_WAY, DONE, NEEDS_SOMEBODY = "InProgress", "Current", "Failed"

LIVES: Mapping[str, tuple[str, Callable[[], Manifest]]] = {
    "model: fetching": (ON_ITS_WAY, lambda: model_after(TaskPhase.RUNNING)),
    "model: queued": (ON_ITS_WAY, lambda: model_after(TaskPhase.QUEUED)),
    "model: source missing": (ON_ITS_WAY, model_without_its_source),
    "model: tried again": (
        ON_ITS_WAY,
        lambda: model_after(TaskPhase.FAILED, failure=OUTAGE, finished_at=NOW),
    ),
    "model: failed": (
        NEEDS_SOMEBODY,
        lambda: model_after(TaskPhase.FAILED, failure=BROKEN, finished_at=NOW),
    ),
    "model: stored": (DONE, model_stored),
    "model: stored, and the newer source is fetched": (
        ON_ITS_WAY,
        lambda: model_after(TaskPhase.RUNNING, stored=True),
    ),
    "model: stored, and the newer source failed": (
        NEEDS_SOMEBODY,
        lambda: model_after(TaskPhase.FAILED, stored=True, failure=BROKEN, finished_at=NOW),
    ),
    "image: asks the registry": (ON_ITS_WAY, image_at),
    "image: model missing": (ON_ITS_WAY, image_without_its_model),
    "image: queued": (ON_ITS_WAY, queued_image),
    "image: builds its environment": (ON_ITS_WAY, lambda: image_at(resolved)),
    "image: is assembled": (ON_ITS_WAY, lambda: image_at(resolved, built)),
    "image: tried again": (ON_ITS_WAY, lambda: image_at(resolved, interrupted_by_an_outage)),
    "image: failed": (NEEDS_SOMEBODY, lambda: image_at(resolved, failed)),
    "image: wrong files": (NEEDS_SOMEBODY, image_of_wrong_files),
    "image: built": (DONE, lambda: image_at(resolved, built, assembled)),
    "image: built, and a newer one is on its way": (ON_ITS_WAY, lambda: image_at(ready=True)),
    "image: built, and a newer one failed": (
        NEEDS_SOMEBODY,
        lambda: image_at(resolved, failed, ready=True),
    ),
    "service: image missing": (ON_ITS_WAY, lambda: service(image=None)),
    "service: image not built yet": (ON_ITS_WAY, lambda: service(image=image())),
    "service: image failed, which is told there": (ON_ITS_WAY, service_of_a_failed_image),
    "service: rolls out": (ON_ITS_WAY, service),
    "service: no replica is ready yet": (
        ON_ITS_WAY,
        lambda: service({"replicas": 2, "updatedReplicas": 2}),
    ),
    "service: no room": (ON_ITS_WAY, service_without_room),
    "service: serves": (DONE, lambda: service(SERVING)),
    "service: serves, and a newer image rolls out": (ON_ITS_WAY, service_with_a_newer_image),
    "service: serves, and the newer revision crashes": (
        NEEDS_SOMEBODY,
        lambda: service(NEWER_CRASHES, crash=True),
    ),
    "service: the newest revision was rolled back": (NEEDS_SOMEBODY, service_that_went_back),
    "service: serves, and one replica crashes": (
        DONE,
        lambda: service({**SERVING, "readyReplicas": 1, **ROLLED_OUT}, crash=True),
    ),
    "service: every replica crashes": (
        NEEDS_SOMEBODY,
        lambda: service({**SERVING, "readyReplicas": 0, **ROLLED_OUT}, crash=True),
    ),
    "service: the first revision crashes": (
        NEEDS_SOMEBODY,
        lambda: service({"replicas": 1, "updatedReplicas": 1}, crash=True),
    ),
    "service: nothing moves any more": (
        NEEDS_SOMEBODY,
        lambda: service(
            {
                "replicas": 2,
                "updatedReplicas": 2,
                "conditions": [{**webservices.PROGRESSED, "reason": "ProgressDeadlineExceeded"}],
            }
        ),
    ),
    "service: name taken": (NEEDS_SOMEBODY, service_with_a_taken_name),
}
"""What a GitOps tool must think, and the object, at each moment."""
FINISHED = {MODEL: "model: stored", INFERENCE_IMAGE: "image: built", WEBSERVICE: "service: serves"}


def finished(kind: Kind) -> Manifest:
    return LIVES[FINISHED[kind]][1]()


OF_EVERY_KIND: Mapping[str, tuple[str, Callable[[Kind], Manifest]]] = {
    "just created": (ON_ITS_WAY, created),
    "changed, and not seen yet": (ON_ITS_WAY, lambda kind: changed(finished(kind))),
    "being removed": ("Terminating", lambda kind: deleted(finished(kind))),
    "refused by the API server": (
        NEEDS_SOMEBODY,
        lambda kind: blocked_by(finished(kind), REFUSED),
    ),
    "the API server is away": (ON_ITS_WAY, lambda kind: blocked_by(finished(kind), AWAY)),
    "an error of the operator's own": (ON_ITS_WAY, lambda kind: with_a_bug(finished(kind))),
    "not seen yet, and refused at once": (
        NEEDS_SOMEBODY,
        lambda kind: blocked_by(created(kind), REFUSED),
    ),
}
