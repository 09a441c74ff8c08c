"""A spike: a load that needs twice the replicas that there are. Pure.

Kubernetes' autoscaler looks every 15 s. For a minute, the replicas that a spike needs are the
fewest that there may be: long enough for the autoscaler to see the load itself, and then it decides
alone again.
"""

import math
from dataclasses import dataclass

SPIKE = 2  # times the replicas that there are
HOLD_S = 60.0


@dataclass(frozen=True)
class Lane:
    """A Webservice that asks for it: how many requests each replica is to have, how many replicas
    there may be, and how many its Deployment has been told to have."""

    each: float
    most: int
    current: int


@dataclass(frozen=True)
class Floor:
    """The fewest replicas there may be until then, by a monotonic clock."""

    replicas: int
    until_s: float


def next_floor(
    before: Floor | None, demand: float | None, lane: Lane, now_s: float
) -> Floor | None:
    """From the one before and what is demanded now (None: not known). It never falls before its
    time, only another spike raises it, and one that has ended is gone."""
    held = before if before is not None and now_s < before.until_s else None
    if demand is None or lane.current <= 0:
        return held
    needed = math.ceil(round(demand / lane.each, 9))
    wanted = min(needed, lane.most)
    is_more = wanted > max(lane.current, held.replicas if held else 0)
    if needed >= SPIKE * lane.current and is_more:
        return Floor(wanted, now_s + HOLD_S)
    return held
