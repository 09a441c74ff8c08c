import io
from pathlib import Path

import pytest
from rich.console import Console

from tests.cluster.errors import ClusterError
from tests.cluster.steps import Steps, duration


@pytest.fixture
def said() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def steps(said: io.StringIO) -> Steps:
    return Steps(Console(file=said, soft_wrap=True, highlight=False))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (12.4, "12 s"), (59.7, "1 min 0 s"), (579, "9 min 39 s")],
)
def test_durations_read_well(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_step_is_numbered_and_timed_when_it_is_done(steps: Steps, said: io.StringIO) -> None:
    with steps:
        with steps.step("Docker Engine started"):
            assert said.getvalue() == ""
        with steps.step("Registry started"):
            pass
    lines = said.getvalue().splitlines()
    assert lines[0].startswith(" 1  Docker Engine started ")
    assert lines[1].startswith(" 2  Registry started ")
    assert lines[1].endswith("0.0 s")


def test_a_failure_says_what_failed_the_last_lines_and_what_to_do(
    steps: Steps, said: io.StringIO
) -> None:
    error = ClusterError("kind could not start.", "Look at [the log].", ["node: out of disk [x]"])
    with pytest.raises(ClusterError), steps, steps.step("Nodes created"):
        raise error
    steps.fail(error, Path("/run/cluster.log"))
    assert said.getvalue().splitlines() == [
        "failed  Nodes created",
        "    node: out of disk [x]",
        "kind could not start.",
        "Look at [the log].",
        "Everything that was run, and what it said: /run/cluster.log",
    ]
