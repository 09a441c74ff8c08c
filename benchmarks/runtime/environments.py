"""An environment of its own for each server, in the cache folder, keyed by what is in it."""

import io
import shutil
import sys
import tarfile
import tempfile
from pathlib import Path

from benchmarks.runtime.errors import PeerError
from benchmarks.runtime.peers import HERE, OURS, Peer
from fairlead.images.bundled_runtime import (
    RuntimeInstallError,
    RuntimeMissingError,
    bundled_runtime,
)
from fairlead.images.runtime_layer import make_layer
from fairlead.settings import Settings
from tests.cluster.command import run
from tests.cluster.errors import ClusterError
from tests.cluster.fingerprint import fingerprint
from tests.cluster.places import Places

CANNOT = "cannot be installed: the reason is above"
PYTHON = "{}.{}.{}".format(*sys.version_info)


def environment(peer: Peer, places: Places) -> Path:
    """Return the folder of a virtual environment that has the server. Raise ``PeerError``."""
    try:
        return _ours(places) if peer.name == OURS else _pinned(peer, places)
    except ClusterError as error:
        raise PeerError(CANNOT, [*error.tail, str(error)]) from error


def _pinned(peer: Peer, places: Places) -> Path:
    pins = HERE / "pins" / f"{peer.pins}.txt"
    home = places.cache / f"bench-{peer.pins}-{fingerprint(pins, PYTHON)}"
    if not (home / "complete").exists():
        _make(home, places)
        quietly = ("--quiet", "--compile-bytecode", "--python")
        python = home / "bin/python"
        run([places.uv, "pip", "install", *quietly, python, "--requirements", pins])
        (home / "complete").touch()
    return home


def _ours(places: Places) -> Path:
    """Beside an empty environment lies the runtime, as the operator lays it into every image."""
    try:
        runtime = bundled_runtime(PYTHON, Settings())
        home = places.cache / f"bench-{OURS}-{fingerprint(runtime.key, PYTHON)}"
        if not (home / "complete").exists():
            _make(home, places)
            with tempfile.TemporaryDirectory() as folder:
                layer = make_layer(runtime, Path(folder), Settings(), lambda _: None)
            with tarfile.open(fileobj=io.BytesIO(layer.content)) as archive:
                archive.extractall(home, filter="data")
            (home / "complete").touch()
    except RuntimeMissingError as error:
        raise PeerError(CANNOT, [f"{error} `make setup` builds it."]) from error
    except RuntimeInstallError as error:
        raise PeerError(CANNOT, [*error.output.splitlines(), str(error)]) from error
    return home


def _make(home: Path, places: Places) -> None:
    """Make an empty one in the place of those that other versions have left."""
    name, _, _ = home.name.rpartition("-")
    for old in places.cache.glob(f"{name}-{'[0-9a-f]' * 12}"):
        shutil.rmtree(old)
    run([places.uv, "venv", "--quiet", "--python", sys.executable, home])
