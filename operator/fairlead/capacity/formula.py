"""How many replicas a load needs: the calculation of Azure ML v1's guide. Pure."""

import math

PERCENT = 100


def needed_replicas(
    requests_per_second: float, seconds: float, utilization: float, at_once: int = 1
) -> int:
    """Replicas for a rate of requests that each take ``seconds``, where each replica works on
    ``at_once`` of them and is to be busy for ``utilization`` percent of the time."""
    concurrent = requests_per_second * seconds / (utilization / PERCENT)
    return max(1, math.ceil(round(concurrent / at_once, 9)))
