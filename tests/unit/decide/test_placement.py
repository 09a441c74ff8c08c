"""When a front is told that no node takes a replica, and that nothing else waits for that."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from fairlead.api.refs import Manifest
from fairlead.api.webservice import WebserviceStatus
from fairlead.decide.decision import Apply, Decision, Delete
from fairlead.decide.webservice.placement import lacks_nodes
from fairlead.desired.child_kinds import DEPLOYMENT, FEW_SERVICE
from fairlead.desired.front import few_service
from fairlead.pod_evidence import PodEvidence
from tests.unit.decide.webservices import SERVING, changes, decided, evidence, made, said
from tests.unit.live import applied, child
from tests.unit.objects import webservice
from tests.unit.pods import pod

WANTED = webservice(replicas=2, front={}, auth={"enabled": False})
KEY = FEW_SERVICE.key
NAME = "diabetes-fairlead-few"


def scheduled(reason: str) -> Manifest:
    words = "0/3 nodes are available: 3 Insufficient cpu."
    return {"type": "PodScheduled", "status": "False", "reason": reason, "message": words}


def homeless(reason: str = "Unschedulable", **metadata: Any) -> PodEvidence:
    made = pod("diabetes-9", conditions=(scheduled(reason),))
    made.pod["metadata"].update(metadata)
    return made


def placed(phase: str = "Running", ready: str = "True", **metadata: Any) -> PodEvidence:
    made = pod(conditions=({"type": "Ready", "status": ready},))
    made.pod["metadata"].update(metadata)
    made.pod["spec"] = {"nodeName": "worker-1"}
    made.pod["status"]["phase"] = phase
    return made


LEAVING = {"deletionTimestamp": "2026-11-22T10:03:00Z"}


@pytest.mark.parametrize(
    ("pods", "lacking"),
    [
        pytest.param([placed(), homeless()], True, id="one of two"),
        pytest.param([homeless(), homeless()], True, id="neither"),
        pytest.param([placed(), placed(), homeless()], False, id="the one more of a rollout"),
        pytest.param([placed(**LEAVING), placed(), homeless()], True, id="a node is drained"),
        pytest.param([placed("Failed"), placed(), homeless()], True, id="one was evicted"),
        pytest.param([placed(), homeless(**LEAVING)], False, id="nobody wants it any more"),
        pytest.param([placed(), homeless("SchedulingGated")], False, id="held back by a gate"),
        pytest.param([placed(ready="False"), homeless()], False, id="another one starts"),
        pytest.param([placed(), pod()], False, id="the scheduler has not looked"),
        pytest.param([], False, id="there are no pods yet"),
    ],
)
def test_nodes_lack_where_fewer_replicas_than_wanted_are_on_one(
    pods: Sequence[PodEvidence],
    lacking: bool,  # noqa: FBT001
) -> None:
    live = child(made(WANTED, **SERVING)[DEPLOYMENT.key])
    assert lacks_nodes(live, pods) is lacking
    assert lacks_nodes(None, pods) is False


def few() -> Manifest:
    return applied(few_service(WANTED, unplaced=True) or {})


def looked_at(
    *pods: PodEvidence, there: Manifest | None = None, **spec: Any
) -> Decision[WebserviceStatus]:
    wanted = replace(WANTED, spec=WANTED.spec.model_copy(update=spec)) if spec else WANTED
    children = made(wanted, front=1 if wanted.spec.fronted else 0, **SERVING)
    if there is not None:
        children[KEY] = there
    return decided(replace(evidence(wanted, children=children), pods=pods))


def test_the_service_is_there_while_no_node_takes_a_replica() -> None:
    [action] = changes(looked_at(placed(), homeless()))
    assert isinstance(action, Apply)
    assert (action.manifest["kind"], action.manifest["metadata"]["name"]) == ("Service", NAME)
    assert (action.existing, action.optional) == (False, True)
    assert changes(looked_at(placed(), homeless(), there=few())) == []
    [gone] = changes(looked_at(placed(), placed(), there=few()))
    assert isinstance(gone, Delete)
    assert gone.ref.name == NAME


def test_it_is_made_last_and_may_be_refused_as_nothing_else_may() -> None:
    decision = decided(replace(evidence(WANTED), pods=(homeless(),)))
    assert not any(one.optional for one in changes(decision) if isinstance(one, Apply))
    children = made(WANTED, **SERVING)
    del children["Service-fairlead-any"]
    given = replace(evidence(WANTED, children=children), pods=(homeless(),))
    done = [one for one in changes(decided(given)) if isinstance(one, Apply)]
    names = [(one.manifest["metadata"]["name"], one.optional) for one in done]
    assert names == [("diabetes-fairlead-any", False), (NAME, True)]


def test_there_is_none_without_a_front() -> None:
    without = webservice(replicas=2, auth={"enabled": False}).spec.front
    assert changes(looked_at(placed(), homeless(), front=without)) == []
    [gone] = changes(looked_at(placed(), homeless(), front=without, there=few()))
    assert isinstance(gone, Delete)


@pytest.mark.parametrize("marked", [{}, LEAVING])
def test_somebody_elses_of_that_name_is_left_alone_and_hides_nothing(marked: Manifest) -> None:
    """Whoever may make Services in the namespace can tell the front so; that is all."""
    meta = {"name": NAME, "namespace": "demo", "uid": "other", **marked}
    theirs = {"kind": "Service", "metadata": meta, "spec": {}, "status": {}}
    for pods in ((placed(), homeless()), (placed(), placed())):
        with_it, without = looked_at(*pods, there=theirs), looked_at(*pods)
        assert changes(with_it) == []
        assert said(with_it) == said(without)
