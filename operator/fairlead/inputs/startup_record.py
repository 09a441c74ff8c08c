"""What the scoring server leaves behind when it cannot start, read from the termination message.

The format is ``fairlead.dev/startup-failure/v1``; ``tests/contract/startup-record.json`` is the
example that the tests of the scoring runtime and ours share. User code wrote parts of it: its text
is redacted and without control characters from here on, and it is one line, but for the traceback.
"""

from functools import lru_cache
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError
from pydantic_core import ErrorDetails, from_json

from fairlead.api.fields import VersionNumber
from fairlead.api.wire import StatusWire
from fairlead.redact import redacted

SCHEMA = "fairlead.dev/startup-failure/v1"
MAX_MESSAGE_CHARS = 16_384  # of the termination message; the kubelet keeps no more than 4 096 bytes
MAX_TEXT_CHARS = 4096
MAX_CACHED_RECORDS = 512
NEVER_HALF = ("schema", "stage", "exception")  # half of one says something else
DIGITS = "0123456789"


def _line(value: object) -> object:
    return " ".join(_lines(value).split()) if isinstance(value, str) else value


def _lines(value: object) -> Any:
    return redacted(value)[:MAX_TEXT_CHARS] if isinstance(value, str) else value


Line = Annotated[str, BeforeValidator(_line)]
Lines = Annotated[str, BeforeValidator(_lines)]


class Cause(StatusWire):
    exception: Line
    message: Line = ""


class Location(StatusWire):
    file: Line
    line: Annotated[int, Field(ge=0, le=10_000_000)]
    function: Line = ""
    code: Line = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class KnownModel(StatusWire):
    """A model that lies in the image."""

    name: Line
    versions: tuple[VersionNumber, ...] = ()


class StartupRecord(StatusWire):
    """``models`` is None where the record says nothing of them: it was cut before."""

    schema_: Annotated[Line, Field(alias="schema")]
    stage: Line
    exception: Line = "an exception"
    message: Line = ""
    causes: tuple[Cause, ...] = ()
    location: Location | None = None
    models: tuple[KnownModel, ...] | None = None
    elapsed_seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    traceback: Lines = ""


@lru_cache(MAX_CACHED_RECORDS)
def read_record(termination_message: str) -> StartupRecord | None:
    """Return the record as far as it goes, or None where the message is something else.

    The kubelet cuts a message that is too long at its end. What does not fit the format is left
    out, and the rest is read.
    """
    message = termination_message[:MAX_MESSAGE_CHARS]
    if f'"{SCHEMA}"' not in message:
        return None
    record = _record(_found(message))
    return record if record and record.schema_ == SCHEMA else None


def _record(found: dict[str, Any]) -> StartupRecord | None:
    try:
        return StartupRecord.model_validate(found)
    except ValidationError as error:
        return _fitting(found, error.errors(include_url=False, include_input=False))


def _found(message: str) -> dict[str, Any]:
    try:
        found = from_json(message)
    except ValueError:
        found = _cut(message)
    return found if isinstance(found, dict) else {}


def _cut(message: str) -> object:
    """What a message holds that ends anywhere. Half of a number is none; a text is read half."""
    text = message.rstrip(DIGITS)
    try:
        found = from_json(text, allow_partial="trailing-strings")
        whole = from_json(text, allow_partial=True)
    except ValueError:
        return None
    if not isinstance(found, dict) or not isinstance(whole, dict):
        return None
    last = next(reversed(found), None)
    cut = {name for name in NEVER_HALF if name not in whole} | ({"models"} & {last})
    return {name: value for name, value in found.items() if name not in cut}


def _fitting(found: dict[str, Any], wrong: list[ErrorDetails]) -> StartupRecord | None:
    """The record without the fields that are wrong, and without the items of lists that are."""
    places = {each["loc"][:2] for each in wrong}
    kept = dict[str, Any]()
    for name, value in found.items():
        if isinstance(value, list) and (name,) not in places:
            kept[name] = [item for at, item in enumerate(value) if (name, at) not in places]
        elif all(place[0] != name for place in places):
            kept[name] = value
    try:
        return StartupRecord.model_validate(kept)
    except ValidationError:
        return None
