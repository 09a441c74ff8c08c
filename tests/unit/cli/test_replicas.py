"""The calculation of the guide."""

import pytest
from typer.testing import CliRunner

from fairlead.capacity.formula import needed_replicas
from fairlead.cli.app import app
from fairlead.cli.exit_codes import USAGE


@pytest.mark.parametrize(
    ("rate", "seconds", "utilization", "at_once", "replicas"),
    [
        (20, 10, 70, 1, 286),  # the guide's own
        (20, 10, 70, 2, 143),
        (20, 10, 100, 1, 200),
        (7, 0.1, 70, 1, 1),
        (0.001, 0.001, 70, 1, 1),
    ],
)
def test_replicas(
    rate: float, seconds: float, utilization: float, at_once: int, replicas: int
) -> None:
    assert needed_replicas(rate, seconds, utilization, at_once) == replicas


@pytest.mark.parametrize("number", ["inf", "1e308", "nan", "0", "x"])
@pytest.mark.parametrize("option", ["--rps", "--seconds", "--utilization"])
def test_what_is_no_number_of_a_load_is_told(option: str, number: str) -> None:
    arguments = {"--rps": "20", "--seconds": "10", option: number}
    command = ["replicas", *(word for pair in arguments.items() for word in pair)]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == USAGE
    assert option in done.output


def test_the_command_prints_the_number() -> None:
    done = CliRunner().invoke(app, ["replicas", "--rps", "20", "--seconds", "10"])
    assert (done.exit_code, done.output) == (0, "286\n")
