"""Prometheus' text format, as far as it is needed. Pure.

What comes here was said by a tenant's pod: a line that is none is passed over, a value that is no
count is none.
"""

import math
import re
from collections import defaultdict
from collections.abc import Collection, Mapping

MAX_VALUE = 1e12  # above what any counter here can mean
MAX_LINES = 1024  # that are looked at: of these names no pod of ours has more than 100
_SERIES_LINE = re.compile(
    r"([a-z_]{1,100})(?:\{([^{}]{0,300})\})? ([0-9.eE+-]{1,40}|NaN|[+-]?Inf)(?: [0-9]{1,20})?"
)
Series = Mapping[str, Mapping[str, float]]
"""By name, and by labels as they are written (``proxy="front",code="5xx"``)."""


def series(text: str, names: Collection[str]) -> Series:
    """The series of these names; values are from 0 to ``MAX_VALUE``, others are left out."""
    found: dict[str, dict[str, float]] = defaultdict(dict)
    looked_at = 0
    wanted = tuple(names)
    for line in text.split("\n"):
        if not line.startswith(wanted):
            continue
        looked_at += 1
        if looked_at > MAX_LINES:
            break
        if taken := _SERIES_LINE.fullmatch(line):
            name, labels, value = taken.group(1), taken.group(2) or "", _number(taken.group(3))
            if name in names and value is not None:
                found[name][labels] = value
    return found


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and 0 <= value <= MAX_VALUE else None
