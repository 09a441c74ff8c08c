"""How our types look on the wire: camelCase, frozen; CEL rules beside the field they guard."""

from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel
from pydantic.config import JsonDict

VALIDATIONS = "x-kubernetes-validations"


class Wire(BaseModel):
    """What is read from and written to the API. Unknown fields are refused."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        frozen=True,
        defer_build=True,  # most programs use few of them
    )

    def to_wire(self) -> dict[str, Any]:
        """The dictionary the API takes: camelCase, without what is not set."""
        return self.model_dump(by_alias=True, exclude_none=True, mode="json")


class StatusWire(Wire):
    """What we wrote ourselves, perhaps by another version of us: what is unknown is ignored."""

    model_config = ConfigDict(extra="ignore")


def rules(*pairs: tuple[str, str]) -> JsonDict:
    """CEL rules as ``(rule, message)``, for ``json_schema_extra`` of a model or a field.

    The API server checks them; their language is described at
    https://kubernetes.io/docs/reference/using-api/cel/.
    """
    return {VALIDATIONS: [{"message": message, "rule": rule} for rule, message in pairs]}
