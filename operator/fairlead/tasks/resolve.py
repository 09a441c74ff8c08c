"""Ask the registry everything that a build has to know, before anything expensive."""

import re
import sys

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.contract import KnownVersion, ResolveRequest, ResolveResult, TaskFailure
from fairlead.images.assembly import HASH_ANNOTATION
from fairlead.images.environment_image import find_environment, version_of, version_of_log
from fairlead.images.environment_lock import has_lock
from fairlead.images.hashes import environment_hash
from fairlead.images.kept_base import keep_base
from fairlead.registry.client import Registry
from fairlead.registry.errors import (
    NotInRegistryError,
    RegistryDeniedError,
    RegistryError,
    WrongPlatformError,
)
from fairlead.registry.oci import PLATFORM
from fairlead.registry.reference import (
    InvalidReferenceError,
    Repository,
    as_pushed,
    parse_reference,
    parse_repository,
)
from fairlead.tasks.failures import TaskFailedError, registry_failure
from fairlead.tasks.program import TaskContext, run
from fairlead.tasks.stored_source import stored_source

MAX_KNOWN_VERSIONS = 10
SHA256 = re.compile("[0-9a-f]{64}")


def resolve(request: ResolveRequest, task: TaskContext) -> ResolveResult:
    """Return what the registry knows about an image's inputs. Raises ``TaskFailedError``."""
    repository = parse_repository(request.repository)
    environments = parse_repository(request.environments)
    task.log.phase("push right")
    for target in (repository, environments):
        task.registry.check_push(target)
        task.log.write(f"{target} may be pushed to.")
    recipe = request.recipe
    if request.code:
        recipe = stored_source(request.code, task).recipe(recipe.base_image)
    task.log.phase("base image")
    source, base = _base(request.recipe.base_image, task)
    task.log.write(f"{request.recipe.base_image} is {base}.")
    task.log.phase("versions")
    tags = task.registry.tags(repository)
    used = [version_of(tag) or version_of_log(tag) or 0 for tag in tags]
    wanted = environment_hash(recipe, base)
    environment = find_environment(task.registry, environments, wanted)
    task.log.write(
        f"Environment {wanted} is {environment.digest if environment else 'not there yet'}."
    )
    if request.keep_base and environment is None:
        task.log.write(keep_base(task.registry, source, base, environments))
    return ResolveResult(
        base_digest=base,
        environment_hash=wanted,
        environment_digest=environment.digest if environment else None,
        environment_python=environment.python if environment else None,
        environment_locked=(environment and has_lock(task.registry, environments, wanted)) or None,
        last_version=max(used, default=0),
        versions=tuple(_known_versions(task.registry, repository, tags)),
    )


def _base(base_image: str, task: TaskContext) -> tuple[Repository, str]:
    """Ask for the base image, where tasks reach it; return where it lies, and its digest."""
    settings = task.settings
    name = as_pushed(base_image, settings.registry, settings.push_registry)
    try:
        reference = parse_reference(name)
        manifest, described = task.registry.manifest(reference.repository, reference.wanted)
        task.registry.check_platform(reference.repository, manifest)
    except InvalidReferenceError as error:
        raise TaskFailedError(_base_not_found(f"{error}.")) from error
    except RegistryError as error:
        raise TaskFailedError(base_failure(base_image, error)) from error
    return reference.repository, described.digest


def base_failure(base_image: str, error: RegistryError) -> TaskFailure:
    """What a registry's answer about the base image means."""
    if isinstance(error, WrongPlatformError):
        return _wrong_platform(base_image, error)
    if isinstance(error, NotInRegistryError):
        return _base_not_found(f"The base image {base_image} was not found. {error}")
    message = f"The base image {base_image} could not be looked up. {error}"
    if isinstance(error, RegistryDeniedError):
        return TaskFailure(
            reason=Reason.BASE_IMAGE_DENIED,
            class_=FailureClass.AUTH,
            message=message,
            remedy="Correct spec.baseImage (some registries say the same of an image that does not "
            f"exist), or name a Secret with credentials for {error.host} in spec.pullSecretRef "
            "(docs/install.md, Registries).",
            retryable=True,
        )
    return registry_failure(error).model_copy(update={"message": message})


def _wrong_platform(base_image: str, error: WrongPlatformError) -> TaskFailure:
    return TaskFailure(
        reason=Reason.BASE_IMAGE_WRONG_PLATFORM,
        class_=FailureClass.USER,
        message=f"The base image {base_image} does not run here. {error}",
        remedy=f"Name an image in spec.baseImage that is made for {PLATFORM}, or push this one for "
        "it, too. Images are built for the platform that spec.platform names, else for that of the "
        "machine that the tasks run on.",
        retryable=True,
    )


def _base_not_found(message: str) -> TaskFailure:
    return TaskFailure(
        reason=Reason.BASE_IMAGE_NOT_FOUND,
        class_=FailureClass.USER,
        message=message,
        remedy="Correct spec.baseImage, or push the image.",
        retryable=True,
    )


def _known_versions(
    registry: Registry, repository: Repository, tags: tuple[str, ...]
) -> list[KnownVersion]:
    """The newest versions that Fairlead made, newest first."""
    newest = sorted({version for tag in tags if (version := version_of(tag))}, reverse=True)
    known = []
    for version in newest[:MAX_KNOWN_VERSIONS]:
        manifest, described = registry.manifest(repository, str(version))
        made_of = manifest.annotations.get(HASH_ANNOTATION, "")
        if SHA256.fullmatch(made_of):
            known.append(KnownVersion(version=version, digest=described.digest, hash=made_of))
    return known


if __name__ == "__main__":
    sys.exit(run(ResolveRequest, resolve))
