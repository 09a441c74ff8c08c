"""Which debugger goes with a Python: the last debugpy that runs on it. Pure."""

FOLDER = "debugger"  # of the runtime; the slot puts it last on user code's path
PORT = 5678  # where the guide's configuration attaches
WAIT_S = 30  # seconds that the guide's script waits for a debugger
_VERSIONS = {(3, 6): "1.5.1", (3, 7): "1.7.0", (3, 8): "1.8.21", (3, 9): "1.8.21"}
_NEWEST = "1.8.22"


def debugger_requirement(python: str) -> str:
    """``debugpy==1.8.22`` for a Python such as ``3.11``."""
    major, minor = python.split(".")[:2]
    return f"debugpy=={_VERSIONS.get((int(major), int(minor)), _NEWEST)}"
