"""What an error of a task means to the user."""

import errno

import pytest

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.contract import TaskFailure
from fairlead.registry.errors import (
    NotInRegistryError,
    RegistryDeniedError,
    RegistryFaultError,
    RegistryRefusedError,
    RegistryUnreachableError,
    TagTakenError,
)
from fairlead.registry.reference import Repository
from fairlead.sources.base import SourceError
from fairlead.tasks.failures import FULL_DISK, TaskFailedError, failure_of

HERE = Repository("r.example.com", "team/x")


@pytest.mark.parametrize(
    ("error", "reason", "class_"),
    [
        (RegistryUnreachableError(HERE, "m"), Reason.REGISTRY_UNREACHABLE, FailureClass.NETWORK),
        (RegistryDeniedError(HERE, "m"), Reason.REGISTRY_DENIED, FailureClass.AUTH),
        (RegistryFaultError(HERE, "m"), Reason.REGISTRY_FAULT, FailureClass.INFRASTRUCTURE),
        (TagTakenError(HERE, "m"), Reason.VERSION_TAKEN, FailureClass.DEPENDENCY),
        (NotInRegistryError(HERE, "m"), Reason.REGISTRY_FAULT, FailureClass.INFRASTRUCTURE),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_a_registry_answers_is_tried_again_and_has_a_remedy(
    error: Exception, reason: Reason, class_: FailureClass
) -> None:
    failure = failure_of(error)
    assert failure
    assert (failure.reason, failure.class_, failure.message) == (reason, class_, "m")
    assert failure.retryable
    assert failure.remedy


@pytest.mark.parametrize("lasting", [True, False])
def test_an_address_that_is_refused_is_the_users_and_no_remedy_opens_it(*, lasting: bool) -> None:
    failure = failure_of(RegistryRefusedError(HERE, "m", "Use https.", lasting=lasting))
    assert failure
    assert (failure.reason, failure.class_) == (Reason.REGISTRY_REFUSED, FailureClass.USER)
    assert failure.retryable is not lasting
    assert "FAIRLEAD_" not in str(failure.remedy)


def test_a_source_speaks_for_itself() -> None:
    error = SourceError(Reason.MODEL_EMPTY, "m", "r", FailureClass.NETWORK, retryable=True)
    assert failure_of(error) == TaskFailure(
        reason=Reason.MODEL_EMPTY,
        class_=FailureClass.NETWORK,
        message="m",
        remedy="r",
        retryable=True,
    )


def test_a_failure_that_a_program_has_named_stays_as_it_is() -> None:
    assert failure_of(TaskFailedError(FULL_DISK)) is FULL_DISK


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_known_by_its_number(number: int) -> None:
    assert failure_of(OSError(number, "no space")) is FULL_DISK


@pytest.mark.parametrize("error", [OSError(errno.EIO, "i/o"), KeyError("x")], ids=repr)
def test_an_error_that_nobody_expected_is_none(error: Exception) -> None:
    assert failure_of(error) is None
