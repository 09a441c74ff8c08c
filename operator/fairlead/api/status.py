"""What all three kinds say of themselves: conditions, one failure, strings for the columns."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BeforeValidator, Field, PlainSerializer

from fairlead.api.wire import StatusWire


def _clip(most: int) -> BeforeValidator:
    """A text that is too long for the schema is cut: what is written must not be refused."""
    return BeforeValidator(
        lambda text: f"{text[: most - 1]}…" if isinstance(text, str) and len(text) > most else text
    )


Text = Annotated[str, _clip(256), Field(max_length=256)]
Message = Annotated[str, _clip(4096), Field(max_length=4096)]
LOG_TAIL_BYTES = 4096
Timestamp = Annotated[
    datetime,
    PlainSerializer(lambda at: at.strftime("%Y-%m-%dT%H:%M:%SZ"), return_type=str),
]
NEVER = "1970-01-01T00:00:00Z"


class Truth(StrEnum):
    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class FailureClass(StrEnum):
    """Who has to act: the user, or somebody else, or nobody because it is tried again."""

    USER = "User"
    DEPENDENCY = "Dependency"
    NETWORK = "Network"
    AUTH = "Auth"
    RESOURCE = "Resource"
    INFRASTRUCTURE = "Infrastructure"
    UNKNOWN = "Unknown"


class ConditionStatus(StatusWire):
    """``metav1.Condition`` on the wire."""

    type: Annotated[str, Field(max_length=64)]
    status: Truth
    reason: Annotated[str, Field(max_length=64)]
    message: Message = ""
    observed_generation: Annotated[int, Field(ge=0)] | None = None
    last_transition_time: Timestamp


class FailureStatus(StatusWire):
    """Why it does not work, what to do about it, and where to look. Absent when all is well."""

    reason: Annotated[str, Field(max_length=64)]
    class_: Annotated[FailureClass, Field(alias="class")]
    message: Message
    remedy: Message | None = None
    location: Text | None = None
    container: Text | None = None
    pod: Text | None = None
    affected: Text | None = None
    exit_code: int | None = None
    restarts: Annotated[int, Field(ge=0)] | None = None
    since: Timestamp | None = None
    next_retry_at: Timestamp | None = None
    log_tail: Message | None = None
    log_uri: Annotated[str, Field(max_length=512)] | None = None


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
    conditions: Conditions = ()
    failure: FailureStatus | None = None
