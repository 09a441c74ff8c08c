"""`fairlead simulate`."""

import json

from typer.testing import CliRunner

from fairlead.cli.app import app
from fairlead.cli.exit_codes import USAGE

LOAD = ["simulate", "--rps", "7", "--seconds", "1", "--replicas", "10"]


def test_a_person_is_told_the_share_and_the_waits() -> None:
    done = CliRunner().invoke(app, LOAD)
    assert done.exit_code == 0
    assert done.output.splitlines()[0].endswith("% of the requests")
    assert "Replicas for 70 %:  10" in done.output


def test_a_machine_is_told_numbers() -> None:
    with_front, without = (
        json.loads(CliRunner().invoke(app, [*LOAD, *more, "-o", "json"]).output)
        for more in ([], ["--no-front"])
    )
    assert with_front["refusedShare"] < 0.03 < without["refusedShare"]
    assert without["neededReplicas"] == 10


def test_more_slots_than_can_be_simulated_are_told() -> None:
    done = CliRunner().invoke(app, [*LOAD, "--concurrency", "20000"])
    assert done.exit_code == USAGE
    assert "20000 slots" in done.output
