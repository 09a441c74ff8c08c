"""How much a container should be given, and the arithmetic in words."""

from dataclasses import replace

import pytest

from fairlead.capacity.container_size import Used, container_size, mebibytes

MIB = 2**20
USED = Used(
    cpu_cores=0.83,
    memory_bytes=213 * MIB,
    throttled_percent=0,
    slots=1,
    requests=1000,
    errors=0,
    given_cpu="2",
    given_memory="1Gi",
)


def test_the_arithmetic_is_told_in_words_and_nothing_else_where_all_is_well() -> None:
    found = container_size(USED)
    assert (found.cpu, found.memory, found.advice) == ("1", "288Mi", "")
    assert found.arithmetic == (
        "cpu: 0.83 cores on average while 1 request ran all the time, * 1.2, rounded up to a "
        "multiple of 50m = 1. memory: 213Mi at the most, * 1.25, rounded up to a multiple of 32Mi "
        "= 288Mi."
    )


@pytest.mark.parametrize(
    ("cores", "cpu"),
    [(0.0, "50m"), (0.04, "50m"), (0.0417, "100m"), (0.5, "600m"), (1.25, "1500m"), (2.5, "3")],
)
def test_cpu_is_a_fifth_more_rounded_up(cores: float, cpu: str) -> None:
    assert container_size(replace(USED, cpu_cores=cores)).cpu == cpu


@pytest.mark.parametrize(
    ("size", "memory"),
    [(1, "64Mi"), (52 * MIB, "96Mi"), (128 * MIB, "160Mi"), (4096 * MIB, "5120Mi")],
)
def test_memory_is_a_quarter_more_rounded_up(size: int, memory: str) -> None:
    assert container_size(replace(USED, memory_bytes=size)).memory == memory


def test_what_is_not_known_is_not_guessed() -> None:
    found = container_size(replace(USED, cpu_cores=None, memory_bytes=0))
    assert (found.cpu, found.memory) == (None, None)
    assert found.arithmetic.count("not known") == 2


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"errors": 3}, "3 of 1000 requests failed"),
        ({"throttled_percent": 5}, "The limit of 2 cpu held it back in 5 % of the periods"),
        ({"memory_bytes": 922 * MIB}, "It came near to its limit of 1Gi"),
        ({"requests": 999}, "Of 999 requests p999 is close to the slowest"),
    ],
)
def test_what_makes_the_numbers_less_certain_is_told(change: dict[str, int], told: str) -> None:
    assert container_size(replace(USED, **change)).advice.startswith(told)  # type: ignore[arg-type]


def test_several_requests_at_a_time_are_told_as_such() -> None:
    assert "while 4 requests ran" in container_size(replace(USED, slots=4)).arithmetic
    assert mebibytes(MIB + 1) == "2Mi"
