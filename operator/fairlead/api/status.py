"""What all three kinds say of themselves: conditions, one failure, strings for the columns."""

from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
)

from fairlead.api.failure_class import FailureClass as FailureClass
from fairlead.api.wire import StatusWire
from fairlead.redact import one_line, redacted

MAX_CACHED_TEXTS, MAX_CACHED_CHARS = 2048, 512  # the same few words are said of many objects
_cached_line = lru_cache(MAX_CACHED_TEXTS)(one_line)


def _line(most: int) -> BeforeValidator:
    """Whoever wrote it: without secrets and control characters, on one line, and cut where it is
    too long for the schema, for what is written must not be refused."""

    def line(text: object) -> object:
        if not isinstance(text, str):
            return text
        shown = _cached_line(text) if len(text) <= MAX_CACHED_CHARS else one_line(text)
        return shown if len(shown) <= most else f"{shown[: most - 1]}…"

    return BeforeValidator(line)


def _utc(at: datetime) -> datetime:
    """In UTC, so that it can be written with a Z, and compared with any other."""
    try:
        moment = at.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("must be a time that can be written in UTC") from error
    if moment.year < EPOCH_YEAR:
        raise ValueError("must not be earlier than 1970")
    return moment


EPOCH_YEAR = 1970
LOG_TAIL_BYTES = 4096
Text = Annotated[str, _line(256), Field(max_length=256)]
Cell = Annotated[str, _line(16), Field(max_length=16)]
"""What a column of ``kubectl get`` shows."""
Message = Annotated[str, _line(4096), Field(max_length=4096)]
LogTail = Annotated[
    str,
    BeforeValidator(lambda text: redacted(text, 4096) if isinstance(text, str) else text),
    Field(max_length=4096),
]
Timestamp = Annotated[
    AwareDatetime,
    AfterValidator(_utc),
    PlainSerializer(lambda at: at.strftime("%Y-%m-%dT%H:%M:%SZ"), return_type=str),
]
NEVER = "1970-01-01T00:00:00Z"


class Truth(StrEnum):
    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class ConditionStatus(StatusWire):
    """``metav1.Condition`` on the wire."""

    type: Annotated[str, Field(min_length=1, max_length=64)]
    """What the condition is about, such as Ready."""
    status: Truth
    """True, False or Unknown."""
    reason: Annotated[str, Field(min_length=1, max_length=64)]
    """One word for why; docs/reasons.md lists them all."""
    message: Message = ""
    """The same in a sentence."""
    observed_generation: Annotated[int, Field(ge=0)] | None = None
    """The metadata.generation that it is about."""
    last_transition_time: Timestamp
    """When the condition became or ceased to be true."""


class FailureStatus(StatusWire):
    """Why it does not work, what to do about it, and where to look. Absent when all is well."""

    model_config = ConfigDict(revalidate_instances="always")  # also what ``model_copy`` put in

    reason: Annotated[str, Field(min_length=1, max_length=64)]
    """The reason of the condition that it explains; docs/reasons.md lists them all."""
    class_: Annotated[FailureClass, Field(alias="class")]
    message: Message
    """What happened."""
    remedy: Message | None = None
    """What to do about it."""
    location: Text | None = None
    """Where: a file and line of yours, or a field of the spec."""
    container: Text | None = None
    """The container that failed."""
    pod: Text | None = None
    """The pod that failed; where several did, one of them."""
    affected: Text | None = None
    """How many replicas it concerns, such as 1 of 2."""
    exit_code: int | None = None
    """The exit code of the container."""
    restarts: Annotated[int, Field(ge=0)] | None = None
    """How many times the container was restarted."""
    since: Timestamp | None = None
    """Since when it is so."""
    next_retry_at: Timestamp | None = None
    """When it is tried again by itself; absent where it is not."""
    log_tail: LogTail | None = None
    """The end of the log, without what looks like a secret."""
    log_uri: Annotated[str, Field(max_length=512)] | None = None
    """Where the whole log can be read."""


Conditions = Annotated[
    tuple[ConditionStatus, ...],
    Field(
        max_length=16,
        json_schema_extra={
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["type"],
        },
    ),
]


class CommonStatus(StatusWire):
    """The part of status that is alike for all three kinds."""

    observed_generation: Annotated[int, Field(ge=0)] | None = None
    """The metadata.generation that this status is about."""
    conditions: Conditions = ()
    """One for each step, and Ready, which repeats the step that counts. Wait for it with `kubectl
    wait --for=condition=Ready`."""
    failure: FailureStatus | None = None


Status = TypeVar("Status", bound=CommonStatus)
SHOWN_ONLY = ("conditions", "failure")  # nothing is decided by them


def read_status(type_: type[Status], status: object) -> Status:
    """Return a status as it was written last, perhaps by another version of Fairlead or by hand.

    One that cannot be read is a lost one, and counts as empty: what it held is found again by
    looking. Conditions and failure, which only show what was found, are given up first.
    """
    whole = status if isinstance(status, dict) else {}
    needed = {key: value for key, value in whole.items() if key not in SHOWN_ONLY}
    for content in (whole, needed):
        try:
            return type_.model_validate(content)
        except ValidationError:
            continue
    return type_()
