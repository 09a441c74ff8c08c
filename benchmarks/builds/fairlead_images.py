"""Fairlead's images: an applied manifest starts one, the digest in its status ends it."""

from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.builds.changes import (
    CONDA_FILE,
    NEW_MODEL,
    PINS,
    REQUIREMENTS,
    SCRIPT,
    Inputs,
    write_model,
)
from benchmarks.builds.rows import PIP
from fairlead.api.refs import Manifest
from tests.conda_channel import OWN_VERSION
from tests.e2e.file_server import FileServer


@dataclass
class FairleadImages:
    bench: Bench
    namespace: str
    environment: str
    model_mib: int
    files: FileServer
    folder: Path
    """Where the model is written to, that ``files`` serves."""
    digest: str | None = field(default=None, init=False)
    """Of the image that is there."""

    def prepare(self, inputs: Inputs, change: str) -> None:
        if change in NEW_MODEL:
            path = self.folder / "model.bin"
            write_model(path, self.model_mib)
            self.files.files = {self._address(inputs): path}
        if change == "nothing changed":
            self.bench.cluster.run_kubectl(
                "delete", "inferenceimage", "m", "--namespace", self.namespace
            )
            self.digest = None

    def make(self, inputs: Inputs, change: str) -> None:
        if change in NEW_MODEL:
            source = {"uri": self.files.base + self._address(inputs)}
            self.bench.apply(self.namespace, "Model", "m", {"source": source})
        spec = specification(self.environment, PINS[inputs.pin], SCRIPT.format(inputs.script))
        self.bench.apply(self.namespace, "InferenceImage", "m", spec)
        where = (self.namespace, "inferenceimage", "m")
        self.bench.until_ready(*where, "imageDigest", self.digest)
        self.digest = self.bench.status(*where)["imageDigest"]

    def _address(self, inputs: Inputs) -> str:
        return f"/{self.namespace}-{inputs.model}.bin"


def specification(environment: str, pin: str, script: str) -> Manifest:
    """Of an InferenceImage with the model ``m``."""
    if environment == PIP:
        field_name, name, listed = (
            "requirementsFile",
            "requirements.txt",
            REQUIREMENTS.format(pin),
        )
    else:
        field_name, name = "condaFile", "environment.yml"
        listed = CONDA_FILE.format(version=OWN_VERSION, pin=pin)
    source = {"inline": {"files": {"score.py": script, name: listed}}}
    models = [{"name": "m"}]
    return {"source": source, "entryScript": "score.py", field_name: name, "models": models}
