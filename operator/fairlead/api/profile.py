"""How much an image needs and how fast it answers: Azure ML v1's Model.profile."""

from typing import Annotated

from pydantic import Field

from fairlead.api.fields import Sha256, StoredDigest, VersionNumber
from fairlead.api.latencies import Count, Latencies, Rounded
from fairlead.api.quantity import Quantity
from fairlead.api.smoke_test import Sample
from fairlead.api.status import FailureStatus, Message, Text, Timestamp
from fairlead.api.wire import StatusWire, Wire

CPU, MEMORY, REQUESTS, SECONDS, TIMEOUT_S = "1", "2Gi", 1000, 30, 900  # where the spec says nothing


class Profile(Wire):
    """The newest good image is run under load, in a pod of its own. Without it there is none."""

    sample: Sample | None = None
    """The request that is sent again and again. Default: smokeTest.sample."""
    cpu: Quantity | None = None
    """Cores that the container is given, and no more. Quote a number with a decimal point: "0.5".
    Default: 1."""
    memory: Quantity | None = None
    """Bytes that it is given, and no more, such as 512Mi or 1Gi. Default: 2Gi."""
    gpu: Annotated[int, Field(ge=0, le=64)] = 0
    """GPUs that it is given, as nvidia.com/gpu."""
    max_concurrent_requests: Annotated[int, Field(ge=1, le=64)] = 1
    """Requests that run at the same time, each in a process of its own, as the Webservice's
    concurrency.maxConcurrentRequests."""
    requests: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """The most requests that are measured. Default: 1000."""
    seconds: Annotated[int, Field(ge=1, le=600)] | None = None
    """The longest that they are measured for. Default: 30."""
    timeout_seconds: Annotated[int, Field(ge=10, le=1800)] | None = None
    """The longest that everything may take together: the start, twice, and the requests. Profiles
    take turns. Default: 900."""


class ProfileSize(StatusWire):
    """What a container is given."""

    cpu: Text | None = None
    """Cores."""
    memory: Text | None = None
    """Bytes."""


class ProfileStatus(StatusWire):
    """What the last profile found, and why the newest attempt has failed, if it has."""

    hash: Sha256 | None = None
    """What has been tried last: image, sample, and all fields of spec.profile. It is not tried
    again before one of them changes."""
    image_digest: StoredDigest | None = None
    """The image that was measured."""
    version: VersionNumber | None = None
    """Its version then."""
    measured_at: Timestamp | None = None
    """When the measurement ended."""
    given: ProfileSize | None = None
    """What the container had."""
    recommended: ProfileSize | None = None
    """What spec.resources of a Webservice should ask for."""
    max_concurrent_requests: Count | None = None
    """How many requests ran at the same time, all the time."""
    requests: Count | None = None
    """How many were measured; what came before is not counted."""
    errors: Count | None = None
    """How many of them were answered with a status from 400 on, or not at all."""
    first_error: Text | None = None
    """The first of these."""
    restarts: Count | None = None
    """How often a process of the script ended and was started again."""
    requests_per_second: Rounded | None = None
    """Good answers in a second."""
    latency_milliseconds: Latencies | None = None
    """How long good answers took."""
    cpu_cores: Rounded | None = None
    """Cores in use, on average; absent where the node does not count them."""
    highest_cpu_cores: Rounded | None = None
    """The same, of the busiest second."""
    throttled_percent: Annotated[int, Field(ge=0, le=100)] | None = None
    """Of the periods of the CPU limit, those in which it was met."""
    memory_peak: Text | None = None
    """The most memory that was in use, start included; idle pages of files are not counted."""
    start_seconds: Rounded | None = None
    """How long the import and init() took."""
    arithmetic: Message | None = None
    """How the recommendation is calculated."""
    advice: Message | None = None
    """What makes the numbers less certain, if anything does."""
    failure: FailureStatus | None = None
    """Why the newest attempt has failed; the numbers are those of one before, if there are any."""
