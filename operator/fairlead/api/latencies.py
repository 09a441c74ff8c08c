"""How fast requests were answered, and the numbers that are measured with it."""

from typing import Annotated

from pydantic import Field

from fairlead.api.wire import StatusWire

Rounded = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0, le=10_000_000)]


class Latencies(StatusWire):
    """Milliseconds from a request to the end of its answer, as a client beside the server sees it;
    percentiles by nearest rank."""

    mean: Rounded
    """The average."""
    p50: Rounded
    """What half of them did not exceed."""
    p90: Rounded
    """What 90 % did not exceed."""
    p95: Rounded
    """What 95 % did not exceed."""
    p99: Rounded
    """What 99 % did not exceed."""
    p999: Rounded
    """What 99.9 % did not exceed."""
    highest: Rounded
    """The slowest."""
