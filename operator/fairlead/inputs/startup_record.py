"""What the scoring server leaves behind when it cannot start, read from the termination message.

The format is ``fairlead.dev/startup-failure/v1``; ``tests/contract/startup-record.json`` is the
example that the tests of the scoring runtime and ours share.
"""

from typing import Annotated

from pydantic import Field, ValidationError

from fairlead.api.wire import StatusWire

SCHEMA = "fairlead.dev/startup-failure/v1"
Short = Annotated[str, Field(max_length=4096)]


class Cause(StatusWire):
    exception: Short
    message: Short = ""


class Location(StatusWire):
    file: Short
    line: int
    function: Short = ""
    code: Short = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class KnownModel(StatusWire):
    """A model that lies in the image."""

    name: Short
    versions: tuple[int, ...] = ()


class StartupRecord(StatusWire):
    schema_: Annotated[Short, Field(alias="schema")]
    stage: Short
    exception: Short
    message: Short = ""
    causes: tuple[Cause, ...] = ()
    location: Location | None = None
    models: tuple[KnownModel, ...] = ()
    elapsed_seconds: float = 0.0
    traceback: Short = ""


def read_record(termination_message: str) -> StartupRecord | None:
    """Return the record, or None where the message is something else."""
    if f'"{SCHEMA}"' not in termination_message:
        return None
    try:
        record = StartupRecord.model_validate_json(termination_message)
    except ValidationError:
        return None
    return record if record.schema_ == SCHEMA else None
