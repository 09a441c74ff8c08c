"""Bytecode of the runtime's layer: nothing can be written where it runs, so that each start of each
replica would compile all that it imports.

What is written depends on the sources alone: it holds no date, and of the paths those that the
files have in an image.
"""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from fairlead.images.layout import RUNTIME

TIMEOUT_S = 300.0
_COMPILEALL = ("-I", "-S", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash")


def compile_parts(
    python: str, folder: Path, parts: Sequence[Path]
) -> "subprocess.CompletedProcess[str]":
    """Have ``python`` compile ``parts`` of ``folder``, the ``/opt/fairlead/runtime`` of an image.

    It is a process of its own: what is written for a file depends on what was compiled before.

    Raises ``OSError``, ``subprocess.TimeoutExpired``.
    """
    places = ("-s", str(folder), "-p", f"/{RUNTIME}")
    plain = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(
        (python, *_COMPILEALL, *places, *map(str, parts)),
        env=plain,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=TIMEOUT_S,
        check=False,
    )
