"""Environment variables that users set, and those that they must not: one table of both.

The API server checks the rules (CEL), and the types check them once more: an object that was stored
before a rule existed passes the API server unseen. ``docs/variables.md`` has the same tables.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from fairlead.api.fields import EnvironmentVariables
from fairlead.api.wire import rules

QUEUE_WAIT = "FAIRLEAD_MAX_QUEUE_WAIT_MS"
SLOTS, WORKER_COUNT = "FAIRLEAD_MAX_CONCURRENT_REQUESTS", "WORKER_COUNT"
MAX_BODY_MB, BODY_SECONDS = "FAIRLEAD_MAX_BODY_MB", "FAIRLEAD_BODY_SECONDS"
PREFIX = "FAIRLEAD_"  # the runtime's own settings
MAX_DIGITS = 10

OURS = {
    "AML_APP_ROOT": "it says where the image has the source",
    "AZUREML_ENTRY_SCRIPT": "use spec.entryScript of the InferenceImage",
    "AZUREML_MODEL_DIR": "it follows from spec.models of the InferenceImage",
    "SERVICE_NAME": "it is the Webservice's name",
    "SCORING_TIMEOUT_MS": "use spec.scoringTimeoutMilliseconds of the Webservice",
    "SERVER_PORT": "the runtime sets it for the script",
    "FAIRLEAD_PORT": "the Service and the probes reach the pod at port 5001",
    "FAIRLEAD_DRAIN_SECONDS": "the pod's grace period is made for it",
    "FAIRLEAD_KEYS_DIR": "use spec.auth.enabled of the Webservice",
    "FAIRLEAD_TERMINATION_LOG": "Kubernetes reads there why a container ended",
}
"""What Fairlead sets, and why nobody else may."""

OF_THE_WEBSERVICE = {QUEUE_WAIT: "set it in spec.environmentVariables of the Webservice"}
"""What an InferenceImage cannot set: the Webservice has a value of its own."""


@dataclass(frozen=True)
class WholeNumber:
    """``but``: a number between the bounds that is taken."""

    minimum: int
    maximum: int
    but: int | None = None

    @property
    def words(self) -> str:
        but = "" if self.but is None else f", other than {self.but}"
        return f"a whole number from {self.minimum} to {self.maximum}{but}"

    def accepts(self, text: str) -> bool:
        digits = text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS
        return digits and self.minimum <= int(text) <= self.maximum and int(text) != self.but

    def rule(self, value: str) -> str:
        """CEL; the pattern keeps int() from failing."""
        number = f"int({value})"
        bounds = f"{number} >= {self.minimum} && {number} <= {self.maximum}"
        but = "" if self.but is None else f" && {number} != {self.but}"
        return f"{value}.matches('^[0-9]{{1,{MAX_DIGITS}}}$') && {bounds}{but}"


@dataclass(frozen=True)
class Seconds:
    minimum: float
    maximum: float

    @property
    def words(self) -> str:
        return f"a number of seconds from {self.minimum:g} to {self.maximum:g}, such as 2.5"

    def accepts(self, text: str) -> bool:
        whole, dot, rest = text.partition(".")
        parts = [whole, rest] if dot else [whole]
        digits = all(p.isascii() and p.isdecimal() and len(p) <= MAX_DIGITS for p in parts)
        return digits and self.minimum <= float(text) <= self.maximum

    def rule(self, value: str) -> str:
        number, digits = f"double({value})", f"[0-9]{{1,{MAX_DIGITS}}}"
        bounds = f"{number} >= {float(self.minimum)} && {number} <= {float(self.maximum)}"
        return f"{value}.matches('^{digits}([.]{digits})?$') && {bounds}"


@dataclass(frozen=True)
class OneOf:
    values: tuple[str, ...]

    @property
    def words(self) -> str:
        return " or ".join(self.values)

    def accepts(self, text: str) -> bool:
        return text in self.values

    def rule(self, value: str) -> str:
        return f"{value} in {_cel_list(self.values)}"


def _cel_list(texts: Iterable[str]) -> str:
    return f"[{', '.join(repr(text) for text in texts)}]"


Value = WholeNumber | Seconds | OneOf
MAX_PORT, SCORING_PORT = 65_535, 5001
HOUR_S = 3600
VALUES: Mapping[str, Value] = {
    WORKER_COUNT: WholeNumber(1, 1000),
    "HEALTH_PORT": WholeNumber(1, MAX_PORT, but=SCORING_PORT),
    "AZUREML_DEBUG_PORT": WholeNumber(1, MAX_PORT),
    SLOTS: WholeNumber(1, 1000),
    "FAIRLEAD_SLOT_MODE": OneOf(("process", "thread")),
    QUEUE_WAIT: WholeNumber(0, HOUR_S * 1000),
    "FAIRLEAD_QUEUE_LIMIT": WholeNumber(0, 1_000_000),
    MAX_BODY_MB: WholeNumber(1, 1_048_576),
    "FAIRLEAD_BODY_BUDGET_MB": WholeNumber(1, 1_048_576),
    "FAIRLEAD_HEAD_SECONDS": Seconds(0.1, HOUR_S),
    BODY_SECONDS: Seconds(0.1, HOUR_S),
    "FAIRLEAD_WRITE_SECONDS": Seconds(0.1, HOUR_S),
    "FAIRLEAD_METRICS_PORT": WholeNumber(1, MAX_PORT, but=SCORING_PORT),
    "FAIRLEAD_INIT_WARNING_SECONDS": Seconds(0.1, HOUR_S),
    "FAIRLEAD_DEBUG": OneOf(("true", "false")),
    "FAIRLEAD_DEBUG_PORT": WholeNumber(0, MAX_PORT, but=SCORING_PORT),
    "FAIRLEAD_DEBUG_WAIT_SECONDS": Seconds(0, HOUR_S),
}
"""Settings of the runtime that users may change, and what each may be."""


def cel_rules(refused: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """CEL rules with their messages; ``refused`` maps names to the reason why."""
    for name, why in refused.items():
        yield f"!('{name}' in self)", f"{name} is set by Fairlead: {why}"
    ours = sorted(name for name in {*VALUES, *refused} if name.startswith(PREFIX))
    known = f"!name.startsWith('{PREFIX}') || name in {_cel_list(ours)}"
    message = f"a name that begins with {PREFIX} must be one of the runtime's settings"
    yield f"self.all(name, {known})", message
    for name, value in VALUES.items():
        if name not in refused:
            rule = value.rule(f"self['{name}']")
            yield f"!('{name}' in self) || ({rule})", f"{name} must be {value.words}"


def problems(variables: Mapping[str, str], refused: Mapping[str, str]) -> Iterator[str]:
    """What the rules have against ``variables``, a sentence for each."""
    for name, text in variables.items():
        if name in refused:
            yield f"{name} is set by Fairlead: {refused[name]}"
        elif name in VALUES:
            if not VALUES[name].accepts(text):
                yield f"{name} must be {VALUES[name].words}"
        elif name.startswith(PREFIX):
            yield f"{name} is none of the runtime's settings: docs/variables.md lists them"


def _checked(refused: Mapping[str, str]) -> AfterValidator:
    def check(variables: dict[str, str]) -> dict[str, str]:
        found = "; ".join(problems(variables, refused))
        if found:
            raise PydanticCustomError("variables", "{problems}", {"problems": found})
        return variables

    return AfterValidator(check)


OF_IMAGES = {**OURS, **OF_THE_WEBSERVICE}
WebserviceVariables = Annotated[
    EnvironmentVariables, Field(json_schema_extra=rules(*cel_rules(OURS))), _checked(OURS)
]
ImageVariables = Annotated[
    EnvironmentVariables, Field(json_schema_extra=rules(*cel_rules(OF_IMAGES))), _checked(OF_IMAGES)
]
