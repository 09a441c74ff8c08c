"""Kubernetes quantities: ``100m`` of CPU, ``512Mi`` of memory; whole numbers may stand unquoted.

``cpu: 0.5`` is a float to YAML, which the API server refuses ("must be of type integer,string")
before any rule of ours is asked: the fields' descriptions say that it is to be quoted.
"""

import re
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, GetJsonSchemaHandler
from pydantic_core import CoreSchema

from fairlead.api.wire import rules

MAX_QUANTITY_CHARS = 32
MESSAGE = "must be a quantity greater than zero, such as 100m or 2 for cpu, 512Mi or 1Gi for memory"
SUFFIXES = {
    "n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3"), "": Decimal(1),
    "k": Decimal("1e3"), "M": Decimal("1e6"), "G": Decimal("1e9"), "T": Decimal("1e12"),
    "P": Decimal("1e15"), "E": Decimal("1e18"), "Ki": Decimal(2**10), "Mi": Decimal(2**20),
    "Gi": Decimal(2**30), "Ti": Decimal(2**40), "Pi": Decimal(2**50), "Ei": Decimal(2**60),
}  # fmt: skip
_FORM = re.compile(
    r"([+-]?(?:[0-9]+(?:[.][0-9]*)?|[.][0-9]+)(?:[eE][+-]?[0-9]{1,2})?)([numkMGTPE]?|[KMGTPE]i)"
)


class _IntOrString:
    """Tells the schema that ``cpu: 1`` is as good as ``cpu: "1"``."""

    def __get_pydantic_json_schema__(
        self, _core: CoreSchema, _handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {
            "x-kubernetes-int-or-string": True,
            "maxLength": MAX_QUANTITY_CHARS,
            **rules(
                (
                    "isQuantity(string(self)) && "
                    "quantity(string(self)).isGreaterThan(quantity('0'))",
                    MESSAGE,
                )
            ),
        }


def canonical_quantity(value: object) -> object:
    """One form for equal quantities (the API writes ``1000m`` back as ``1``); else the value."""
    amount = _amount(_as_text(value))
    return value if amount is None else str(amount.normalize())


def _as_text(value: object) -> object:
    """``cpu: 1`` is the text ``1``; ``cpu: true`` is not."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**15:
        return str(value)
    return value


def amount(text: str) -> Decimal:
    """How much a quantity is; nothing, where it is none."""
    return _amount(text) or Decimal(0)


def _amount(text: object) -> Decimal | None:
    if not isinstance(text, str) or len(text) > MAX_QUANTITY_CHARS:
        return None
    found = _FORM.fullmatch(text)
    if found is None:
        return None
    return Decimal(found[1]) * SUFFIXES[found[2]]


def _more_than_nothing(text: str) -> str:
    amount = _amount(text)
    if amount is None or amount <= 0:
        raise ValueError(MESSAGE)
    return text


Quantity = Annotated[
    str, BeforeValidator(_as_text), AfterValidator(_more_than_nothing), _IntOrString()
]
