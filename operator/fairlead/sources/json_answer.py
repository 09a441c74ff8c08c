"""JSON that a store answers with, read as what it is to be. It is foreign text."""

from typing import TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from fairlead.sources.answers import unreachable

Shape = TypeVar("Shape")


class Lenient(BaseModel):
    """What is of no use to us is ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)


def read_as(shape: type[Shape], body: bytes, what: str) -> Shape:
    """Raises ``SourceError``."""
    try:
        return TypeAdapter(shape).validate_json(body)
    except ValidationError as error:
        place = ".".join(map(str, error.errors()[0]["loc"]))[:80]
        where = f" (at {place})" if place else ""
        raise unreachable(f"{what} answers with what we do not understand{where}.") from error
