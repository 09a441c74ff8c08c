"""Statuses as the operator writes them."""

from typing import Any

FAILURE: dict[str, Any] = {
    "reason": "ModelFileNotFound",
    "class": "User",
    "message": "init() raised ModelNotFoundException at score.py:12: no model 'a.pkl' here.",
    "remedy": "Correct the name in score.py:12 (did you mean 'b.pkl'?).",
    "location": "score.py:12",
    "container": "scoring",
    "affected": "2 of 2",
    "exitCode": 3,
    "restarts": 4,
    "logTail": "Traceback (most recent call last):\n  boom",
}


def conditions(*several: tuple[str, str, str, str]) -> list[dict[str, Any]]:
    at = "2026-01-01T00:01:00Z"
    return [
        {"type": t, "status": s, "reason": r, "message": m, "lastTransitionTime": at}
        for t, s, r, m in several
    ]


def ready(truth: str = "True", reason: str = "Serving", message: str = "", **more: Any) -> Any:
    """A status of the generation 1."""
    stalled = more.pop("stalled", False)
    said = [("Ready", truth, reason, message)]
    said += [("Stalled", "True", reason, message)] if stalled else []
    return {"observedGeneration": 1, "conditions": conditions(*said), **more}
