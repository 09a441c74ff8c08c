"""What this machine is and has: facts, gathered once, before anything is decided or changed."""

import os
import platform
import shutil
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus
from pathlib import Path

import psutil

from tests.cluster import golang
from tests.cluster.command import found, read
from tests.cluster.errors import ClusterError
from tests.cluster.places import Places
from tests.cluster.processes import alive
from tests.cluster.state import Process, read_state

ENGINE = "dockerd"
IMAGE_HOST = "https://registry-1.docker.io/v2/"
ANSWER_SECONDS = 5.0
EVERY_CAPABILITY = 1 << 24  # CAP_SYS_RESOURCE, the one that kind's nodes need and containers lack
PROGRAMS = (ENGINE, "debootstrap")  # those that Debian packages bring
NOBODY_MAY = "permission denied"


class Engine(Enum):
    """Docker Engine, as met."""

    ABSENT = "none"
    SILENT = "running, but does not answer"
    FORBIDDEN = "running, but this user may not use it"
    FOREIGN = "running, not started by us"
    OURS = "running, started by us"


@dataclass(frozen=True)
class Machine:
    """``distribution`` is ID and VERSION_ID of os-release. ``restricted``: under plain runc no
    privileged container can start. ``free_bytes`` are those of ``cache``, which holds all that
    is big.
    """

    distribution: str
    is_root: bool
    restricted: bool
    cache: Path
    free_bytes: int
    ran_before: bool
    engine: Engine
    images_can_be_pulled: bool
    go: Path | None
    programs: frozenset[str]

    @property
    def is_debian(self) -> bool:
        return self.distribution.split()[0] in ("debian", "ubuntu")


def machine(places: Places) -> Machine:
    places.cache.mkdir(parents=True, exist_ok=True)
    return Machine(
        distribution=_distribution(),
        is_root=os.geteuid() == 0,
        restricted=_restricted(),
        cache=places.cache,
        free_bytes=shutil.disk_usage(places.cache).free,
        ran_before=places.programs.exists(),
        engine=engine(places),
        images_can_be_pulled=_images_can_be_pulled(),
        go=golang.located(places),
        programs=frozenset(program for program in PROGRAMS if found(program)),
    )


def engine(places: Places) -> Engine:
    """Ask whichever engine ``docker`` talks to."""
    try:
        read(["docker", "version", "--format", "{{.Server.Version}}"], seconds=20)
    except ClusterError as error:
        if NOBODY_MAY in " ".join(error.tail):
            return Engine.FORBIDDEN
        return Engine.SILENT if _dockerd_runs() else Engine.ABSENT
    return Engine.OURS if own_engine(places) else Engine.FOREIGN


def own_engine(places: Places) -> Process | None:
    """The dockerd that a run of ours started and that still runs."""
    state = read_state(places)
    known = state.processes if state else ()
    return next((p for p in known if p.name == ENGINE and alive(p)), None)


def ca_bundle() -> Path | None:
    """The certificates that this machine trusts, a company's own among them."""
    named = os.environ.get("SSL_CERT_FILE") or ssl.get_default_verify_paths().cafile
    usual = Path("/etc/ssl/certs/ca-certificates.crt")
    path = Path(named) if named else usual
    return path.resolve() if path.is_file() else None


def _distribution() -> str:
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return f"{platform.system()} {platform.release()}"
    return f"{release['ID']} {release.get('VERSION_ID', '')}".strip()


def _restricted() -> bool:
    """Whether the capability bounding set keeps containers from being privileged."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except FileNotFoundError:
        return False
    bounding = next(line.split()[1] for line in lines if line.startswith("CapBnd:"))
    return not int(bounding, 16) & EVERY_CAPABILITY


def _images_can_be_pulled() -> bool:
    """Whether Docker Hub answers; it asks strangers for a token (401), which is answer enough."""
    try:
        with urllib.request.urlopen(IMAGE_HOST, timeout=ANSWER_SECONDS) as answer:
            return bool(answer.status == HTTPStatus.OK)
    except urllib.error.HTTPError as error:
        return error.code == HTTPStatus.UNAUTHORIZED
    except OSError:
        return False


def _dockerd_runs() -> bool:
    return any(
        process.info["name"] == ENGINE and process.info["status"] != psutil.STATUS_ZOMBIE
        for process in psutil.process_iter(["name", "status"])
    )
