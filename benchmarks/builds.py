"""From an applied manifest to an image in the registry, for each change that people make.

The first build, a changed pin, script and model, and the same inputs in a new object; for pip and
conda, for small and large models, with tasks as child processes and as Jobs. The peer is `docker
build` and `docker push` of the same content, with a warm cache and in the order that is best for
it; it knows no conda channel here. repo2docker and Cog begin with base images of their own, which a
machine without an image registry cannot pull. ``BENCH_MODELS_MIB`` are the sizes of the models,
``BENCH_BUILDERS`` those who build, of ``docker local job``: all of it takes a quarter of an hour.
"""

import os
import secrets
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from benchmarks.bench import Bench, show
from fairlead.api.refs import Manifest
from tests.cluster.engine import docker, docker_lines
from tests.cluster.release import install_chart
from tests.cluster.versions import REGISTRY_CONTAINER
from tests.conda_channel import OWN_VERSION, Package, made, real_python, serving
from tests.e2e.file_server import FileServer

DEFAULT_MODELS_MIB = "10 1024"
MIB = 1024**2
BUILDERS = "docker local job"
POLL_S = 0.05
SETTLED_S = 2.0  # a process may still become another program
SCRIPT = "def init():\n    pass\n\n\ndef run(data):\n    return {}\n"
PINS = ("24.2.0", "25.3.0")
PIP = "numpy==2.0.2\nattrs=={}\n"
CONDA = "dependencies:\n- python={version}\n- numbers\n- attributes={pin}\n"
DOCKERFILE = """\
FROM {base}
COPY requirements.txt /tmp/
RUN pip install --no-cache-dir -r /tmp/requirements.txt
COPY model.bin /var/azureml-app/azureml-models/m/1/
COPY score.py /var/azureml-app/
"""


@dataclass(frozen=True)
class Inputs:
    """What an image is made of; each number stands for other content."""

    pin: int = 0
    script: int = 0
    model: int = 0


FIRST = Inputs()
CHANGES = {
    "first build": FIRST,
    "changed pin": replace(FIRST, pin=1),
    "changed script": replace(FIRST, pin=1, script=1),
    "changed model": replace(FIRST, pin=1, script=1, model=1),
    "nothing changed": replace(FIRST, pin=1, script=1, model=1),
}
Make = Callable[[Inputs, str], None]
"""Put an image of these inputs into the registry; the change says what is new about them."""


@dataclass(frozen=True)
class Figures:
    """Of one change."""

    seconds: float
    sent_mib: float
    task_mib: float
    """The most memory that tasks had at the same time."""

    def shown(self) -> str:
        memory = f", {self.task_mib:.0f} MiB" if self.task_mib else ""
        return f"{self.seconds:.1f} s, {self.sent_mib:,.1f} MiB{memory}"


@dataclass(frozen=True)
class Subject:
    """Who makes images of one kind of environment, for models of one size."""

    name: str
    environment: str
    model_mib: int
    make: Make

    def figures(self) -> list[Figures]:
        return [_measured(self.make, inputs, change) for change, inputs in CHANGES.items()]


def measure(bench: Bench) -> None:
    rows = list[tuple[str, ...]]()
    try:
        _measure(bench, rows)
    finally:  # what has been measured is told
        columns = ("", "environment", "model", *CHANGES)
        show("Images: seconds, what the registry stored, the most memory of tasks", columns, rows)


def _measure(bench: Bench, rows: list[tuple[str, ...]]) -> None:
    sizes = [int(size) for size in os.environ.get("BENCH_MODELS_MIB", DEFAULT_MODELS_MIB).split()]
    builders, host = os.environ.get("BENCH_BUILDERS", BUILDERS).split(), bench.cluster.gateway
    with (
        tempfile.TemporaryDirectory(dir=bench.places.cache) as folder,
        FileServer(host).serving() as files,
        serving(made(Path(folder) / "channel", *_packages()), host) as channel,
    ):
        mirrors = f"*={channel.address}"
        bench.kill_operator()
        if "docker" in builders:
            _add(rows, bench, [_docker(bench, Path(folder), mib) for mib in sizes])
        if "local" in builders:
            local = {"CONDA_MIRRORS": mirrors, "INSECURE_HOSTS": f"127.0.0.1 {host}"}
            bench.start_operator({f"FAIRLEAD_{name}": value for name, value in local.items()})
            _add(rows, bench, _subjects(bench, "local", files, sizes))
            bench.kill_operator()
        if "job" in builders:
            insecure = f"{bench.cluster.registry_from_pods} {host}"
            settings = {"condaMirrors": mirrors, "insecureHosts": insecure}
            install_chart(bench.cluster, bench.places, bench.steps, settings)
            _add(rows, bench, _subjects(bench, "job", files, sizes))


def _packages() -> list[Package]:
    attributes = (Package("attributes", pin, {"site-packages/a.py": b"\n"}) for pin in PINS)
    return [real_python(), Package("numbers", "2.0.2", {"site-packages/n.py": b"\n"}), *attributes]


def _add(rows: list[tuple[str, ...]], bench: Bench, subjects: Sequence[Subject]) -> None:
    for subject in subjects:
        title = f"{subject.name}, {subject.environment}, {subject.model_mib:,} MiB"
        with bench.steps.step(title):
            shown = [figures.shown() for figures in subject.figures()]
        rows.append((subject.name, subject.environment, f"{subject.model_mib:,} MiB", *shown))


def _docker(bench: Bench, folder: Path, model_mib: int) -> Subject:
    context = folder / f"context-{model_mib}"
    context.mkdir()
    image = f"{bench.cluster.registry}/peer/m{model_mib}:1"
    arguments = ("--build-arg", f"PIP_INDEX_URL={os.environ.get('PIP_INDEX_URL', '')}")

    def make(inputs: Inputs, change: str) -> None:
        (context / "Dockerfile").write_text(DOCKERFILE.format(base=bench.cluster.base_image))
        (context / "requirements.txt").write_text(PIP.format(PINS[inputs.pin]))
        (context / "score.py").write_text(SCRIPT.format(inputs.script))
        if change in {"first build", "changed model"}:
            (context / "model.bin").write_bytes(os.urandom(model_mib * MIB))
        docker("build", "--quiet", *arguments, "--tag", image, str(context))
        docker("push", "--quiet", image)

    return Subject("docker build + push", "pip", model_mib, make)


def _subjects(bench: Bench, runner: str, files: FileServer, sizes: Sequence[int]) -> list[Subject]:
    return [
        Subject(f"Fairlead, {runner}", environment, mib, _fairlead(bench, environment, files, mib))
        for environment in ("pip", "conda")
        for mib in sizes
    ]


def _fairlead(bench: Bench, environment: str, files: FileServer, model_mib: int) -> Make:
    namespace = bench.namespace(f"bench-{secrets.token_hex(3)}")

    known: dict[str, str] = {}

    def make(inputs: Inputs, change: str) -> None:
        digest = known.pop("imageDigest", None) if change != "nothing changed" else None
        address = f"/{namespace}-{inputs.model}.bin"
        if change in {"first build", "changed model"}:
            files.files = {address: os.urandom(model_mib * MIB)}  # no more of them than one
            bench.apply(namespace, "Model", "m", {"source": {"uri": files.base + address}})
        if change == "nothing changed":
            bench.cluster.run_kubectl("delete", "inferenceimage", "m", "-n", namespace)
        bench.apply(namespace, "InferenceImage", "m", _spec(environment, inputs))
        bench.until_ready(namespace, "inferenceimage", "m", "imageDigest", digest)
        known["imageDigest"] = bench.status(namespace, "inferenceimage", "m")["imageDigest"]

    return make


def _spec(environment: str, inputs: Inputs) -> Manifest:
    pin = PINS[inputs.pin]
    name = "requirements.txt" if environment == "pip" else "environment.yml"
    listed = PIP.format(pin) if environment == "pip" else CONDA.format(version=OWN_VERSION, pin=pin)
    field = "requirementsFile" if environment == "pip" else "condaFile"
    sources = {"score.py": SCRIPT.format(inputs.script), name: listed}
    source = {"inline": {"files": sources}}
    return {"source": source, "entryScript": "score.py", field: name, "models": [{"name": "m"}]}


def _measured(make: Make, inputs: Inputs, change: str) -> Figures:
    before, started = _stored_bytes(), time.monotonic()
    with _watched_tasks() as peak:
        make(inputs, change)
    seconds = time.monotonic() - started
    return Figures(seconds, (_stored_bytes() - before) / MIB, max(peak, default=0) / MIB)


def _stored_bytes() -> int:
    [line] = docker_lines("exec", REGISTRY_CONTAINER, "du", "-sb", "/var/lib/registry")
    return int(line.split()[0])


@contextmanager
def _watched_tasks() -> Iterator[list[int]]:
    """The memory of all tasks together, in bytes, at each look: those in pods are processes of this
    machine, too."""
    seen: list[int] = []
    over = threading.Event()

    def watch() -> None:
        tasks = _Tasks()
        while not over.wait(POLL_S):
            seen.append(sum(_resident_bytes(process) for process in tasks.now()))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


class _Tasks:
    """The processes that are tasks of ours; each other one is asked what it is while it is new."""

    def __init__(self) -> None:
        self._others: set[int] = set()

    def now(self) -> list[psutil.Process]:
        there = set(psutil.pids())
        self._others &= there
        return [process for pid in there - self._others if (process := self._task(pid))]

    def _task(self, pid: int) -> psutil.Process | None:
        try:
            process = psutil.Process(pid)
            if any("fairlead.tasks" in word for word in process.cmdline()):
                return process
            if time.time() - process.create_time() > SETTLED_S:
                self._others.add(pid)
        except psutil.Error:  # it has ended meanwhile
            return None
        return None


def _resident_bytes(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0
