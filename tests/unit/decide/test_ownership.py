"""Whose the objects under a Webservice's name are, and what follows."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from fairlead.api.objects import Webservice
from fairlead.api.refs import Manifest
from fairlead.decide.decision import Apply, Create, Delete
from fairlead.desired.child_kinds import CHILD_KINDS
from tests.unit.decide.webservices import SERVING, changes, decided, evidence, made, said
from tests.unit.live import RECORDED
from tests.unit.objects import image, webservice

OTHER = {"kind": "Webservice", "name": "other", "uid": "x", "controller": True}
STRANGER: Manifest = {"kind": "Service", "metadata": {"name": "diabetes", "uid": "theirs"}}


def test_a_strangers_object_of_our_name_is_left_alone_and_hides_nothing_that_serves() -> None:
    wanted = webservice()
    children = {**made(wanted, **SERVING), "Service": STRANGER}
    decision = decided(evidence(wanted, children=children))
    assert decision.actions == ()
    assert said(decision) == {
        "Ready": "False/NameTaken",
        "Stalled": "True/NameTaken",
        "ImageReady": "True/ImageReady",
        "Deployed": "False/NameTaken",
        "Available": "True/Serving",
        "Scaling": "Unknown/Pending",
    }
    assert (decision.status.state, decision.status.scoring_uri) == ("Healthy", None)
    assert decision.failure
    assert decision.failure.message == (
        "Service 'diabetes' exists already and belongs to somebody else, so it was left alone, "
        "and nothing was made or changed."
    )
    assert "kubectl delete service/diabetes --namespace demo" in str(decision.failure.remedy)


def test_a_name_that_is_taken_is_told_before_the_image_is_built() -> None:
    owner = {"kind": "Rollout", "name": "theirs", "uid": "x", "controller": True}
    metadata = {**STRANGER["metadata"], "ownerReferences": [owner]}
    stranger = {"kind": "Deployment", "metadata": metadata}
    decision = decided(evidence(webservice(), image(), {"Deployment": stranger}))
    assert said(decision)["Ready"] == "False/NameTaken"
    assert decision.conditions[0].message.startswith(
        "Deployment 'diabetes' (controlled by Rollout 'theirs') exists already"
    )
    assert (decision.actions, decision.status.state) == ((), "Failed")


def test_a_strangers_autoscaler_is_in_nobodys_way_where_none_is_wanted() -> None:
    wanted = webservice(replicas=2)
    stranger = {"kind": "HorizontalPodAutoscaler", "metadata": {"name": "diabetes", "uid": "x"}}
    children = {**made(wanted, **SERVING), "HorizontalPodAutoscaler": stranger}
    assert said(decided(evidence(wanted, children=children)))["Ready"] == "True/Serving"


def orphans(wanted: Webservice) -> dict[str, Manifest]:
    """What ``kubectl delete webservice --cascade=orphan`` has left, recorded."""
    files = (RECORDED / f"orphaned.{kind.kind}.json" for kind in CHILD_KINDS)
    found = [json.loads(file.read_text())["live"] for file in files]
    for live in found:
        live["metadata"].update(name=wanted.name, namespace=wanted.namespace)
        live["metadata"]["labels"]["fairlead.dev/webservice"] = wanted.name
    return {live["kind"]: live for live in found}


def test_children_that_were_left_behind_are_adopted() -> None:
    wanted = webservice()
    left = orphans(wanted)
    decision = decided(evidence(wanted, children=left))
    applied = {a.manifest["kind"]: a for a in decision.actions if isinstance(a, Apply)}
    assert set(applied) == set(left)
    for kind, action in applied.items():
        assert action.existing
        metadata = action.manifest["metadata"]
        assert metadata["uid"] == left[kind]["metadata"]["uid"]
        assert metadata["ownerReferences"] == [wanted.owner_reference]


def test_an_autoscaler_that_was_left_behind_goes_where_none_is_wanted() -> None:
    fixed = webservice(replicas=2)
    decision = decided(evidence(fixed, children=orphans(fixed)))
    assert [a.ref.plural for a in decision.actions if isinstance(a, Delete)] == [
        "horizontalpodautoscalers"
    ]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda live: live["metadata"]["labels"].update({"fairlead.dev/webservice": "another"}),
        lambda live: live["metadata"]["labels"].pop("app.kubernetes.io/managed-by"),
        lambda live: live["metadata"].update(managedFields=[]),
        lambda live: live["metadata"].update(
            ownerReferences=[
                {"kind": "Webservice", "name": "other", "uid": "x", "controller": True}
            ]
        ),
    ],
)
def test_what_only_looks_like_ours_is_not_adopted(spoil: Callable[[Manifest], Any]) -> None:
    wanted = webservice()
    children = orphans(wanted)
    spoil(children["Service"])
    decision = decided(evidence(wanted, children=children))
    assert (said(decision)["Ready"], decision.actions) == ("False/NameTaken", ())


def test_what_was_made_from_a_copy_is_its_makers() -> None:
    """``kubectl create`` from a backup: its fields belong to kubectl, and would never leave."""
    wanted = webservice()
    live = json.loads((RECORDED / "restored.Deployment.json").read_text())["live"]
    live["metadata"].update(name=wanted.name, namespace=wanted.namespace)
    live["metadata"]["labels"]["fairlead.dev/webservice"] = wanted.name
    decision = decided(evidence(wanted, children={"Deployment": live}))
    assert (said(decision)["Ready"], decision.actions) == ("False/NameTaken", ())


def predecessors(wanted: Webservice) -> dict[str, Manifest]:
    before = replace(wanted, uid="uid-of-the-one-before")
    return made(before, **SERVING)


def test_the_children_of_a_predecessor_are_waited_for() -> None:
    wanted = webservice()
    children = predecessors(wanted)
    decision = decided(evidence(wanted, children=children))
    assert said(decision) == {
        "Ready": "Unknown/WaitingForDeletion",
        "Reconciling": "True/WaitingForDeletion",
        "ImageReady": "True/ImageReady",
        "Deployed": "Unknown/WaitingForDeletion",
        "Available": "Unknown/Starting",
        "Scaling": "Unknown/Pending",
    }
    assert (decision.failure, decision.requeue_after) == (None, 60)
    assert [type(action) for action in decision.actions] == [Create]


def test_what_is_being_deleted_is_waited_for_and_the_rest_is_kept() -> None:
    wanted = webservice()
    children = made(wanted, **SERVING)
    children["Service"]["metadata"]["deletionTimestamp"] = "2026-11-22T10:00:00Z"
    del children["PodDisruptionBudget"]
    decision = decided(evidence(wanted, children=children))
    assert said(decision)["Ready"] == "Unknown/WaitingForDeletion"
    assert said(decision)["Available"] == "True/Serving"
    [action] = changes(decision)
    assert isinstance(action, Apply)
    assert action.manifest["kind"] == "PodDisruptionBudget"
