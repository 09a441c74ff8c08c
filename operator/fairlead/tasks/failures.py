"""Errors that a task may meet, told as the failure that its result carries. Pure."""

import errno
from collections.abc import Mapping

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.contract import TaskFailure
from fairlead.registry.errors import (
    NotInRegistryError,
    RegistryDeniedError,
    RegistryError,
    RegistryFaultError,
    RegistryRefusedError,
    RegistryUnreachableError,
    TagTakenError,
)
from fairlead.sources.base import SourceError

DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


REGISTRY: Mapping[type[RegistryError], tuple[Reason, FailureClass, str]] = {
    RegistryDeniedError: (
        Reason.REGISTRY_DENIED,
        FailureClass.AUTH,
        "Fairlead uses no credentials yet: let {host} accept it without, or choose another "
        "registry (spec.repository, or FAIRLEAD_REGISTRY of the operator). It is tried again.",
    ),
    RegistryUnreachableError: (
        Reason.REGISTRY_UNREACHABLE,
        FailureClass.NETWORK,
        "Nothing to change in your objects: it is tried again. See that {host} runs and that the "
        "operator's machine reaches it.",
    ),
    TagTakenError: (
        Reason.VERSION_TAKEN,
        FailureClass.DEPENDENCY,
        "Nothing to do: the next version is taken. If this goes on, two objects or two clusters "
        "push to the same repository: let each have its own.",
    ),
    NotInRegistryError: (
        Reason.REGISTRY_FAULT,
        FailureClass.INFRASTRUCTURE,
        "Something that was stored in {host} is gone; it is looked for again. If it was deleted by "
        "hand, delete the object that had stored it and create it again.",
    ),
    RegistryFaultError: (
        Reason.REGISTRY_FAULT,
        FailureClass.INFRASTRUCTURE,
        "See that {host} is a container registry; its own log tells more. It is tried again.",
    ),
}


class TaskFailedError(Exception):
    """The task cannot succeed; ``failure`` says why, in the user's words."""

    def __init__(self, failure: TaskFailure) -> None:
        super().__init__(failure.message)
        self.failure = failure


def failure_of(error: Exception) -> TaskFailure | None:
    """Return the failure that an error means; None for one that nobody expected."""
    if isinstance(error, TaskFailedError):
        return error.failure
    if isinstance(error, SourceError):
        return _source_failure(error)
    if isinstance(error, RegistryError):
        return registry_failure(error)
    if isinstance(error, OSError) and error.errno in DISK_FULL:
        return FULL_DISK
    return None


def registry_failure(error: RegistryError) -> TaskFailure:
    """What a registry's answer means to the user whose model or image it concerns.

    Most are tried again: the remedy is outside the object, so nobody would tell us.
    """
    if isinstance(error, RegistryRefusedError):
        return _refused(error)
    reason, class_, remedy = REGISTRY[type(error)]
    return TaskFailure(
        reason=reason,
        class_=class_,
        message=str(error),
        remedy=remedy.format(host=error.host),
        retryable=True,
    )


def _refused(error: RegistryRefusedError) -> TaskFailure:
    where = (
        "Name another registry in spec.baseImage or spec.repository; if it is the operator's own, "
        "ask whoever runs Fairlead."
    )
    return TaskFailure(
        reason=Reason.REGISTRY_REFUSED,
        class_=FailureClass.USER,
        message=str(error),
        remedy=f"{where} {error.remedy}",
        retryable=not error.lasting,
    )


def _source_failure(error: SourceError) -> TaskFailure:
    return TaskFailure(
        reason=error.reason,
        class_=error.class_,
        message=str(error),
        remedy=error.remedy,
        retryable=error.retryable,
    )


FULL_DISK = TaskFailure(
    reason=Reason.OUT_OF_DISK,
    class_=FailureClass.RESOURCE,
    message="There is no space left on the disk where the task works.",
    remedy="Make room in FAIRLEAD_STATE_FOLDER of the operator, or point it at a larger disk; "
    "where tasks are Jobs, make room on the node. It is tried again.",
    retryable=True,
)
CANCELLED = TaskFailure(
    reason=Reason.TASK_INTERRUPTED,
    class_=FailureClass.INFRASTRUCTURE,
    message="The task was cancelled before it was done.",
    remedy="It is started again if it is still wanted.",
    retryable=True,
)
