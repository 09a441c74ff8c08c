"""``ResourceConfiguration``: what a model needs; it is kept, and decides nothing."""

from dataclasses import dataclass


@dataclass
class ResourceConfiguration:
    cpu: float | None = None
    memory_in_gb: float | None = None
    gpu: int | None = None
