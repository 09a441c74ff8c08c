"""Which Python of this machine an environment is made with."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from fairlead.api.reasons import Reason
from fairlead.contract import EnvironmentRecipe
from fairlead.inputs.python_version import satisfies
from fairlead.local.errors import refusal

ASK_TIMEOUT_S = 60.0  # seconds for an interpreter to say its version
MINOR = re.compile(r"3\.[0-9]{1,2}")
_ASK = "import sys; print('%d.%d.%d' % sys.version_info[:3])"


def interpreter(recipe: EnvironmentRecipe) -> tuple[Path, str]:
    """A Python that the file asks for, and its version; this program's own where it asks for none.

    Raises ``LocalError``.
    """
    for path in candidates(recipe.python):
        version = version_of(path)
        if version and (recipe.python is None or satisfies(recipe.python, version)):
            return path, version
    where = f"{recipe.file}:{recipe.python_line}" if recipe.python_line else str(recipe.file)
    raise refusal(
        Reason.PYTHON_UNAVAILABLE,
        f"{where} asks for Python {recipe.python}, and this machine has none that is known of.",
        f"Install it (uv python install {minor_asked(recipe.python) or recipe.python}), ask for "
        "another, or leave --no-container out: a container brings its own.",
    )


def candidates(asked: str | None) -> Iterator[Path]:
    """Our own first; then those on the path, of pyenv, and those that uv knows."""
    yield Path(sys.executable)
    minor = minor_asked(asked)
    if minor is None:
        return
    for folder in os.get_exec_path():
        path = Path(folder, f"python{minor}")
        if path.is_file():
            yield path
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from sorted(pyenv.glob(f"versions/{minor}*/bin/python3"))
    yield from _of_uv(minor)


def minor_asked(asked: str | None) -> str | None:
    """``3.8`` of ``3.8.20`` or ``>=3.8,<3.9``: the first that is named."""
    found = MINOR.search(asked or "")
    return found[0] if found else None


def version_of(path: Path) -> str | None:
    """``3.8.20``; None where it does not run."""
    try:
        done = subprocess.run(
            [path, "-I", "-S", "-c", _ASK],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=ASK_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None


def _of_uv(minor: str) -> Iterator[Path]:
    uv = shutil.which("uv")
    if uv is None:
        return
    command = [uv, "python", "find", "--no-project", minor]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 0 and done.stdout.strip():
        yield Path(done.stdout.strip())
