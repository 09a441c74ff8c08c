"""From a changed script to a new digest in the registry, with a model of 1 GB in the image.

The peer is `docker build` and `docker push` of the same content on the same machine, with a warm
cache and the script in the last layer: the best that a Dockerfile can do.
"""

import os
import secrets
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.bench import Bench, show
from tests.cluster.engine import docker
from tests.e2e.file_server import FileServer

SIZE = 1 << 30  # bytes
CHUNK = 1 << 22
ROUNDS = 3
SCRIPT = "def init():\n    pass\n\n\ndef run(data):\n    return {number}\n"
DOCKERFILE = """\
FROM {base}
COPY model.bin /var/azureml-app/azureml-models/m/1/
COPY score.py /var/azureml-app/
"""
IMAGE = "localhost:5000/peer/diabetes:1"


def measure(bench: Bench) -> None:
    with tempfile.TemporaryDirectory(dir=bench.places.cache) as folder:
        model = Path(folder) / "model.bin"
        _write_model(model)
        with bench.steps.step("docker build + push"):
            peer = _rounds(lambda number: _docker(bench, model.parent, number))
        with bench.steps.step("Fairlead"):
            ours = _fairlead(bench, model)
    changed, by_docker = statistics.median(ours[1:]), statistics.median(peer[1:])
    show(
        "A changed script, with a model of 1 GB: seconds until the new digest is in the registry",
        ("", "docker build + push", "Fairlead", "ratio"),
        [
            ("first time", f"{peer[0]:.1f}", f"{ours[0]:.1f}", f"{peer[0] / ours[0]:.1f}"),
            (
                f"changed script (median of {ROUNDS})",
                f"{by_docker:.1f}",
                f"{changed:.1f}",
                f"{by_docker / changed:.1f}",
            ),
        ],
    )


def _write_model(path: Path) -> None:
    with path.open("wb") as file:
        for _ in range(SIZE // CHUNK):
            file.write(os.urandom(CHUNK))


def _rounds(work: Callable[[int], None]) -> list[float]:
    times = []
    for number in range(ROUNDS + 1):
        started = time.monotonic()
        work(number)
        times.append(time.monotonic() - started)
    return times


def _docker(bench: Bench, context: Path, number: int) -> None:
    (context / "score.py").write_text(SCRIPT.format(number=number))
    (context / "Dockerfile").write_text(DOCKERFILE.format(base=bench.cluster.base_image))
    docker("build", "--quiet", "--tag", IMAGE, str(context))
    docker("push", "--quiet", IMAGE)


def _fairlead(bench: Bench, model: Path) -> list[float]:
    """The first time includes fetching the model, and the environment; an applied manifest starts
    the clock, the digest in status stops it."""
    namespace, digest = bench.namespace(f"bench-{secrets.token_hex(3)}"), None
    with FileServer().serving() as server:
        server.files["/model.bin"] = model.read_bytes()
        started, times = time.monotonic(), []
        source = {"uri": f"{server.base}/model.bin"}
        bench.apply(namespace, "Model", "m", {"source": source})
        for number in range(ROUNDS + 1):
            started = started if number == 0 else time.monotonic()
            files = {"score.py": SCRIPT.format(number=number)}
            spec = {"source": {"inline": {"files": files}}, "entryScript": "score.py"}
            bench.apply(namespace, "InferenceImage", "m", {**spec, "models": [{"name": "m"}]})
            bench.until_ready(namespace, "inferenceimage", "m", "imageDigest", digest)
            times.append(time.monotonic() - started)
            digest = bench.status(namespace, "inferenceimage", "m")["imageDigest"]
    return times
