"""Errors that a task may meet, told as the failure that its result carries. Pure."""

import errno
from collections.abc import Mapping

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.contract import TaskFailure
from fairlead.finding import Finding
from fairlead.registry.errors import (
    BodyLimitError,
    CredentialsInvalidError,
    CredentialsMissingError,
    CredentialsRefusedError,
    NotInRegistryError,
    RegistryDeniedError,
    RegistryError,
    RegistryFaultError,
    RegistryFullError,
    RegistryReadOnlyError,
    RegistryRefusedError,
    RegistryTlsError,
    RegistryUnreachableError,
    RegistryUntrustedError,
    RepositoryNotFoundError,
    TagTakenError,
    WrongPlatformError,
)
from fairlead.sources.base import SourceError


def failure(finding: Finding, log_tail: str | None = None) -> TaskFailure:
    """A finding as what a result carries."""
    return TaskFailure(
        reason=finding.reason,
        class_=finding.class_,
        message=finding.message,
        remedy=finding.remedy,
        location=finding.location,
        requirement=finding.requirement,
        log_tail=log_tail,
        retryable=finding.retryable,
    )


DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


ASK = "(docs/install.md, Registries)"
REGISTRY: Mapping[type[RegistryError], tuple[Reason, FailureClass, str]] = {
    CredentialsMissingError: (
        Reason.REGISTRY_AUTH,
        FailureClass.AUTH,
        "Make a Secret with credentials for {host} with `kubectl create secret docker-registry` "
        f"{ASK} and name it in spec.pushSecretRef of the InferenceImage; for models, and for the "
        "operator's own registry, it is the Secret that FAIRLEAD_REGISTRY_SECRET of the operator "
        "names. It is tried again.",
    ),
    CredentialsRefusedError: (
        Reason.REGISTRY_AUTH,
        FailureClass.AUTH,
        "See that what was shown to {host} is right, has not expired, and has the right that is "
        f"asked for {ASK}. It is tried again.",
    ),
    RegistryDeniedError: (
        Reason.REGISTRY_DENIED,
        FailureClass.AUTH,
        "Give whoever the credentials belong to this right in {host}, or use others "
        f"{ASK}. It is tried again.",
    ),
    CredentialsInvalidError: (
        Reason.CREDENTIALS_INVALID,
        FailureClass.USER,
        "Make it again with `kubectl create secret docker-registry --docker-server={host} …` "
        f"{ASK}. It is tried again.",
    ),
    RepositoryNotFoundError: (
        Reason.REPOSITORY_NOT_FOUND,
        FailureClass.DEPENDENCY,
        "Make the repository, or the project that it belongs to, in {host} first, or let {host} "
        "make them on push. Some registries say the same where a right is missing. It is tried "
        "again.",
    ),
    RegistryFullError: (
        Reason.REGISTRY_FULL,
        FailureClass.RESOURCE,
        "Make room in {host}, or have its quota raised. It is tried again.",
    ),
    RegistryReadOnlyError: (
        Reason.REGISTRY_READ_ONLY,
        FailureClass.DEPENDENCY,
        "Ask whoever runs {host} until when it takes nothing, or push to another one "
        "(spec.repository, or FAIRLEAD_REGISTRY of the operator): a mirror or a cache never takes "
        "anything. It is tried again.",
    ),
    BodyLimitError: (
        Reason.REGISTRY_BODY_LIMIT,
        FailureClass.INFRASTRUCTURE,
        "Raise the limit of the proxy before {host} (nginx: client_max_body_size 0), or reach the "
        "registry without it (FAIRLEAD_REGISTRY_PUSH of the operator). It is tried again.",
    ),
    RegistryUntrustedError: (
        Reason.REGISTRY_UNTRUSTED,
        FailureClass.INFRASTRUCTURE,
        "Whoever runs Fairlead: add the authority that signed the certificate of {host} to "
        "FAIRLEAD_CA_BUNDLE (of the chart: caBundle); the nodes need it, too. If the name is wrong "
        "or the certificate has expired, renew it. It is tried again.",
    ),
    RegistryTlsError: (
        Reason.REGISTRY_TLS,
        FailureClass.INFRASTRUCTURE,
        "FAIRLEAD_INSECURE_HOSTS of the operator names the hosts that are spoken to without TLS: "
        "add {host} if it has none, or remove it if it has. It is tried again.",
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
    WrongPlatformError: (
        Reason.REGISTRY_FAULT,
        FailureClass.INFRASTRUCTURE,
        "Something that was stored in {host} was made on another kind of machine: let all tasks "
        "run on nodes of one architecture. It is tried again.",
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
