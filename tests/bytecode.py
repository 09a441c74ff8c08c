"""Bytecode of what tests import and start, kept from run to run outside of the checkout.

Where ``PYTHONDONTWRITEBYTECODE`` is set, as in many containers, each of the thousands of programs
that the tests start would compile all that it imports: more than a second of a processor for one
that imports kopf.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

from tests.cluster.places import Places


def keep_bytecode(where: Places) -> None:
    """For this process and its children."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = str(where.bytecode)
    sys.dont_write_bytecode, sys.pycache_prefix = False, str(where.bytecode)


def forget_temporary(where: Places) -> None:
    """Drop what was compiled for files of earlier tests, which are gone."""
    temporary = Path(tempfile.gettempdir()).resolve()
    shutil.rmtree(where.bytecode / temporary.relative_to("/"), ignore_errors=True)
