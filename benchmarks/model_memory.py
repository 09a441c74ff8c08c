"""How much memory a task needs for a large model: fetched, digested, stored as a version.

``BENCH_MODEL_MIB`` is its size, 256 where nothing says otherwise; 4096 is what the aim is about.
"""

import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.bench import Bench, show
from fairlead.api.model import ConfigMapSource, ModelSource
from fairlead.contract import FILES_FOLDER, LOG_FILE, REQUEST_FILE, RESULT_FILE, IngestRequest

MIB = 1024**2
DEFAULT_MODEL_MIB = 256
AIM_MIB = 300  # of any task, for a model of 4 GiB


def measure(bench: Bench) -> None:
    size_mib = int(os.environ.get("BENCH_MODEL_MIB", DEFAULT_MODEL_MIB))
    with (
        tempfile.TemporaryDirectory(dir=bench.places.cache) as folder,
        bench.steps.step(f"A model of {size_mib:,} MiB"),
    ):
        peak_mib, seconds = ingest(Path(folder), bench.cluster.registry, size_mib)
    show(
        "A large model, fetched from a folder and stored as a version",
        ("Model", "Peak memory", "Aim", "Seconds"),
        [(f"{size_mib:,} MiB", f"{peak_mib:.0f} MiB", f"{AIM_MIB} MiB", f"{seconds:.1f}")],
    )


def ingest(folder: Path, registry: str, size_mib: int) -> tuple[float, float]:
    """Run the task on a file of zeros (digested, sent and stored as any other), and return its peak
    memory in MiB and its seconds."""
    (folder / FILES_FOLDER).mkdir()
    with (folder / FILES_FOLDER / "model.bin").open("wb") as file:
        file.truncate(size_mib * MIB)
    repository = f"{registry}/bench-{secrets.token_hex(3)}/fairlead/models/m"
    source = ModelSource(config_map=ConfigMapSource(name="m"))
    request = IngestRequest(repository=repository, model_name="m", source=source)
    (folder / REQUEST_FILE).write_text(request.model_dump_json(by_alias=True))
    settings = {"FAIRLEAD_REGISTRY": registry, "FAIRLEAD_MODEL_MAX_BYTES": str(size_mib * MIB)}
    started = time.monotonic()
    with (folder / LOG_FILE).open("wb") as log:
        command = [sys.executable, "-m", "fairlead.tasks.ingest", str(folder)]
        task = subprocess.Popen(command, env={**os.environ, **settings}, stdout=log, stderr=log)
        _, _, used = os.wait4(task.pid, 0)
    seconds = time.monotonic() - started
    result = json.loads((folder / RESULT_FILE).read_text())
    if "ok" not in result:
        raise RuntimeError((folder / LOG_FILE).read_text())
    return used.ru_maxrss / 1024, seconds
