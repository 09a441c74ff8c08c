"""Which build logs a registry keeps: the newest of a repository.

Several InferenceImages may push to one repository, and the status of each names the log of its
latest build: so each removes only its own. The newest log of all is always kept, for it tells the
highest version that was ever used, builds that failed included. Of an environment the logs of its
latest attempts are kept.
"""

import re
from collections.abc import Iterable, Iterator

from fairlead.images.build_log import LOG_ARTIFACT_TYPE, OWNER_ANNOTATION
from fairlead.images.environment_image import build_of_log
from fairlead.registry.client import Registry
from fairlead.registry.errors import NotInRegistryError
from fairlead.registry.reference import Repository

ATTEMPTS_KEPT = 3  # of one environment
_ENVIRONMENT_LOG = re.compile(r"log-([0-9a-f]{64})-([1-9][0-9]{0,7})")
MAX_LOOKED_AT = 200  # logs at one time; what is left over goes after the next build


def old_logs(tags: Iterable[str], keep: int) -> list[str]:
    """Return the tags of logs beyond the newest ``keep`` builds, oldest first. Pure."""
    builds = sorted((build, tag) for tag in tags if (build := build_of_log(tag)))
    return [tag for _, tag in builds[: -max(keep, 1)]]


def old_attempts(tags: Iterable[str], tag: str) -> list[str]:
    """Return the tags of earlier attempts at the environment whose log ``tag`` is, but the newest;
    none where it is no environment's. Pure."""
    mine = _ENVIRONMENT_LOG.fullmatch(tag)
    if mine is None:
        return []
    found = filter(None, map(_ENVIRONMENT_LOG.fullmatch, tags))
    same = sorted((int(one[2]), one[0]) for one in found if one[1] == mine[1])
    return [old for _, old in same[:-ATTEMPTS_KEPT]]


def remove_old_logs(
    registry: Registry, repository: Repository, tag: str, owner: str, keep: int
) -> int:
    """Remove the logs of ``owner`` beyond the newest ``keep`` of the repository, but never ``tag``;
    return how many. Raises ``RegistryError``, also where the registry deletes nothing."""
    tags = registry.tags(repository)
    old = [other for other in (*old_logs(tags, keep), *old_attempts(tags, tag)) if other != tag]
    digests = set(_owned(registry, repository, old[:MAX_LOOKED_AT], owner))
    for digest in digests:
        registry.delete_manifest(repository, digest)
    return len(digests)


def _owned(
    registry: Registry, repository: Repository, tags: Iterable[str], owner: str
) -> Iterator[str]:
    for tag in tags:
        try:
            manifest, described = registry.manifest(repository, tag)
        except NotInRegistryError:  # a tag that outlived what it named
            continue
        is_log = manifest.artifact_type == LOG_ARTIFACT_TYPE
        if is_log and manifest.annotations.get(OWNER_ANNOTATION) == owner:
            yield described.digest
