"""The script of the soak: it does as its request says."""

import json
import os
import time
from typing import Any


def init() -> None:
    pass


def run(data: str) -> int:
    order: dict[str, Any] = json.loads(data)
    if "sleep" in order:
        time.sleep(order["sleep"])
    if "raise" in order:
        raise ValueError(order["raise"])
    if "exit" in order:
        os._exit(order["exit"])
    if "text" in order:
        return len(order["text"])
    return sum(order["data"])
