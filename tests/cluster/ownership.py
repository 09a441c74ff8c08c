"""What is ours and what is not: ours is what carries our mark, everything else is a stranger's.

Every image made here is labelled and a container inherits the labels of its image, so kind's nodes
are marked from their first moment, and so is whatever is built on our base image. The network is
labelled when it is made.
"""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from tests.cluster.engine import docker, docker_lines
from tests.cluster.errors import ClusterError
from tests.cluster.state import Process
from tests.cluster.versions import CLUSTER, KEPT, MARK, NODES, REGISTRY_CONTAINER

KIND_LABEL = f"io.x-k8s.kind.cluster={CLUSTER}"
OUR_NAMES = frozenset((CLUSTER, *NODES, REGISTRY_CONTAINER))


@dataclass(frozen=True)
class Thing:
    """A container or a network: is it marked, and does it stand where one of ours must?"""

    kind: str
    name: str
    marked: bool
    in_our_place: bool


def things() -> list[Thing]:
    """Every container and network of the engine, whether it runs or not."""
    containers = docker_lines("container", "ls", "--all", "--format", "{{json .}}")
    networks = docker_lines("network", "ls", "--format", "{{json .}}")
    return [
        *(thing("container", line) for line in containers),
        *(thing("network", line) for line in networks),
    ]


def thing(kind: str, line: str) -> Thing:
    """From what ``docker ... ls --format '{{json .}}'`` says of one."""
    told = json.loads(line)
    labels = told["Labels"].split(",")
    name = told.get("Names") or told["Name"]
    in_our_place = KIND_LABEL in labels or name in OUR_NAMES
    return Thing(kind, name, marked=MARK in labels, in_our_place=in_our_place)


def refuse_strangers(present: Iterable[Thing]) -> None:
    """Raise ``ClusterError`` if somebody else's thing stands where ours must."""
    strangers = [thing for thing in present if thing.in_our_place and not thing.marked]
    if strangers:
        names = ", ".join(f"{thing.kind} {thing.name}" for thing in strangers)
        raise ClusterError(
            f"The name '{CLUSTER}' is taken by what was not started from here "
            f"and was left alone: {names}.",
            f"If nobody needs it, remove it (`kind delete cluster --name {CLUSTER}`, "
            "`docker rm --force`, `docker network rm`), then run this again.",
        )


def leftovers(present: Iterable[Thing]) -> list[Thing]:
    return [thing for thing in present if thing.marked]


def remove(ours: Sequence[Thing]) -> None:
    """Remove containers with their volumes, then the networks that this leaves empty."""
    if containers := [thing.name for thing in ours if thing.kind == "container"]:
        docker("container", "rm", "--force", "--volumes", *containers)
    if networks := [thing.name for thing in ours if thing.kind == "network"]:
        docker("network", "rm", *networks)


def remove_images_on_top() -> None:
    """Remove the images made on top of ours; those that the next run starts from are kept."""
    _remove_images([name for name in _marked_images() if not name.startswith(KEPT)])


def remove_superseded_images(current: Collection[str]) -> None:
    """Remove those of the kept images that no run of this checkout starts from any more."""
    kept = [name for name in _marked_images() if name.startswith(KEPT)]
    _remove_images([name for name in kept if name not in current])


def _marked_images() -> list[str]:
    query = ("image", "ls", "--filter", f"label={MARK}", "--format", "{{.Repository}}:{{.Tag}}")
    return [name for name in docker_lines(*query) if "<none>" not in name]


def _remove_images(names: Sequence[str]) -> None:
    if names:
        docker("image", "rm", "--force", *names)
    docker("image", "prune", "--force", "--filter", f"label={MARK}")


def summary(ours: Iterable[Thing], processes: Iterable[Process], children: int) -> str:
    """'2 containers, 1 network, 1 task, operator'."""
    counts = Counter(thing.kind for thing in ours) + Counter(task=children)
    parts = [f"{count} {kind}{'s' if count > 1 else ''}" for kind, count in counts.items()]
    return ", ".join([*parts, *(process.name for process in processes)])
