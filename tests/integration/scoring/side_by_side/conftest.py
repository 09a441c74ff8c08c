"""The two servers, for all tests here."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.scoring.side_by_side.forked_reference import Forks
from tests.integration.scoring.side_by_side.reference import reference_python
from tests.integration.scoring.side_by_side.servers import Ours


@pytest.fixture(scope="session")
def installed() -> Path:
    """The Python of an environment that has the reference server."""
    return reference_python()


@pytest.fixture(scope="session")
def reference(installed: Path) -> Iterator[Forks]:
    forks = Forks(installed)
    yield forks
    forks.close()


@pytest.fixture(scope="session")
def ours(runtime: Path, installed: Path) -> Ours:
    """In the environment of the reference server."""
    return Ours(installed, runtime)
