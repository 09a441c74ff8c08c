import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.api.refs import Manifest
from fairlead.desired.child_kinds import CHILD_KINDS, DEPLOYMENT, ChildKind
from fairlead.observe.projection import project
from tests.unit.live import RECORDED, kind_of
from tests.unit.spoilt import spoilt

MAX_BYTES_EACH = 3000  # of memory; the whole object takes 30 000


def recorded(name: str) -> Manifest:
    live: Manifest = json.loads((RECORDED / name).read_text())["live"]
    return live


def test_a_deployment_is_pruned_to_what_decisions_read() -> None:
    live = recorded("running.Deployment.json")
    kept = project(DEPLOYMENT, live)
    assert (kept.resource_version, kept.managed) == (live["metadata"]["resourceVersion"], True)
    metadata = live["metadata"]
    for name in ("name", "namespace", "uid", "generation"):
        assert kept.metadata[name] == metadata[name]
    assert kept.controller
    assert kept.controller["uid"] == metadata["ownerReferences"][0]["uid"]
    assert kept.applied == metadata["annotations"]["fairlead.dev/applied"]
    assert kept.spec["replicas"] == 1
    assert list(kept.spec["template"]["metadata"]["labels"]) == ["fairlead.dev/revision"]
    assert kept.status["readyReplicas"] == 1
    assert kept.condition("Progressing")["reason"] == "NewReplicaSetAvailable"


@pytest.mark.parametrize(
    ("file", "owned"), [("applied-fixed", True), ("applied", False), ("scaled", False)]
)
def test_who_holds_the_number_of_replicas(file: str, owned: bool) -> None:  # noqa: FBT001
    assert project(DEPLOYMENT, recorded(f"{file}.Deployment.json")).owns_replicas is owned


def test_an_item_of_a_list_does_not_say_what_it_is_and_needs_not() -> None:
    live = recorded("applied.Service.json")
    item = {key: value for key, value in live.items() if key not in ("apiVersion", "kind")}
    assert project(kind_of(live), item) == project(kind_of(live), live)


def test_thousands_are_kept_in_little_memory() -> None:
    text = (RECORDED / "running.Deployment.json").read_text()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    kept = [project(DEPLOYMENT, json.loads(text)["live"]) for _ in range(100)]
    each = (tracemalloc.get_traced_memory()[0] - before) / len(kept)
    tracemalloc.stop()
    assert each < MAX_BYTES_EACH


LIVE = [recorded(f"{step}.{kind.kind}.json") for step in ("applied",) for kind in CHILD_KINDS]


@st.composite
def junk(draw: st.DrawFn) -> tuple[ChildKind, Manifest]:
    live = draw(st.sampled_from(LIVE))
    spoiled = draw(spoilt(live))
    return kind_of(live), spoiled if isinstance(spoiled, dict) else {"metadata": spoiled}


@given(junk())
def test_any_junk_gives_a_projection(given_: tuple[ChildKind, Manifest]) -> None:
    kept = project(*given_)
    assert len(kept.owned_hash) == 16
    assert {type(kept.metadata[name]) for name in ("name", "namespace", "uid")} == {str}
