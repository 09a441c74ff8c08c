"""The environment task with the machine's Docker Engine and the cluster's registry."""

import itertools
import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import docker
import pytest

from fairlead.contract import EnvironmentRecipe, EnvironmentRequest, LogTarget
from fairlead.images.build_log import read_log
from fairlead.images.hashes import environment_hash, file_digests
from fairlead.registry.client import Registry
from fairlead.registry.reference import Repository, parse_reference, parse_repository
from fairlead.requirement import CondaRecipe, Requirement
from fairlead.settings import Settings
from tests.cluster import Cluster
from tests.integration.registry.task import Ended, Tasks

NAMESPACES, BUILDS = itertools.count(1), itertools.count(1)


@dataclass(frozen=True)
class Line:
    """The environment task in a namespace of its own; ``settings`` are environment variables."""

    tasks: Tasks
    cluster: Cluster
    registry: Registry
    engine: docker.DockerClient
    files: Mapping[str, bytes] = field(default_factory=lambda: {"settings.json": b"{}"})
    """Of the source."""
    namespace: str = field(default_factory=lambda: f"engine{os.getpid()}x{next(NAMESPACES):03}")

    @property
    def environments(self) -> Repository:
        return parse_repository(f"{self.cluster.registry}/{self.namespace}/fairlead/environments")

    def request(
        self,
        *requirements: str,
        steps: str = "",
        python: str | None = None,
        base: str = "",
        conda: CondaRecipe | None = None,
    ) -> EnvironmentRequest:
        recipe = EnvironmentRecipe(
            base_image=base or self.cluster.base_image,
            python=python,
            python_line=3,
            requirements=tuple(
                Requirement(text=text, line=line) for line, text in enumerate(requirements, 5)
            ),
            conda=conda,
            file="myenv.yml",
            steps=steps,
            steps_file="Dockerfile.steps",
            copied=file_digests(self.files),
        )
        reference = parse_reference(recipe.base_image)
        digest = self.registry.manifest(reference.repository, reference.wanted)[1].digest
        return EnvironmentRequest(
            recipe=recipe,
            base_digest=digest,
            hash=environment_hash(recipe, digest),
            environments=str(self.environments),
            log=LogTarget(
                repository=f"{self.cluster.registry}/{self.namespace}/a",
                tag=f"log-1-{next(BUILDS)}",
                owner="demo/a",
            ),
        )

    def start(self, request: EnvironmentRequest, **settings: str) -> "Build":
        self.tasks.count += 1
        mine = Tasks(self.tasks.root, {**self.tasks.settings, **settings}, self.tasks.count)
        folder = mine.prepare(request, self.files)
        return Build(self, request, folder, mine.start("environment", folder))

    def run(self, request: EnvironmentRequest, **settings: str) -> Ended:
        return self.start(request, **settings).end()

    def kept_log(self, request: EnvironmentRequest) -> str:
        repository = parse_repository(request.log.repository)
        return read_log(self.registry, repository, request.log.tag).text.decode()

    def left_behind(self) -> list[str]:
        """What Docker Engine still has of this namespace's builds, cached steps aside."""
        images = self.engine.images.list(all=True)
        names = [name for image in images for name in image.tags if self.namespace in name]
        marked = [image.id for image in images if self.namespace in str(image.labels)]
        running = self.engine.containers.list(all=True)
        return [
            *names,
            *(f"stage {image}" for image in marked),
            *(f"container {c.name}" for c in running if self.namespace in str(c.labels)),
        ]


@dataclass(frozen=True)
class Build:
    """A task that runs."""

    line: Line
    request: EnvironmentRequest
    folder: Path
    process: "subprocess.Popen[str]"

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    def end(self) -> Ended:
        return self.line.tasks.finish(self.process, self.folder)


@pytest.fixture
def line(cluster: Cluster, tmp_path: Path) -> Iterator[Line]:
    settings = {"FAIRLEAD_REGISTRY": cluster.registry}
    if cluster.ca_bundle:
        settings["FAIRLEAD_CA_BUNDLE"] = str(cluster.ca_bundle)
    with Registry(Settings(registry=cluster.registry)) as registry:
        engine = docker.from_env()
        yield Line(Tasks(tmp_path, settings), cluster, registry, engine)
        engine.close()
