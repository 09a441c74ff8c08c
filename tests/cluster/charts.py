"""The chart, and its README as helm-docs makes it."""

import shutil
import tempfile
from pathlib import Path

from tests.cluster.command import run
from tests.cluster.places import Places
from tests.cluster.programs import CHART_PACKAGES, build_on_demand, program_path
from tests.cluster.steps import Steps

CHART = Path("charts/fairlead")


def chart_docs(places: Places, steps: Steps) -> None:
    """``make chart-docs``: write the chart's README from the comments in its values."""
    build_on_demand(places, steps, CHART_PACKAGES)
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
