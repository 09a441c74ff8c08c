"""The peer: ``docker build`` and ``docker push``, with a warm cache, in the order that is best."""

import os
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.builds.changes import NEW_MODEL, PINS, REQUIREMENTS, SCRIPT, Inputs, write_model
from tests.cluster.engine import docker

DOCKERFILE = """\
FROM {base}
ARG PIP_INDEX_URL
ARG PIP_CERT
COPY ca.pem requirements.txt /tmp/
RUN python3 -m venv /opt/env && /opt/env/bin/pip install --no-cache-dir -r /tmp/requirements.txt
COPY model.bin /var/azureml-app/azureml-models/m/1/
COPY score.py /var/azureml-app/
"""


@dataclass(frozen=True)
class DockerPeer:
    bench: Bench
    context: Path
    model_mib: int

    def prepare(self, inputs: Inputs, change: str) -> None:
        self.context.mkdir(exist_ok=True)
        dockerfile = DOCKERFILE.format(base=self.bench.cluster.base_image)
        (self.context / "Dockerfile").write_text(dockerfile)
        (self.context / "requirements.txt").write_text(REQUIREMENTS.format(PINS[inputs.pin]))
        (self.context / "score.py").write_text(SCRIPT.format(inputs.script))
        bundle = self.bench.cluster.ca_bundle
        (self.context / "ca.pem").write_bytes(bundle.read_bytes() if bundle else b"")
        if change in NEW_MODEL:
            write_model(self.context / "model.bin", self.model_mib)

    def make(self, _inputs: Inputs, _change: str) -> None:
        image = f"{self.bench.cluster.registry}/peer/m{self.model_mib}:1"
        docker("build", "--quiet", *self._arguments(), "--tag", image, self.context)
        docker("push", "--quiet", image)

    def _arguments(self) -> list[str]:
        """Where pip finds packages, and whom it trusts: as this machine does."""
        index = os.environ.get("PIP_INDEX_URL")
        given = {"PIP_INDEX_URL": index} if index else {}
        if self.bench.cluster.ca_bundle:
            given["PIP_CERT"] = "/tmp/ca.pem"
        return [f"--build-arg={name}={value}" for name, value in given.items()]
