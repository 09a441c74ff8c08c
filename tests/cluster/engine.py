"""Docker Engine: the machine's own, or one that we start where there is none."""

import json
import shutil
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from tests.cluster import firewall
from tests.cluster.command import LAST_LINES, read, run
from tests.cluster.errors import ClusterError
from tests.cluster.machine import ENGINE, own_engine
from tests.cluster.places import Places
from tests.cluster.processes import COLLECT_LESS, alive, end, log_of, start
from tests.cluster.versions import MARK

START_SECONDS = 60.0
RUN_FOLDER = Path("/run/fairlead")  # sockets of the engine: their paths must be short
RUNC_WRAP = "bounded"


def configure_engine(places: Places, runc_wrap: Path | None) -> None:
    """An engine with its data in the cache; through ``runc_wrap`` where plain runc cannot work."""
    _config(places).parent.mkdir(parents=True, exist_ok=True)
    _config(places).write_text(json.dumps(configuration(places, runc_wrap), indent=1))


def start_engine(places: Places) -> None:
    """Start dockerd as it was configured, and wait until it answers; no other may be running."""
    RUN_FOLDER.mkdir(parents=True, exist_ok=True)
    for stale in RUN_FOLDER.rglob("*.pid"):  # of a dockerd that was killed, and of its containerd
        stale.unlink()
    firewall.remember_policy(places)
    process = start(places, ENGINE, [ENGINE, "--config-file", _config(places)], COLLECT_LESS)
    deadline = time.monotonic() + START_SECONDS
    while alive(process) and time.monotonic() < deadline:
        with suppress(ClusterError):  # it does not answer yet
            read(["docker", "version"])
            return
        time.sleep(0.2)
    end(places, process)
    last = log_of(places, ENGINE).read_text(errors="replace").splitlines()[-LAST_LINES:]
    raise ClusterError("Docker Engine does not start.", tail=last)


def configuration(places: Places, runc_wrap: Path | None) -> dict[str, object]:
    """What goes into daemon.json. Containers end with the engine: nothing of ours survives it."""
    config: dict[str, object] = {
        "data-root": str(places.engine_data),
        "exec-root": str(RUN_FOLDER / "docker"),
        "pidfile": str(RUN_FOLDER / "docker.pid"),
    }
    if runc_wrap:
        config["runtimes"] = {RUNC_WRAP: {"path": str(runc_wrap)}}
        config["default-runtime"] = RUNC_WRAP
    return config


def stop_engine(places: Places) -> None:
    """End the engine, and take back what it did to the machine's network and mounts."""
    if process := own_engine(places):
        end(places, process)
        firewall.take_back(places)
        if is_mounted(places.engine_data):  # on itself: dockerd does that and forgets it
            run(["umount", places.engine_data])
        shutil.rmtree(RUN_FOLDER, ignore_errors=True)


def is_mounted(folder: Path) -> bool:
    """Path.is_mount() does not see a folder that is mounted on itself."""
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    return str(folder) in {mount.split()[4] for mount in mounts}


def refuse_unless_privileged(program: Path) -> None:
    """Raise ``ClusterError`` if this engine cannot start privileged containers: kind's nodes are.

    ``program`` is any that is linked statically: the container holds nothing else.
    """
    image = "fairlead/probe:1"
    archive = program.with_name("probe.tar")
    run(["tar", "--create", "--file", archive, "--directory", program.parent, program.name])
    run(["docker", "import", "--change", f"LABEL {MARK}", archive, image])
    archive.unlink()
    try:
        read(["docker", "run", "--rm", "--privileged", image, f"/{program.name}", "version"])
    except ClusterError as error:
        raise ClusterError(
            "The Docker Engine on this machine cannot start privileged containers, "
            "which the nodes of kind are.",
            "Give the engine the capability CAP_SYS_RESOURCE, or stop it: "
            "then one that can is started here.",
            error.tail,
        ) from error
    finally:
        read(["docker", "image", "rm", "--force", image])


def docker(*arguments: str | Path) -> None:
    run(["docker", *arguments])


def docker_lines(*arguments: str) -> Sequence[str]:
    """The lines that a query to the engine answers."""
    return read(["docker", *arguments]).splitlines()


def has_image(tag: str) -> bool:
    return bool(docker_lines("image", "ls", "--quiet", tag))


def _config(places: Places) -> Path:
    return places.run / "daemon.json"
