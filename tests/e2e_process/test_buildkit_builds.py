"""Steps with RUN in the cluster: the operator has them built by BuildKit, in a namespace apart."""

import io
import json
import tarfile
from collections.abc import Iterator
from typing import Any

import pytest

from fairlead.images.oci_layout import new_layers
from fairlead.registry.client import Registry
from fairlead.registry.reference import parse_reference
from fairlead.settings import Settings
from tests.cluster import Cluster
from tests.e2e.scene import SCRIPT
from tests.e2e_process.conftest import BUILDS
from tests.e2e_process.scene import Scene

ENFORCE = "pod-security.kubernetes.io/enforce"
FILE = {"dockerFile": "Dockerfile.steps"}
RUNS = 'ENV WORD=hello\nRUN echo "$WORD" > /opt/said && id --user > /opt/user\nCOPY tool /opt/\n'
FAILS = "RUN echo one\nRUN echo no such luck >&2; exit 3\n"


@pytest.fixture(scope="module")
def settings(job_settings: dict[str, str], buildkit: str) -> dict[str, str]:
    engine = {"FAIRLEAD_BUILDKIT_IMAGE": buildkit, "FAIRLEAD_BUILDKIT_NAMESPACE": BUILDS}
    return job_settings | engine


@pytest.fixture
def builds(scene: Scene) -> Iterator[Scene]:
    """A namespace that lets in restricted pods alone, and one for builds."""
    scene.cluster.run_kubectl("create", "namespace", BUILDS)
    scene.cluster.run_kubectl("label", "namespace", BUILDS, f"{ENFORCE}=privileged")
    scene.kubectl("label", "namespace", scene.namespace, f"{ENFORCE}=restricted")
    yield scene
    scene.cluster.run_kubectl("delete", "namespace", BUILDS, "--wait=false")


def test_steps_run_and_fail_by_their_line(builds: Scene) -> None:
    files = {"score.py": SCRIPT, "tool": "a tool\n"}
    builds.image({**files, "Dockerfile.steps": FAILS}, "fails", **FILE)
    builds.image({**files, "Dockerfile.steps": RUNS}, **FILE)
    status = builds.reason("inferenceimage", "Built")
    assert status["build"]["engine"] == "buildkit"
    made, config = pushed(builds.cluster, status["environment"]["image"])
    assert made["opt/said"] == b"hello\n"
    assert made["opt/user"] == b"0\n"
    assert made["opt/tool"] == b"a tool\n"
    assert "opt/fairlead/env/pyvenv.cfg" in made
    assert "WORD=hello" in config["config"]["Env"]
    assert config["config"]["User"] == "10001:10001"
    failure = builds.reason("inferenceimage", "StepFailed", "fails")["failure"]
    assert failure["location"] == "Dockerfile.steps:2"
    assert "ended with exit code 3: no such luck" in failure["message"]


def pushed(cluster: Cluster, image: str) -> tuple[dict[str, bytes], dict[str, Any]]:
    """The files of the layers that lie on the base image, and the image's config."""
    here = image.replace(cluster.registry_from_pods, cluster.registry)  # as this machine reaches it
    made, base = parse_reference(here), parse_reference(cluster.base_image)
    files = dict[str, bytes]()
    with Registry(Settings(registry=cluster.registry)) as registry:
        manifest, _ = registry.manifest(made.repository, made.wanted)
        below, _ = registry.manifest(base.repository, base.wanted)
        for layer in new_layers(manifest, below):
            with registry.open_blob(made.repository, layer.digest) as pieces:
                files |= regular_files(b"".join(pieces))
        config = registry.blob(made.repository, manifest.config.digest)
    return files, json.loads(config)


def regular_files(layer: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(layer)) as archive:
        regular = (member for member in archive if member.isreg())  # links may lead to other layers
        opened = ((member.name, archive.extractfile(member)) for member in regular)
        return {name: file.read() for name, file in opened if file}
