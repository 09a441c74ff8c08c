"""The operator's image, and that of the tasks: built by Docker Engine, measured, pushed.

The engine keeps the layers, so a second build of the same sources takes a second. The first stage
has a name, too: what has none is pruned at the next start of the cluster.
"""

import os

from fairlead_scoring import __version__
from tests.cluster.down import REACHABLE
from tests.cluster.engine import docker, docker_lines, has_image
from tests.cluster.errors import ClusterError
from tests.cluster.machine import engine
from tests.cluster.places import Places
from tests.cluster.registry import push
from tests.cluster.steps import Steps
from tests.cluster.versions import BASE_IMAGE, MARK, PULLED, REGISTRY, REGISTRY_CONTAINER

TARGETS = ("operator", "tasks")
MAX_OPERATOR_BYTES = 160_000_000  # above its base
MEGABYTE = 1_000_000


def image(places: Places, steps: Steps) -> None:
    """``make image``: build both, print their sizes, push them where a local registry runs."""
    if engine(places) not in REACHABLE:
        raise ClusterError(
            "No Docker Engine answers on this machine.",
            "Start Docker, or run `make up`: it starts one, and a registry to push to.",
        )
    build(places, steps)
    for target in TARGETS:
        steps.say(f"    {name(target)}: {above_base(target) / MEGABYTE:.0f} MB above {base()}")
    refuse_large()
    if registry_runs():
        for target in TARGETS:
            with steps.step(f"{name(target)} pushed"):
                push(name(target), name(target))


def publish(places: Places, steps: Steps) -> None:
    """Build both targets, and push them for the nodes."""
    build(places, steps)
    with steps.step("Images of operator and tasks pushed"):
        for target in TARGETS:
            push(name(target), name(target))


def build(places: Places, steps: Steps) -> None:
    """Build both targets, and keep the stage that they come from."""
    settings = [f"BASE={base()}", f"VERSION={__version__}"]
    if "PIP_INDEX_URL" in os.environ:
        settings.append("PIP_INDEX_URL")  # docker takes its value from the environment
    arguments = [item for value in settings for item in ("--build-arg", value)]
    file = f"--file={places.checkout / 'operator/Dockerfile'}"
    for target in ("build", *TARGETS):
        with steps.step(f"Image {name(target)} built"):
            options = (*arguments, "--label", MARK, "--target", target, "--tag", name(target))
            docker("build", file, *options, places.checkout)


def name(target: str) -> str:
    """The image's name, for the machine and for the nodes of the cluster."""
    return f"{REGISTRY}/fairlead/{target}:{__version__}"


def base() -> str:
    """The image to build on: the test cluster's where there is one, else the real one."""
    return BASE_IMAGE if has_image(BASE_IMAGE) else PULLED["python"]


def above_base(target: str) -> int:
    """Bytes that the image has and its base has not."""
    return _size(name(target)) - _size(base())


def refuse_large() -> None:
    """Raise ``ClusterError`` where the operator's image has grown out of its bounds."""
    size = above_base("operator")
    if size > MAX_OPERATOR_BYTES:
        raise ClusterError(
            f"The operator's image is {size / MEGABYTE:.0f} MB larger than its base, "
            f"more than {MAX_OPERATOR_BYTES // MEGABYTE}.",
            f"`docker history {name('operator')}` shows which layer it is.",
        )


def registry_runs() -> bool:
    """Whether the local registry is there to be pushed to."""
    return REGISTRY_CONTAINER in docker_lines("container", "ls", "--format", "{{.Names}}")


def _size(tag: str) -> int:
    return int(docker_lines("image", "inspect", "--format", "{{.Size}}", tag)[0])
