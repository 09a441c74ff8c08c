"""What tests of local services share."""

import fcntl
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def default_port() -> Iterator[None]:
    """8890, which is every service's where none is named, is one test's at a time."""
    with (Path(tempfile.gettempdir()) / "fairlead-port-8890.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
