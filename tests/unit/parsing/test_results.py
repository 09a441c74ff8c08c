"""Results are kept while there is room, and those that may not last for a while."""

from fairlead.inputs.environment import Environment
from fairlead.inputs.parse import Parsed
from fairlead.parsing.results import ENTRY_BYTES, MAX_CACHED_BYTES, Results
from fairlead.requirement import Requirement

LARGE = Parsed(
    environment=Environment(requirements=tuple(Requirement(text="a", line=n) for n in range(500)))
)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_oldest_make_room_and_what_is_asked_for_is_not_old() -> None:
    results, most = Results(), MAX_CACHED_BYTES // (ENTRY_BYTES * 501)
    for number in range(most):
        results.put(str(number), LARGE)
    assert results.get("0") is LARGE
    results.put("one more", LARGE)
    assert results.get("0") is LARGE
    assert results.get("1") is None
    assert results.get("one more") is LARGE


def test_small_results_are_kept_in_thousands() -> None:
    results = Results()
    for number in range(8000):
        results.put(str(number), Parsed())
    assert results.get("0") == Parsed()


def test_a_result_that_may_not_last_is_dropped_after_a_while() -> None:
    clock = Clock()
    results = Results(clock)
    results.put("a", Parsed(), seconds=10)
    results.put("b", Parsed())
    clock.now = 9.9
    assert results.get("a") == Parsed()
    clock.now = 10
    assert results.get("a") is None
    clock.now = 1e9
    assert results.get("b") == Parsed()


def test_a_result_that_is_put_again_counts_once() -> None:
    results = Results()
    for _ in range(100):
        results.put("a", LARGE)
    results.put("b", LARGE)
    assert results.get("a") is LARGE
