"""What an object says of itself, and what that means for whoever waits for it. Pure.

An object's status is read as it is, by whatever version of Fairlead it was written.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from fairlead.api.failure_class import FailureClass
from fairlead.api.reasons import Reason
from fairlead.finding import Finding
from fairlead.local.errors import LocalError
from fairlead.redact import one_line, redacted

MAX_WORD_CHARS = 64
MAX_LOG_CHARS = 4096
PENDING = "Pending"


class Verdict(StrEnum):
    """What to expect of an object."""

    READY = "ready"
    FAILED = "failed"
    WAITING = "waiting"


@dataclass(frozen=True)
class Said:
    """One condition."""

    type: str
    truth: str
    reason: str
    message: str = ""


@dataclass(frozen=True)
class State:
    """An object's status, as far as people look at it."""

    kind: str
    name: str
    generation: int
    observed: int
    """The generation that the status is about; 0 before the operator has looked."""
    conditions: tuple[Said, ...] = ()
    failure: Mapping[str, Any] = field(default_factory=dict)

    def of(self, type_: str) -> Said:
        for one in self.conditions:
            if one.type == type_:
                return one
        return Said(type_, "Unknown", PENDING)

    @property
    def ready(self) -> Said:
        return self.of("Ready")

    @property
    def verdict(self) -> Verdict:
        """About the newest spec alone: what is said of an earlier one does not count."""
        if self.observed < self.generation:
            return Verdict.WAITING
        if self.of("Stalled").truth == "True":
            return Verdict.FAILED
        return Verdict.READY if self.ready.truth == "True" else Verdict.WAITING


def state_of(manifest: Mapping[str, Any]) -> State:
    """Whatever is not as it should be counts as not said."""
    metadata, status = mapping(manifest.get("metadata")), mapping(manifest.get("status"))
    return State(
        kind=word(manifest.get("kind")),
        name=word(metadata.get("name")),
        generation=number(metadata.get("generation")),
        observed=number(status.get("observedGeneration")),
        conditions=tuple(
            Said(
                word(one.get("type")),
                word(one.get("status")),
                word(one.get("reason")),
                one_line(str(one.get("message") or "")),
            )
            for one in mappings(status.get("conditions"))
        ),
        failure=mapping(status.get("failure")),
    )


def failure_fields(failure: Mapping[str, Any]) -> dict[str, str]:
    """``status.failure`` in texts that a terminal can be trusted with; empty where all is well."""
    found = {
        name: one_line(str(content))
        for name, content in failure.items()
        if isinstance(content, str | int) and name != "logTail"
    }
    if not found.get("reason"):
        return {}
    tail = redacted(str(failure.get("logTail") or ""), MAX_LOG_CHARS)
    return {"message": "", **found, **({"logTail": tail} if tail else {})}


def failed(state: State) -> LocalError:
    """The operator's own finding, to be raised."""
    found, ready = failure_fields(state.failure), state.ready
    reason = found.get("reason") or ready.reason
    whose = f"{state.kind} '{state.name}'"
    classes = list(FailureClass)
    class_ = found.get("class", "")
    error = LocalError(
        Finding(
            Reason(reason) if reason in list(Reason) else Reason.REJECTED,
            FailureClass(class_) if class_ in classes else FailureClass.USER,
            f"{whose}: {found.get('message') or ready.message or reason}",
            found.get("remedy"),
            found.get("location"),
        ),
        found.get("logTail", ""),
    )
    error.fields = dict(found)
    return error


def mapping(content: object) -> Mapping[str, Any]:
    return content if isinstance(content, Mapping) else {}


def mappings(content: object) -> Sequence[Mapping[str, Any]]:
    several = content if isinstance(content, list) else []
    return [one for one in several if isinstance(one, Mapping)]


def number(content: object) -> int:
    return content if isinstance(content, int) else 0


def name_in(content: object) -> str:
    """An object's name as it stands there, to be looked up; empty for what is no text."""
    return content if isinstance(content, str) else ""


def word(content: object) -> str:
    """A text for one cell; what is long is cut, so it is for people alone."""
    shown = one_line(str(content if content is not None else ""))
    return shown if len(shown) <= MAX_WORD_CHARS else f"{shown[:MAX_WORD_CHARS]}…"


def line(content: object) -> str:
    """A text for one line, of any length that a status has."""
    return one_line(str(content if content is not None else ""))
