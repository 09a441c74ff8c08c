"""`fairlead local` on Docker Engine: as a pod is, without a registry of its own."""

import os
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from tests.cluster import Cluster
from tests.integration.local.debug_session import a_debug_session
from tests.integration.local.shell import Shell
from tests.integration.local.story import most_of_a_day

DEPLOY = (
    "--entry-script score.py --conda-file myenv.yml --model greeting.txt --memory 256Mi --port {}"
)
LABEL = "fairlead.dev/local-service"


@pytest.fixture
def shell(cluster: Cluster, tmp_path: Path) -> Iterator[Shell]:
    one = Shell(tmp_path)
    one.environ["FAIRLEAD_DEFAULT_BASE_IMAGE"] = cluster.base_image
    if cluster.ca_bundle:
        one.environ["FAIRLEAD_CA_BUNDLE"] = str(cluster.ca_bundle)
    yield one
    if one.left:
        one.fairlead("local delete --all")


@pytest.fixture
def engine(cluster: Cluster) -> Iterator[docker.DockerClient]:
    assert cluster.base_image
    client = docker.from_env()
    yield client
    client.close()


def left(engine: docker.DockerClient) -> list[str]:
    """What Docker Engine has of local services."""
    images = [tag for image in engine.images.list() for tag in image.tags]
    containers = engine.containers.list(all=True, filters={"label": LABEL})
    return [
        *(tag for tag in images if tag.startswith("fairlead.local/")),
        *(str(container.name) for container in containers),
    ]


def test_a_day_of_a_service(shell: Shell, engine: docker.DockerClient) -> None:
    port = 20_000 + os.getpid() % 10_000
    before = left(engine)
    most_of_a_day(shell, DEPLOY.format(port))
    shell.fairlead("local delete credit")
    a_debug_session(shell, DEPLOY.format(port))
    shell.fairlead("local delete credit")
    assert shell.left == []
    assert set(left(engine)) <= set(before)  # others, at work beside it, may have taken theirs away


def test_where_no_engine_answers_it_is_said_what_to_do(shell: Shell) -> None:
    shell.environ["DOCKER_HOST"] = f"unix://{shell.folder}/no.sock"
    failed = shell.fairlead(f"local deploy credit {DEPLOY.format(9999)}", code=3).stderr
    assert "EngineUnreachable: Docker Engine does not answer" in failed
    assert "--no-container" in failed
