"""What the status of a Webservice says of its load."""

from typing import Annotated

from pydantic import Field

from fairlead.api.wire import StatusWire

Sentence = Annotated[str, Field(max_length=512)]
Rounded = Annotated[float, Field(ge=0)]


class Capacity(StatusWire):
    """What requests did in the last minute, rounded, and how many replicas they need."""

    requests_per_second: Rounded = 0.0
    """Those that were refused, too."""
    peak_requests_per_second: Rounded = 0.0
    """The highest rate of a minute, in the last day or since the operator began."""
    run_seconds_p95: Rounded | None = None
    """What 95 % of the runs stayed below."""
    utilization_percent: Annotated[int, Field(ge=0)] = 0
    """Requests that run or wait, of the slots of all ready replicas."""
    queued: Annotated[int, Field(ge=0)] = 0
    """Requests that wait."""
    refused_per_minute: Rounded = 0.0
    """Requests that got 503 for want of a replica."""
    refused_percent: Rounded = 0.0
    """The same, of all."""
    refused_because: Annotated[str, Field(max_length=32)] | None = None
    """The cause of most 503: at_max_replicas, unschedulable (no node takes a replica), starting, or
    queue_timeout."""
    recommended_min_replicas: Annotated[int, Field(ge=1)] | None = None
    """By the calculation of Azure ML v1's guide."""
    recommended_max_replicas: Annotated[int, Field(ge=1)] | None = None
    """The same for the peak, and half as many again."""
    arithmetic: Sentence | None = None
    """The calculation."""
    advice: Sentence | None = None
    """What is wrong, if anything is."""
    change: Annotated[str, Field(max_length=128)] | None = None
    """The one field to change, and to what."""
