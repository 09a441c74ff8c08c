"""The script that every server serves: sums the integers of a request; slowly, if asked to."""

import json
import time
from typing import Any


def init() -> None:
    pass


def run(data: str) -> dict[str, int]:
    return total(json.loads(data))


def total(request: dict[str, Any]) -> dict[str, int]:
    """For servers that parse JSON themselves. ``sleep`` and ``compute`` are seconds."""
    if "sleep" in request:
        time.sleep(request["sleep"])
    if "compute" in request:
        _compute(request["compute"])
    return {"result": sum(request["data"])}


def _compute(seconds: float) -> None:
    """Use that much of a processor, however many threads share it."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass
