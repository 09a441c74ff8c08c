"""What is kept of a pod: enough for every diagnosis, of the promised types, and little."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairlead.api.refs import Manifest
from fairlead.diagnosis.pod_events import last_words, needs_events
from fairlead.diagnosis.pods import diagnose
from fairlead.evidence import PodContext
from fairlead.observe.pod_projection import MAX_MESSAGE_CHARS, project_pod
from fairlead.pod_evidence import PodEvidence, read_event
from tests.unit.kubelet import (
    BEGIN,
    at,
    container,
    crashed,
    event,
    pod,
    running,
    terminated,
    unready,
)

ABOUT = PodContext("diabetes", "diabetes", "image", "1Gi", 310, 381, 20, "keys")
EXAMPLES = [
    pod(),
    crashed(137, 2, 3600, ready_since=3600),
    pod(
        container(state=running(), ready=True, started=True),
        container("proxy", lastState=terminated(1), restartCount=2),
        init=(container("setup", state=terminated(0), ready=True),),
        spec={"initContainers": [{"name": "setup"}], "schedulingGates": [{"name": "g"}]},
        reason="Evicted",
        message="The node was low on resource: memory.",
        phase="Failed",
    ),
    pod(conditions=unready(), containerStatuses=None),
]
EVENTS = [event("Killing", "Container scoring failed liveness probe"), event("FailedMount", "x")]

JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from([at(0), "2026-11-26", "0000-00-00T00:00:00Z", "True", "Failed", "scoring"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["name", "state", "terminated", "exitCode", "status", "ready", "message"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


def paths(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where something stands in a manifest."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    found = []
    for key, below in items:
        found.append((*here, key))
        if isinstance(below, dict | list):
            found += paths(below, (*here, key))
    return found


@st.composite
def damaged(draw: st.DrawFn, examples: list[Manifest]) -> Manifest:
    """An example with junk, or nothing, in one to four places."""
    manifest: Manifest = json.loads(json.dumps(draw(st.sampled_from(examples))))
    for _ in range(draw(st.integers(1, 4))):
        places = paths(manifest)
        if not places:
            break
        *way, last = draw(st.sampled_from(places))
        target: Any = manifest
        for step in way:
            target = target[step]
        if draw(st.booleans()) and isinstance(target, dict):
            del target[last]
        else:
            target[last] = draw(JUNK)
    return manifest


def looked_at(evidence: PodEvidence) -> list[object]:
    """Everything that is read of a pod."""
    now = BEGIN + timedelta(hours=2)
    names = [name for name in vars(PodEvidence) if isinstance(vars(PodEvidence)[name], property)]
    return [
        *(getattr(evidence, name) for name in names),
        diagnose(evidence, ABOUT),
        last_words(evidence),
        needs_events(evidence, now),
        evidence.find("proxy"),
    ]


@settings(max_examples=300, deadline=None)
@given(damaged(EXAMPLES), st.lists(damaged(EVENTS), max_size=2))
def test_whatever_a_pod_holds_it_is_read_and_explained(
    manifest: Manifest, events: list[Manifest]
) -> None:
    read = tuple(read_event(one) for one in events)
    for form in (manifest, project_pod(manifest)):
        looked_at(PodEvidence(form, "scoring", "log", read))


@settings(max_examples=200, deadline=None)
@given(JUNK)
def test_what_is_no_pod_at_all_is_an_empty_one(junk: Any) -> None:
    projection = project_pod(junk)
    assert set(projection) <= {"metadata", "spec", "status"}
    looked_at(PodEvidence(projection, "scoring"))


@pytest.mark.parametrize("manifest", EXAMPLES)
def test_nothing_that_is_read_is_lost(manifest: Manifest) -> None:
    whole, kept = PodEvidence(manifest, "scoring"), PodEvidence(project_pod(manifest), "scoring")
    assert diagnose(whole, ABOUT) == diagnose(kept, ABOUT)
    assert [(c.name, c.role, c.ready, c.ended) for c in whole.containers] == [
        (c.name, c.role, c.ready, c.ended) for c in kept.containers
    ]
    assert project_pod(project_pod(manifest)) == project_pod(manifest)


def test_texts_are_bounded_and_the_rest_is_left_out() -> None:
    manifest = pod(message="x" * 100_000, phase="Failed", reason="Evicted")
    manifest["metadata"] |= {"annotations": {"a": "b" * 9999}, "managedFields": [{}]}
    manifest["metadata"]["labels"]["theirs"] = "x"
    manifest["spec"]["containers"][0]["env"] = [{"name": "SECRET", "value": "hunter2"}]
    kept = project_pod(manifest)
    assert len(kept["status"]["message"]) == MAX_MESSAGE_CHARS
    assert set(kept["metadata"]["labels"]) == {"fairlead.dev/revision"}
    assert "hunter2" not in json.dumps(kept)
    assert len(json.dumps(project_pod(pod(container(state=running()))))) < 2000


def test_a_pod_that_is_being_deleted_is_known_as_such() -> None:
    manifest = pod()
    manifest["metadata"]["deletionTimestamp"] = at(5)
    assert PodEvidence(project_pod(manifest), "scoring").leaving
