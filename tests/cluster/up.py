"""Up: look at the machine, decide which way, then walk it."""

import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from tests.cluster import addons, golang, packages, ports
from tests.cluster.builder import BuiltImages
from tests.cluster.cluster import Cluster
from tests.cluster.down import clear
from tests.cluster.engine import configure_engine, refuse_unless_privileged, start_engine
from tests.cluster.images import Images, PulledImages
from tests.cluster.kind import create_network, create_nodes, gateway, node_address
from tests.cluster.lanes import Work, in_parallel
from tests.cluster.machine import ca_bundle, machine, own_engine
from tests.cluster.ownership import refuse_strangers, remove_superseded_images, things
from tests.cluster.places import Places
from tests.cluster.plan import Plan, Source, plan
from tests.cluster.programs import compile_program, program_path
from tests.cluster.registry import introduce, push, start_registry
from tests.cluster.state import begin_state
from tests.cluster.steps import Steps
from tests.cluster.versions import (
    BASE_IMAGE,
    CLUSTER,
    GO_TO_INSTALL,
    METRICS_SERVER_IMAGE,
    NODES,
    REGISTRY,
    REGISTRY_CONTAINER,
    REGISTRY_FROM_PODS,
)


def up(places: Places, steps: Steps, *beside: Work) -> Cluster:
    """Bring up a cluster of our own in the place of whatever we left; the lock must be held.

    ``beside`` asks for Docker Engine and the registry alone: it is done while the nodes start.

    Raises ``ClusterError``. What is up by then stays up, for its logs; ``down`` takes it away.
    """
    facts = machine(places)
    way = plan(facts)
    shutil.rmtree(places.scratch, ignore_errors=True)
    go = _equip(places, steps, way, facts.go)
    _ensure_engine(places, steps, way, go)
    present = things()
    refuse_strangers(present)
    clear(places, steps, present)
    ports.refuse_taken()
    begin_state(places, [own] if (own := own_engine(places)) else [])
    images: Images = (PulledImages if way.images is Source.PULL else BuiltImages)(places, steps, go)
    images.prepare()
    remove_superseded_images(images.tags())
    return _create(places, steps, images, beside)


def _equip(places: Places, steps: Steps, way: Plan, go: Path | None) -> Path:
    """Install what the machine lacks. Returns the Go to build with."""
    if way.packages:
        with steps.step(f"Debian packages installed: {' '.join(way.packages)}"):
            packages.install(way.packages)
    if go is None:
        with steps.step(f"Go {GO_TO_INSTALL} installed from the Python registry"):
            go = golang.install(places)
    return go


def _ensure_engine(places: Places, steps: Steps, way: Plan, go: Path) -> None:
    if way.start_engine:
        wrap = compile_program(places, steps, go, "runc-wrap") if way.wrap_runc else None
        with steps.step("Docker Engine started"):
            configure_engine(places, wrap)
            start_engine(places)
    elif way.try_privileged:
        refuse_unless_privileged(compile_program(places, steps, go, "kind"))


def _create(places: Places, steps: Steps, images: Images, beside: Sequence[Work]) -> Cluster:
    with steps.step("Registry started"):
        create_network()
        start_registry(images.tag("registry"))
    in_parallel(
        [partial(_create_nodes, places, steps, images.tag("node"))],
        [
            partial(push, images.tag("python"), BASE_IMAGE),
            partial(push, images.tag("metrics-server"), METRICS_SERVER_IMAGE),
            *beside,
        ],
    )
    for node in NODES:
        introduce(node)
    cluster = handle(places)
    with steps.step("DNS, registry and resource metrics answer"):
        addons.apply(cluster)
        addons.wait_until_ready(cluster)
    return cluster


def _create_nodes(places: Places, steps: Steps, image: str) -> None:
    with steps.step(f"kind cluster '{CLUSTER}' created: {len(NODES)} nodes"):
        create_nodes(places, image)


def handle(places: Places) -> Cluster:
    """The running cluster, for whoever did not start it."""
    return Cluster(
        kubeconfig=places.kubeconfig,
        kubectl=program_path(places, "kubectl"),
        kind=program_path(places, "kind"),
        registry=REGISTRY,
        registry_from_pods=REGISTRY_FROM_PODS,
        registry_container=REGISTRY_CONTAINER,
        base_image=BASE_IMAGE,
        gateway=gateway(),
        node=node_address(NODES[0]),
        ca_bundle=ca_bundle(),
    )
