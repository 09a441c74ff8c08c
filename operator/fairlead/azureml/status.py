"""What objects of the cluster say of themselves, in v1's words. Pure."""

from collections.abc import Mapping
from typing import Any

from fairlead.redact import one_line, redacted

PENDING = "Pending"
MAX_LOG_CHARS = 4096
READY, STALLED = "Ready", "Stalled"


def mapping(content: object) -> Mapping[str, Any]:
    """Whatever is not as it should be counts as not said."""
    return content if isinstance(content, Mapping) else {}


def is_seen(manifest: Mapping[str, Any]) -> bool:
    """Whether the status is about the newest spec."""
    generation = mapping(manifest.get("metadata")).get("generation") or 0
    observed = mapping(manifest.get("status")).get("observedGeneration") or 0
    return isinstance(observed, int) and isinstance(generation, int) and observed >= generation


def is_true(manifest: Mapping[str, Any], type_: str) -> bool:
    return condition(manifest, type_).get("status") == "True"


def condition(manifest: Mapping[str, Any], type_: str) -> Mapping[str, Any]:
    found = mapping(manifest.get("status")).get("conditions")
    several = found if isinstance(found, list) else []
    return next((mapping(one) for one in several if mapping(one).get("type") == type_), {})


def is_ready(manifest: Mapping[str, Any]) -> bool:
    return is_seen(manifest) and is_true(manifest, READY)


def is_failed(manifest: Mapping[str, Any]) -> bool:
    """Whether somebody must change something."""
    return is_seen(manifest) and is_true(manifest, STALLED)


def words(manifest: Mapping[str, Any]) -> str:
    """What is waited for: one line."""
    if not is_seen(manifest):
        return f"{manifest.get('kind')}: {PENDING}"
    ready = condition(manifest, READY)
    said = one_line(str(ready.get("message") or ""))
    reason = one_line(str(ready.get("reason") or PENDING))
    return f"{manifest.get('kind')}: {reason}" + (f": {said}" if said else "")


def failure_words(manifest: Mapping[str, Any]) -> str:
    """Reason, message, where, remedy and the end of the log; else what the condition says."""
    failure = mapping(mapping(manifest.get("status")).get("failure"))
    if not failure.get("reason"):
        return words(manifest)
    labels = {"Where": "location", "Remedy": "remedy"}
    lines = [f"{failure['reason']}: {failure.get('message') or ''}"]
    lines += [f"{label}: {failure[name]}" for label, name in labels.items() if failure.get(name)]
    lines = [one_line(str(line)) for line in lines]
    tail = redacted(str(failure.get("logTail") or ""), MAX_LOG_CHARS)
    return "\n".join([*lines, *(["Log:", tail] if tail else [])])
