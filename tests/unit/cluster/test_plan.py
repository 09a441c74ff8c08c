from dataclasses import replace
from pathlib import Path

import pytest

from tests.cluster.errors import ClusterError
from tests.cluster.machine import Engine, Machine
from tests.cluster.plan import GIB, Plan, Source, plan

GO = Path("/usr/local/go/bin/go")
LAPTOP = Machine(
    distribution="Darwin 25.1.0",
    is_root=False,
    restricted=False,
    cache=Path("/home/ada/.cache/fairlead"),
    free_bytes=100 * GIB,
    ran_before=False,
    engine=Engine.FOREIGN,
    images_can_be_pulled=True,
    go=GO,
    programs=frozenset(),
)
TEST_MACHINE = replace(
    LAPTOP,
    distribution="debian 12",
    is_root=True,
    restricted=True,
    engine=Engine.ABSENT,
    images_can_be_pulled=False,
)
READY = frozenset(("dockerd", "debootstrap"))


@pytest.mark.parametrize(
    ("machine", "way"),
    [
        pytest.param(
            LAPTOP,
            Plan(Source.PULL, start_engine=False, install_go=False),
            id="Docker runs and images can be pulled: use both",
        ),
        pytest.param(
            replace(LAPTOP, go=None),
            Plan(Source.PULL, start_engine=False, install_go=True),
            id="no Go: one is installed, kind and kubectl need it",
        ),
        pytest.param(
            TEST_MACHINE,
            Plan(
                Source.BUILD,
                start_engine=True,
                install_go=False,
                wrap_runc=True,
                packages=("docker.io", "iproute2", "debootstrap", "debian-archive-keyring"),
            ),
            id="bare Debian without images or capabilities: install, start, wrap and build",
        ),
        pytest.param(
            replace(TEST_MACHINE, programs=READY, restricted=False),
            Plan(Source.BUILD, start_engine=True, install_go=False),
            id="everything installed, every capability: nothing to install, runc as it is",
        ),
        pytest.param(
            replace(TEST_MACHINE, programs=READY, engine=Engine.FOREIGN),
            Plan(Source.BUILD, start_engine=False, install_go=False, try_privileged=True),
            id="somebody's engine where plain runc fails: used, but tried first",
        ),
        pytest.param(
            replace(TEST_MACHINE, programs=READY, engine=Engine.OURS),
            Plan(Source.BUILD, start_engine=False, install_go=False),
            id="our own engine is still up: used as it is",
        ),
        pytest.param(
            replace(TEST_MACHINE, images_can_be_pulled=True, distribution="ubuntu 24.04"),
            Plan(
                Source.PULL,
                start_engine=True,
                install_go=False,
                wrap_runc=True,
                packages=("docker.io", "iproute2"),
            ),
            id="Ubuntu with images at hand but no Docker: install Docker only",
        ),
        pytest.param(
            replace(LAPTOP, free_bytes=4 * GIB, ran_before=True),
            Plan(Source.PULL, start_engine=False, install_go=False),
            id="a second run needs less room",
        ),
    ],
)
def test_the_way_fits_the_machine(machine: Machine, way: Plan) -> None:
    assert plan(machine) == way


@pytest.mark.parametrize(
    ("machine", "message", "remedy"),
    [
        pytest.param(
            replace(LAPTOP, engine=Engine.ABSENT),
            "No Docker Engine answers on this machine.",
            "Install and start Docker, then run this again. "
            "(On Debian and Ubuntu, as root, that is done for you.)",
            id="no Docker, not Debian",
        ),
        pytest.param(
            replace(TEST_MACHINE, is_root=False),
            "No Docker Engine answers on this machine.",
            "Install and start Docker, then run this again. "
            "(On Debian and Ubuntu, as root, that is done for you.)",
            id="no Docker, not root",
        ),
        pytest.param(
            replace(LAPTOP, engine=Engine.FORBIDDEN),
            "Docker Engine runs, but this user may not use it.",
            "Run as root, or add this user to the group `docker` and log in again.",
            id="not in the group",
        ),
        pytest.param(
            replace(TEST_MACHINE, engine=Engine.SILENT),
            "A dockerd runs on this machine, but `docker version` gets no answer from it.",
            "Start it again, or point DOCKER_HOST to where it listens; "
            "a second one beside it would break its network.",
            id="never a second dockerd",
        ),
        pytest.param(
            replace(LAPTOP, images_can_be_pulled=False, distribution="fedora 44"),
            "Docker Hub does not answer from here, so the images must be built, and that needs "
            "Debian or Ubuntu; this is fedora 44.",
            "Open the way to registry-1.docker.io, or run this on Debian.",
            id="no images, wrong distribution",
        ),
        pytest.param(
            replace(TEST_MACHINE, engine=Engine.FOREIGN, is_root=False),
            "Docker Hub does not answer from here, so the images must be built, and that needs "
            "root.",
            "Open the way to registry-1.docker.io, or run this as root.",
            id="no images, not root",
        ),
        pytest.param(
            replace(TEST_MACHINE, free_bytes=5 * GIB + GIB // 2),
            "5.5 GiB are free in /home/ada/.cache/fairlead, 12 GiB are needed.",
            "Free some space, or set FAIRLEAD_CACHE to a folder on another disk.",
            id="disk full",
        ),
    ],
)
def test_what_is_in_the_way_is_said_with_what_to_do(
    machine: Machine, message: str, remedy: str
) -> None:
    with pytest.raises(ClusterError) as refused:
        plan(machine)
    assert (str(refused.value), refused.value.remedy) == (message, remedy)
