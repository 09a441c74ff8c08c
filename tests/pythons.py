"""The real Pythons of the machine, for what must run on all of them."""

import os
import re
import shutil
import sys
from functools import cache
from pathlib import Path

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
