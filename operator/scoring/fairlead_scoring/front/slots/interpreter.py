"""Which Python runs user code: that of the environment, whatever this server itself runs on."""

import sys
from pathlib import Path

RUNTIME = Path(__file__).resolve().parents[3]  # /opt/fairlead/runtime
ENVIRONMENT = "env"  # the folder beside it


def users_python(runtime: Path = RUNTIME) -> str:
    """Return ``/opt/fairlead/env/bin/python``; outside an image, where there is none, our own.

    Where the environment's Python is new enough it runs this server, too.
    """
    environment = runtime.parent / ENVIRONMENT
    return str(environment / "bin" / "python") if environment.is_dir() else sys.executable


USERS_PYTHON = users_python()
