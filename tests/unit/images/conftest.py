"""For tests of what is compiled: beside its source, as in the containers that do it."""

import sys

import pytest


@pytest.fixture(autouse=True)
def compiled_beside_the_source(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever ``tests.bytecode`` has set for the tests themselves."""
    monkeypatch.setattr(sys, "pycache_prefix", None)
