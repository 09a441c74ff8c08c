"""The real Pythons of the machine, for what must run on all of them."""

import fcntl
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from tests.cluster.fingerprint import fingerprint
from tests.cluster.places import places

MINORS = range(6, 15)
_RELEASE = re.compile(r"3\.([0-9]{1,2})\.[0-9]{1,2}")


@cache
def interpreters() -> dict[int, Path]:
    """Return an interpreter for each minor version that is there, by that: ``{6: …/python3.6}``.

    Those of pyenv, those in ``PATH``, and the one that runs this, which is always there.
    """
    found = {minor: Path(path) for minor in MINORS if (path := shutil.which(f"python3.{minor}"))}
    shims = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    found = {minor: path for minor, path in found.items() if shims not in path.parents}
    for home in sorted((shims / "versions").glob("3.*")):
        release = _RELEASE.fullmatch(home.name)
        if release and int(release[1]) in MINORS:
            found[int(release[1])] = home / "bin" / f"python3.{release[1]}"
    return {**found, sys.version_info.minor: Path(sys.executable)}


def oldest() -> int:
    """The oldest minor version that is there: 6 where the machine has Python 3.6."""
    return min(interpreters())


def packages_for(minor: int, wanted: Sequence[str]) -> Path:
    """A folder for ``PYTHONPATH`` with these packages (``numpy==1.15.4``) and what they ask for.

    It is kept for later runs, by the Python and the packages; of two that want it one makes it.
    """
    python = interpreters()[minor]
    kept = places().cache / f"packages-{fingerprint(str(python), *wanted)}"
    kept.parent.mkdir(parents=True, exist_ok=True)
    with (places().cache / "packages.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            fresh = kept.with_suffix(".new")
            shutil.rmtree(fresh, ignore_errors=True)
            command = (str(python), "-m", "pip", "install", "--quiet", "--target", str(fresh))
            subprocess.run([*command, *wanted], check=True)
            fresh.rename(kept)
    return kept
