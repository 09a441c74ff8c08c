"""Which way leads to a cluster on this machine. Pure: facts in, the way or a refusal out."""

from dataclasses import dataclass
from enum import Enum

from tests.cluster.errors import ClusterError
from tests.cluster.machine import Engine, Machine

GIB = 1 << 30
NEEDED = {"build": 12 * GIB, "pull": 6 * GIB}  # the first time: compilers' caches, images, layers
NEEDED_AGAIN = 3 * GIB


class Source(Enum):
    """Where node image, Python base image, registry and metrics-server come from."""

    PULL = "pull"
    BUILD = "build"


@dataclass(frozen=True)
class Plan:
    """``packages``: Debian's, to install first. ``wrap_runc``: our engine must ask for less than
    runc would. ``try_privileged``: whether this engine can run kind's nodes is not known, so try.
    """

    images: Source
    start_engine: bool
    install_go: bool
    wrap_runc: bool = False
    try_privileged: bool = False
    packages: tuple[str, ...] = ()


def plan(machine: Machine) -> Plan:
    """Raises ``ClusterError``: what is in the way, and what to do about it."""
    _refuse_engine(machine)
    images = Source.PULL if machine.images_can_be_pulled else Source.BUILD
    if images is Source.BUILD:
        _refuse_building(machine)
    _refuse_disk(machine, images)
    start_engine = machine.engine is Engine.ABSENT
    return Plan(
        images=images,
        start_engine=start_engine,
        install_go=machine.go is None,
        wrap_runc=start_engine and machine.restricted,
        try_privileged=machine.restricted and machine.engine is Engine.FOREIGN,
        packages=_packages(machine, images, start_engine=start_engine),
    )


def _refuse_engine(machine: Machine) -> None:
    if machine.engine is Engine.FORBIDDEN:
        raise ClusterError(
            "Docker Engine runs, but this user may not use it.",
            "Run as root, or add this user to the group `docker` and log in again.",
        )
    if machine.engine is Engine.SILENT:
        raise ClusterError(
            "A dockerd runs on this machine, but `docker version` gets no answer from it.",
            "Start it again, or point DOCKER_HOST to where it listens; "
            "a second one beside it would break its network.",
        )
    if machine.engine is Engine.ABSENT and not (machine.is_debian and machine.is_root):
        raise ClusterError(
            "No Docker Engine answers on this machine.",
            "Install and start Docker, then run this again. "
            "(On Debian and Ubuntu, as root, that is done for you.)",
        )


def _refuse_building(machine: Machine) -> None:
    why = "Docker Hub does not answer from here, so the images must be built, and that needs"
    if not machine.is_debian:
        raise ClusterError(
            f"{why} Debian or Ubuntu; this is {machine.distribution}.",
            "Open the way to registry-1.docker.io, or run this on Debian.",
        )
    if not machine.is_root:
        raise ClusterError(
            f"{why} root.", "Open the way to registry-1.docker.io, or run this as root."
        )


def _refuse_disk(machine: Machine, images: Source) -> None:
    needed = NEEDED_AGAIN if machine.ran_before else NEEDED[images.value]
    if machine.free_bytes < needed:
        raise ClusterError(
            f"{machine.free_bytes / GIB:.1f} GiB are free in {machine.cache}, "
            f"{needed // GIB} GiB are needed.",
            "Free some space, or set FAIRLEAD_CACHE to a folder on another disk.",
        )


def _packages(machine: Machine, images: Source, *, start_engine: bool) -> tuple[str, ...]:
    wanted: dict[str, tuple[str, ...]] = (
        {"dockerd": ("docker.io", "iproute2")} if start_engine else {}
    )
    if images is Source.BUILD:  # Ubuntu has neither the program nor Debian's keys
        wanted["debootstrap"] = ("debootstrap", "debian-archive-keyring")
    missing = [wanted[program] for program in wanted if program not in machine.programs]
    return tuple(package for packages in missing for package in packages)
