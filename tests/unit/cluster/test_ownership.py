import json

import pytest

from tests.cluster.errors import ClusterError
from tests.cluster.ownership import Thing, leftovers, refuse_strangers, summary, thing
from tests.cluster.state import Process

OURS = Thing("container", "fairlead-worker", marked=True, in_our_place=True)
BUILD = Thing("container", "brave_curie", marked=True, in_our_place=False)
NETWORK = Thing("network", "fairlead", marked=True, in_our_place=True)
STRANGER = Thing("container", "fairlead-control-plane", marked=False, in_our_place=True)
BYSTANDER = Thing("container", "postgres", marked=False, in_our_place=False)


@pytest.mark.parametrize(
    ("name", "labels", "expected"),
    [
        pytest.param(
            "fairlead-worker",
            "desktop=1,fairlead.dev/owner=tests,io.x-k8s.kind.cluster=fairlead",
            Thing("container", "fairlead-worker", marked=True, in_our_place=True),
            id="a node of ours",
        ),
        pytest.param(
            "fairlead-worker2",
            "io.x-k8s.kind.cluster=fairlead",
            Thing("container", "fairlead-worker2", marked=False, in_our_place=True),
            id="a node of somebody's cluster of that name",
        ),
        pytest.param(
            "fairlead-control-plane",
            "",
            Thing("container", "fairlead-control-plane", marked=False, in_our_place=True),
            id="not of kind, but where a node of ours must stand",
        ),
        pytest.param(
            "kind-control-plane",
            "io.x-k8s.kind.cluster=kind",
            Thing("container", "kind-control-plane", marked=False, in_our_place=False),
            id="another cluster",
        ),
    ],
)
def test_a_container_is_known_by_its_mark(name: str, labels: str, expected: Thing) -> None:
    assert thing("container", json.dumps({"Names": name, "Labels": labels})) == expected


def test_a_network_is_known_by_its_mark() -> None:
    line = json.dumps({"Name": "fairlead", "Labels": "fairlead.dev/owner=tests"})
    assert thing("network", line) == NETWORK


def test_a_strangers_cluster_is_left_alone() -> None:
    with pytest.raises(ClusterError) as refused:
        refuse_strangers([BYSTANDER, STRANGER])
    assert str(refused.value) == (
        "The name 'fairlead' is taken by what was not started from here and was left alone: "
        "container fairlead-control-plane."
    )


def test_bystanders_are_no_reason_to_refuse() -> None:
    refuse_strangers([BYSTANDER, OURS, NETWORK])


def test_only_what_is_marked_is_cleared_away() -> None:
    present = [BYSTANDER, OURS, BUILD, STRANGER, NETWORK]
    assert leftovers(present) == [OURS, BUILD, NETWORK]


def test_what_is_cleared_away_is_told_in_a_few_words() -> None:
    operator = Process("operator", 812, "boot 5")
    told = summary([OURS, BUILD, NETWORK], [operator], children=1)
    assert told == "2 containers, 1 network, 1 task, operator"
    assert summary([], [operator], children=0) == "operator"
