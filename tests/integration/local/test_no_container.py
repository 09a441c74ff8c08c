"""`fairlead local` with --no-container: the real program, the real runtime, no Docker."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.local.debug_session import a_debug_session
from tests.integration.local.shell import Shell
from tests.integration.local.story import whole_day

pytestmark = pytest.mark.usefixtures("default_port")

DEPLOY = "--entry-script score.py --conda-file myenv.yml --model greeting.txt --no-container"


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    one = Shell(tmp_path)
    yield one
    if one.left:
        one.fairlead("local delete --all")


def test_a_day_of_a_service(shell: Shell) -> None:
    """One after the other, on one environment: that takes longest to make."""
    whole_day(shell, DEPLOY)
    assert shell.left == []


def test_a_breakpoint_in_run(shell: Shell) -> None:
    a_debug_session(shell, DEPLOY)
    shell.fairlead("local delete credit")
    assert shell.left == []
