"""The source of an image that a task before has fetched: it lies in the registry, or is lost."""

from collections.abc import Iterator
from contextlib import contextmanager

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.contract import TaskFailure
from fairlead.images.code_artifact import NoStoredSourceError, StoredCode, stored_code
from fairlead.registry.errors import NotInRegistryError
from fairlead.registry.reference import parse_reference
from fairlead.tasks.failures import TaskFailedError
from fairlead.tasks.program import TaskContext


def stored_source(artifact: str, task: TaskContext) -> StoredCode:
    """Return what an artifact holds. Raises ``TaskFailedError`` where the registry has not got it,
    or what is there was made by another version, and ``RegistryError``."""
    with told_as_lost(artifact):
        return stored_code(task.registry, artifact)


@contextmanager
def told_as_lost(artifact: str) -> Iterator[None]:
    """What is done with a source, which somebody may have removed from the registry.

    Nothing else is its loss: a branch that is then resolved anew may have moved on. So a registry
    that answers wrongly, or has not got something of another repository, is left to say so.
    """
    try:
        yield
    except NoStoredSourceError as error:
        raise TaskFailedError(_lost(artifact, str(error))) from error
    except NotInRegistryError as error:
        if error.repository != parse_reference(artifact).repository:
            raise
        raise TaskFailedError(_lost(artifact, str(error))) from error


def _lost(artifact: str, said: str) -> TaskFailure:
    return TaskFailure(
        reason=Reason.SOURCE_LOST,
        class_=FailureClass.DEPENDENCY,
        message=f"The source that was fetched cannot be had as {artifact} any more. {said}",
        remedy="Nothing to do: it is fetched again.",
        retryable=True,
    )
