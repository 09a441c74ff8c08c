from pathlib import Path

import pytest

from fairlead.runners.retention import EndedAttempt, RetentionLimits, superfluous

NOW = 1_000_000.0
LIMITS = RetentionLimits(max_folders=5, max_bytes=1000, max_age_s=3600)


def attempt(task: str, number: int, age: float = 0, size: int = 10) -> EndedAttempt:
    return EndedAttempt(Path(task, str(number)), task, NOW - age, size)


def removed(*attempts: EndedAttempt) -> list[str]:
    return [str(a.folder) for a in superfluous(attempts, LIMITS, NOW)]


def test_what_is_within_the_limits_stays() -> None:
    assert removed(*(attempt(f"t{n}", 1) for n in range(5))) == []


def test_of_a_task_that_is_tried_for_ever_the_last_three_attempts_stay() -> None:
    tries = [attempt("t", n, age=100 - n) for n in range(1, 7)]
    assert removed(*tries) == ["t/3", "t/2", "t/1"]


def test_the_oldest_go_where_there_are_too_many() -> None:
    assert removed(*(attempt(f"t{n}", 1, age=n) for n in range(7))) == ["t5/1", "t6/1"]


def test_the_oldest_go_where_they_take_too_much_room() -> None:
    sizes = [attempt("new", 1, age=1, size=600), attempt("old", 1, age=2, size=600)]
    assert removed(*sizes, attempt("small", 1, age=3, size=300)) == ["old/1"]


@pytest.mark.parametrize(("age", "goes"), [(3600, False), (3601, True)])
def test_what_is_too_old_goes(age: float, goes: bool) -> None:  # noqa: FBT001
    assert bool(removed(attempt("t", 1, age=age))) == goes
