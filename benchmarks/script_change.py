"""From a changed script to a new digest in the registry, with a model of 1 GB in the image.

The peer is `docker build` and `docker push` of the same content on the same machine, with a warm
cache and the script in the last layer: the best that a Dockerfile can do.

What the task itself takes is measured by starting the last one again, with another script: from the
start of its interpreter to its end, its log kept.
"""

import json
import os
import resource
import secrets
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.bench import SETTINGS, Bench, show
from fairlead.contract import FILES_FOLDER, REQUEST_FILE
from tests.cluster.engine import docker
from tests.cluster.installation import settings_for, state_folder
from tests.e2e.file_server import FileServer

SIZE = 1 << 30  # bytes
CHUNK = 1 << 22
ROUNDS = 3
TASKS = 10
AIM_S = 0.5  # of one task
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
        with bench.steps.step(f"{TASKS} tasks"):
            tasks = [_task(bench, model.parent, number) for number in range(TASKS)]
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
    wall, processor = (sorted(one[what] for one in tasks) for what in range(2))
    show(
        "The task that this waits for, of ten: seconds",
        ("", "median", "longest", "aim"),
        [
            ("from its start to its end", *_shown(wall), f"≤ {AIM_S}"),
            ("of a processor", *_shown(processor), ""),
        ],
    )


def _shown(times: list[float]) -> tuple[str, str]:
    return f"{statistics.median(times):.2f}", f"{times[-1]:.2f}"


def _task(bench: Bench, scratch: Path, number: int) -> tuple[float, float]:
    """Start the last task again, with another script and version; return its time, and that of a
    processor, in seconds."""
    ran = state_folder(bench.places).glob(f"tasks/assemble-*/*/{REQUEST_FILE}")
    newest = max(ran, key=lambda path: path.stat().st_mtime).parent
    folder = scratch / f"task-{number}"
    shutil.copytree(newest, folder)
    request = json.loads((folder / REQUEST_FILE).read_text())
    changed = {"version": request["version"] + 1 + number, "tag": False}
    (folder / REQUEST_FILE).write_text(json.dumps({**request, **changed}))
    (folder / FILES_FOLDER / "score.py").write_text(SCRIPT.format(number=f"'{number}'"))
    command = (sys.executable, "-m", "fairlead.tasks.assemble", folder)
    environment = {**os.environ, **SETTINGS, **settings_for(bench.cluster, bench.places)}
    before, started = _children_s(), time.monotonic()
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
    return time.monotonic() - started, _children_s() - before


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


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
