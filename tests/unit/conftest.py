"""What all unit tests share."""

import sys
from collections.abc import Iterator
from functools import cache

import pytest


@pytest.fixture(scope="session", autouse=True)
def _commands_made_once() -> Iterator[None]:
    """``CliRunner`` makes click's commands of all of typer's for each call: a program does once."""
    testing = sys.modules.get("typer.testing")
    with pytest.MonkeyPatch.context() as patch:
        if testing:
            patch.setattr(testing, "_get_command", cache(testing._get_command))
        yield
