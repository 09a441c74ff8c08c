"""uvicorn's server without its command line, which the package imports with itself: click,
multiprocessing and what watches sources take longer to import than the server."""

import sys
from importlib.util import find_spec, module_from_spec
from types import ModuleType

PACKAGE = "uvicorn"


def _open_package() -> ModuleType:
    """Let its modules be imported, but not what the package imports of them."""
    spec = find_spec(PACKAGE)
    if spec is None:
        raise ModuleNotFoundError(f"No module named {PACKAGE!r}", name=PACKAGE)
    package = sys.modules[PACKAGE] = module_from_spec(spec)
    return package


_package = sys.modules.get(PACKAGE) or _open_package()

from uvicorn.config import Config  # noqa: E402
from uvicorn.server import Server, ServerState  # noqa: E402

_package.__dict__.update(Config=Config, Server=Server)  # its modules look for them there

__all__ = ["Config", "Server", "ServerState"]
