"""What a failed run leaves to be read, in .artifacts/ of the checkout."""

import logging
import shutil
from collections.abc import Iterable
from pathlib import Path

from tests.cluster.kind import export_logs
from tests.cluster.places import Places


def log_to(places: Places) -> None:
    """Everything that is run and what it said goes to one file, for whoever has to find out why."""
    places.run.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(places.log, mode="w")
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    logger = logging.getLogger("tests.cluster")
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)


def keep(places: Places, others: Iterable[Path] = ()) -> None:
    """Replace .artifacts/ by our own logs, ``others``, and what nodes and pods have logged.

    Raises ``ClusterError`` if the nodes do not tell; the rest is there by then.
    """
    shutil.rmtree(places.artifacts, ignore_errors=True)
    places.artifacts.mkdir()
    for path in (*places.run.glob("*.log"), *others):
        if path.is_dir():
            shutil.copytree(path, places.artifacts / path.name, dirs_exist_ok=True)
        elif path.is_file():
            shutil.copy(path, places.artifacts)
    export_logs(places, places.artifacts / "kind")
