"""Numbers as people read them."""

import pytest

from fairlead.decide.display import count, duration, size


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (0, "0B"),
        (633, "633B"),
        (9999, "9999B"),
        (10_000, "10Ki"),
        (657_408, "642Ki"),
        (1 << 30, "1024Mi"),
        (20 << 40, "20Ti"),
    ],
)
def test_a_size_has_four_digits_at_most_and_a_unit(number: int, shown: str) -> None:
    assert size(number) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.4, "0s"), (48.2, "48s"), (192.0, "3m12s"), (3900.0, "1h05m")]
)
def test_a_duration_is_short(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


def test_nouns_have_a_plural() -> None:
    assert (count(1, "file"), count(3, "file")) == ("1 file", "3 files")
