"""Which of the two keys of a service."""

from enum import StrEnum


class Which(StrEnum):
    """v1's names."""

    PRIMARY = "primary"
    SECONDARY = "secondary"
