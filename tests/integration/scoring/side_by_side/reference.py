"""The reference server, installed once into a folder that outlives the test run."""

import sys
from pathlib import Path

from tests.cluster.command import run
from tests.cluster.fingerprint import fingerprint
from tests.cluster.places import places

REQUIREMENTS = Path(__file__).with_name("reference-requirements.txt")


def reference_python() -> Path:
    """Return the Python of an environment with azureml-inference-server-http 1.5.1 in it."""
    environment = places().cache / f"reference-server-{fingerprint(REQUIREMENTS, sys.version)}"
    python, done = environment / "bin/python", environment / "done"
    if not done.exists():
        uv = places().uv
        run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, environment])
        run([uv, "pip", "install", "--quiet", "--python", python, "-r", REQUIREMENTS])
        done.touch()
    return python
