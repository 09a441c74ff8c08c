"""helm, helm-docs and kubeconform: built when something first asks, kept like every program."""

import fcntl
import shutil
import tempfile
from pathlib import Path

from tests.cluster import golang
from tests.cluster.command import run
from tests.cluster.places import Places
from tests.cluster.programs import CHART_PACKAGES, compile_program, program_path
from tests.cluster.steps import Steps

CHART = Path("charts/fairlead")


def build_programs(places: Places, steps: Steps) -> None:
    """All are there when this returns; of two runs at a time one waits for the other."""
    if all(program_path(places, name).exists() for name in CHART_PACKAGES):
        return
    places.programs.mkdir(parents=True, exist_ok=True)
    with (places.programs / "charts.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        go = golang.located(places) or golang.install(places)
        for name in CHART_PACKAGES:
            compile_program(places, steps, go, name)


def chart_docs(places: Places, steps: Steps) -> None:
    """``make chart-docs``: write the chart's README from the comments in its values."""
    build_programs(places, steps)
    chart = places.checkout / CHART
    (chart / "README.md").write_text(readme(places))


def readme(places: Places) -> str:
    """The chart's README as its values make it now."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "charts"
        shutil.copytree(places.checkout / CHART, copy / "fairlead")
        docs = program_path(places, "helm-docs")
        run([docs, "--chart-search-root", copy, "--log-level", "warning"], folder=Path(folder))
        return (copy / "fairlead/README.md").read_text()
