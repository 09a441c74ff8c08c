"""Who has to act on a failure. By itself, so that a program can say it without all types."""

from enum import StrEnum


class FailureClass(StrEnum):
    """Who has to act: the user, or somebody else, or nobody because it is tried again."""

    USER = "User"
    DEPENDENCY = "Dependency"
    NETWORK = "Network"
    AUTH = "Auth"
    RESOURCE = "Resource"
    INFRASTRUCTURE = "Infrastructure"
    UNKNOWN = "Unknown"
