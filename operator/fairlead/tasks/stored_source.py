"""The source of an image that a task before has fetched: it lies in the registry, or is lost."""

from collections.abc import Iterator
from contextlib import contextmanager

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.contract import TaskFailure
from fairlead.images.code_artifact import StoredCode, stored_code
from fairlead.registry.errors import NotInRegistryError, RegistryFaultError
from fairlead.tasks.failures import TaskFailedError
from fairlead.tasks.program import TaskContext


def stored_source(artifact: str, task: TaskContext) -> StoredCode:
    """Return what an artifact holds. Raises ``TaskFailedError`` where the registry has not got it,
    or what is there was made by another version."""
    with told_as_lost(artifact):
        try:
            return stored_code(task.registry, artifact)
        except RegistryFaultError as error:
            raise TaskFailedError(_lost(artifact, str(error))) from error


@contextmanager
def told_as_lost(artifact: str) -> Iterator[None]:
    """What is done with a source, which somebody may have removed from the registry."""
    try:
        yield
    except NotInRegistryError as error:
        raise TaskFailedError(_lost(artifact, str(error))) from error


def _lost(artifact: str, said: str) -> TaskFailure:
    return TaskFailure(
        reason=Reason.SOURCE_LOST,
        class_=FailureClass.DEPENDENCY,
        message=f"The source that was fetched cannot be had as {artifact} any more. {said}",
        remedy="Nothing to do: it is fetched again.",
        retryable=True,
    )
