"""Quantities as Kubernetes takes them, and what is none."""

import pytest
from pydantic import TypeAdapter, ValidationError

from fairlead.api.quantity import Quantity, canonical_quantity

QUANTITY: TypeAdapter[str] = TypeAdapter(Quantity)


@pytest.mark.parametrize("value", [1, "1", "100m", "0.5", ".5", "1.", "1Gi", "1e3", "2E", "1E3"])
def test_a_quantity_is_taken(value: object) -> None:
    assert QUANTITY.validate_python(value) == str(value)


@pytest.mark.parametrize(
    "value",
    [
        *(0, "0", "0m", -1, "-1Gi", "lots", "", "1 Gi", "1.5.2", "1GiB", "NaN", "1e999", "1\n"),
        *("1" * 33, 0.5, True, None, [], 10**40),
    ],
)
def test_what_is_none_is_refused(value: object) -> None:
    with pytest.raises(ValidationError):
        QUANTITY.validate_python(value)


@pytest.mark.parametrize(
    ("one", "other"),
    [("1000m", "1"), (1, "1"), ("0.5", "500m"), ("1Gi", "1024Mi"), ("1e3", "1k"), ("1E", "1e18")],
)
def test_equal_quantities_have_one_form(one: object, other: object) -> None:
    assert canonical_quantity(one) == canonical_quantity(other)


@pytest.mark.parametrize("value", ["x", None, {}, "NaN", True, 0.5])
def test_what_is_none_stays_what_it_is(value: object) -> None:
    assert canonical_quantity(value) is value
