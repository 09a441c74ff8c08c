"""The operator's log, as people read it: one line per decision.

``10:03:11 webservice default/diabetes gen=4  applied Deployment Service``
"""

from structlog.typing import EventDict, WrappedLogger


def as_text(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    """The object first, then what was decided, then whatever else is known."""
    at, level, what = event.pop("timestamp", ""), event.pop("level", "info"), event.pop("event")
    head = [str(event.pop(key)) for key in ("kind", "object") if key in event]
    generation = event.pop("generation", None)
    about = " ".join([*head, *([f"gen={generation}"] if generation is not None else [])])
    rest = " ".join(str(value) for value in event.values())
    loud = "" if level == "info" else f"{level.upper()} "
    return f"{at} {loud}{about}{'  ' if about else ''}{what} {rest}".rstrip()
