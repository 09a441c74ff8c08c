"""Give an image that has passed its smoke test the tag of its version."""

import sys

from fairlead.contract import PublishRequest, PublishResult
from fairlead.registry.errors import NotInRegistryError
from fairlead.registry.reference import Repository, parse_repository
from fairlead.tasks.failures import TaskFailedError, registry_failure
from fairlead.tasks.program import TaskContext, run


def publish(request: PublishRequest, task: TaskContext) -> PublishResult:
    """Return the digest that the tag stands for now; that it did before is as good."""
    target = parse_repository(request.repository)
    task.log.phase("publish")
    if task.registry.digest_of(target, str(request.version)) != request.digest:
        body = _manifest(request, target, task)
        task.registry.put_version(target, request.version, body)
    task.log.write(f"{target}:{request.version} is {request.digest}.")
    return PublishResult(digest=request.digest, seconds=task.log.seconds)


def _manifest(request: PublishRequest, target: Repository, task: TaskContext) -> bytes:
    try:
        return task.registry.manifest_body(target, request.digest)
    except NotInRegistryError as error:
        raise TaskFailedError(registry_failure(error).model_copy(update={"gone": True})) from error


if __name__ == "__main__":
    sys.exit(run(PublishRequest, publish))
