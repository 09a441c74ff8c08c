import io
from collections.abc import Sequence

import pytest
from rich.console import Console
from rich.table import Table

from benchmarks.runtime.figures import Answer, Behaviour, Health, Load, Round, Termination
from benchmarks.runtime.tables import burst, manners, speed, throughput
from tests.unit.benchmarks.subjects import measured, subject


def rows(table: Table) -> list[tuple[object, ...]]:
    return list(zip(*(column.cells for column in table.columns), strict=True))


def test_rates_are_told_as_ratios_to_the_reference() -> None:
    fast = measured("fairlead", 3500, memory=40.4, start=0.254)
    assert rows(speed([measured("reference", 1000, memory=85), fast])) == [
        (
            "azureml-inference-server-http 1.5.1",
            "1,000  1.00x\n0.50 / 2.2",
            "8,000  1.00x\n4.00 / 18.0",
            "32,000  1.00x\n16.00 / 72.0",
            "1000",
            "85",
            "0.25",
        ),
        (
            "Fairlead, one process slot",
            "3,500  3.50x\n0.50 / 2.2",
            "28,000  3.50x\n4.00 / 18.0",
            "112,000  3.50x\n16.00 / 72.0",
            "286",
            "40",
            "0.25",
        ),
    ]


def test_without_the_reference_there_are_rates_and_no_ratios() -> None:
    [row] = rows(speed([measured("fairlead", 3500)]))
    assert row[1] == "3,500  -\n0.50 / 2.2"


def test_a_reference_that_failed_takes_only_the_ratios_with_it() -> None:
    failed, ours = rows(speed([subject("reference", "does not start"), measured("fairlead", 10)]))
    assert failed == ("azureml-inference-server-http 1.5.1", "does not start", *5 * [""])
    assert ours[1] == "10  -\n0.50 / 2.2"


def test_failed_requests_are_not_hidden() -> None:
    figures = Round(0.2, 40, 150, {8: Load(rate=100, p50=1, p99=2, failed=7)})
    assert throughput(figures, None, 8) == "100  -\n1.00 / 2.0\n7 failed"


@pytest.mark.parametrize(
    ("answers", "text"),
    [
        ([Answer("200", 0.1)] * 12, "12x200 in 0.10 s"),
        (
            [Answer("503", 0.5), Answer("200", 0.6), Answer("503", 0.51), Answer("200", 0.3)],
            "2x200 in 0.60 s\n2x503 in 0.51 s",
        ),
        ([Answer("reset", 15), Answer("200", 1)], "1x200 in 1.00 s\n1xreset in 15.00 s"),
    ],
)
def test_a_burst_is_told_by_outcome_with_the_slowest_of_each(
    answers: Sequence[Answer], text: str
) -> None:
    assert burst(answers) == text


def test_manners_say_where_user_code_runs_and_what_became_of_requests() -> None:
    ours, reference = rows(manners([measured("fairlead", 1), measured("reference", 1)]))
    assert ours == (
        "Fairlead, one process slot",
        "its process",
        "1.23 / 9.9",
        "2x200 in 0.61 s\n2x503 in 0.52 s",
        "200, 200, refused",
        "1.2",
    )
    assert reference[1] == "the server"


def test_health_that_was_not_answered_and_an_exit_that_never_came_are_told() -> None:
    behaviour = Behaviour(
        Health(p50=1, p99=2, bad=3), [Answer("200", 1)], Termination("200", "silence", "500", None)
    )
    [row] = rows(manners([measured("mlserver", 1, behaviour=behaviour)]))
    assert row[2] == "1.00 / 2.0\n3 not 200"
    assert row[4:] == ("200, silence, 500", "killed")


def test_a_server_that_failed_is_a_row_that_says_so_in_both_tables() -> None:
    failed = subject("bentoml", "does not start (exit code 1)")
    assert rows(speed([failed]))[0][:2] == ("BentoML 1.4.39", "does not start (exit code 1)")
    assert rows(manners([failed]))[0][2] == "does not start (exit code 1)"


def test_what_a_server_says_is_text_and_no_markup() -> None:
    failed = subject("bentoml", "does not start: [/]")
    console = Console(file=(said := io.StringIO()), width=200)
    console.print(speed([failed]), manners([failed]))
    assert said.getvalue().count("does not start: [/]") == 2
