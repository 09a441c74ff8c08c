"""Kubernetes quantities: ``100m`` of CPU, ``512Mi`` of memory; whole numbers may stand unquoted.

``cpu: 0.5`` is a float to YAML, which the API server refuses ("must be of type integer,string")
before any rule of ours is asked: the fields' descriptions say that it is to be quoted.
"""

from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, GetJsonSchemaHandler
from pydantic_core import CoreSchema

from fairlead.api.wire import rules


class _IntOrString:
    """Tells the schema that ``cpu: 1`` is as good as ``cpu: "1"``."""

    def __get_pydantic_json_schema__(
        self, _core: CoreSchema, _handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {
            "x-kubernetes-int-or-string": True,
            "maxLength": 32,
            **rules(
                (
                    "isQuantity(string(self)) && "
                    "quantity(string(self)).isGreaterThan(quantity('0'))",
                    "must be a quantity greater than zero, such as 100m or 2 for cpu, 512Mi or 1Gi "
                    "for memory",
                )
            ),
        }


def _as_text(value: object) -> object:
    return str(value) if isinstance(value, int) else value


Quantity = Annotated[str, BeforeValidator(_as_text), _IntOrString()]

SUFFIXES = {
    "n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3"), "": Decimal(1),
    "k": Decimal("1e3"), "M": Decimal("1e6"), "G": Decimal("1e9"), "T": Decimal("1e12"),
    "P": Decimal("1e15"), "E": Decimal("1e18"), "Ki": Decimal(2**10), "Mi": Decimal(2**20),
    "Gi": Decimal(2**30), "Ti": Decimal(2**40), "Pi": Decimal(2**50), "Ei": Decimal(2**60),
}  # fmt: skip


MAX_QUANTITY_CHARS = 32


def canonical_quantity(value: object) -> object:
    """One form for equal quantities (the API writes ``1000m`` back as ``1``); else the value."""
    text = str(value) if isinstance(value, int) else value
    if not isinstance(text, str) or len(text) > MAX_QUANTITY_CHARS:
        return value
    digits = text.rstrip("numkMGTPEi")
    try:
        return str((Decimal(digits) * SUFFIXES[text[len(digits) :]]).normalize())
    except (ArithmeticError, KeyError):
        return value
