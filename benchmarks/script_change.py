"""From a changed script to a new digest in the registry, with a model of 1 GB in the image.

The peer is `docker build` and `docker push` of the same content on the same machine, with a warm
cache and the script in the last layer: the best that a Dockerfile can do.

What the task itself takes is measured by starting the last one again, with another script: from its
start to its end, its log kept; as the `local` runner starts it, and in an interpreter of its own.
"""

import asyncio
import json
import os
import resource
import secrets
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.bench import SETTINGS, Bench, show
from fairlead.contract import FILES_FOLDER, REQUEST_FILE
from fairlead.runners.prepared import PreparedTasks
from fairlead.runners.process import Start, starting, task_command
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
        with bench.steps.step(f"{TASKS} tasks, twice"):
            forked, fresh = asyncio.run(_tasks(bench, model.parent))
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
    show(
        f"The task that this waits for, of {TASKS}: seconds",
        ("", "median", "longest", "of a processor, median", "aim"),
        [
            ("a fork (`local`)", *_shown(forked), f"≤ {AIM_S}"),
            ("a fresh interpreter, as in a Job", *_shown(fresh), f"≤ {AIM_S}"),
        ],
    )


@dataclass(frozen=True)
class Taken:
    """Seconds."""

    wall: float
    processor: float


def _shown(tasks: list[Taken]) -> tuple[str, str, str]:
    wall, processor = ([getattr(one, name) for one in tasks] for name in ("wall", "processor"))
    figures = (statistics.median(wall), max(wall), statistics.median(processor))
    median, longest, of_a_processor = (f"{figure:.2f}" for figure in figures)
    return median, longest, of_a_processor


async def _tasks(bench: Bench, scratch: Path) -> tuple[list[Taken], list[Taken]]:
    """As forks of one process, the first not counted, which waits for imports; and each with an
    interpreter of its own."""
    fresh, prepared = starting(task_command("assemble")), PreparedTasks(scratch)
    with _settings(bench):
        try:
            forking = prepared.starting("assemble", fresh)
            forked = [await _task(bench, scratch, number, forking) for number in range(TASKS + 1)]
        finally:
            await prepared.close()
        again = range(TASKS + 1, 2 * TASKS + 1)
        return forked[1:], [await _task(bench, scratch, number, fresh) for number in again]


@contextmanager
def _settings(bench: Bench) -> Iterator[None]:
    """Those of the operator, for what is started meanwhile."""
    before = dict(os.environ)
    os.environ.update({**SETTINGS, **settings_for(bench.cluster, bench.places)})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


async def _task(bench: Bench, scratch: Path, number: int, start: Start) -> Taken:
    """Start the last task again, with another script and version."""
    ran = state_folder(bench.places).glob(f"tasks/assemble-*/*/{REQUEST_FILE}")
    newest = max(ran, key=lambda path: path.stat().st_mtime).parent
    folder = scratch / f"task-{number}"
    shutil.copytree(newest, folder)
    request = json.loads((folder / REQUEST_FILE).read_text())
    changed = {"version": request["version"] + 1 + number, "tag": False}
    (folder / REQUEST_FILE).write_text(json.dumps({**request, **changed}))
    (folder / FILES_FOLDER).mkdir(exist_ok=True)  # it goes when a task has ended
    (folder / FILES_FOLDER / "score.py").write_text(SCRIPT.format(number=f"'{number}'"))
    with (folder / "printed").open("w") as log:
        before, started = _children_s(), time.monotonic()
        process = await start(folder, log.fileno())
        if await process.wait() != 0:
            raise RuntimeError((folder / "printed").read_text())
        return Taken(time.monotonic() - started, _children_s() - before)


def _children_s() -> float:
    """Processor time of all children that have ended, and of theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    forked = [child.cpu_times() for child in psutil.Process().children()]
    of_forks = sum(one.children_user + one.children_system for one in forked)
    return float(used.ru_utime + used.ru_stime + of_forks)


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
