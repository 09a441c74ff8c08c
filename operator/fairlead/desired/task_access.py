"""What lets the pod of a task into registries and sources: mounted Secrets, and its ServiceAccount.

The kubelet mounts the Secrets by their names, so the operator reads none. They are for containers
of ours alone: where foreign code runs nothing of this may be mounted.
"""

from collections.abc import Iterator

from fairlead.api.refs import Manifest
from fairlead.contract import Access
from fairlead.job_request import (
    CREDENTIALS_FOLDER,
    DOCKER_CONFIG_FILE,
    DOCKER_CONFIG_KEY,
    PACKAGES,
    PACKAGES_KEY,
    PULL,
    PUSH,
    SHARED,
    SOURCE,
    VOLUME_FOLDER,
    volume_of,
)
from fairlead.settings import Settings


def credential_volumes(access: Access, settings: Settings) -> list[Manifest]:
    """The volumes with the Secrets that the object names, with the one of every namespace, which
    need not be there, and with the volume of a model's source."""
    secrets = _secrets(access, settings)
    mounted = [_volume(use, name, optional=use == SHARED) for use, name in secrets]
    return [*mounted, *_claim(access)]


def credential_mounts(access: Access, settings: Settings) -> list[Manifest]:
    """The mounts of those volumes, for a container of ours."""
    secrets = [
        {"name": volume_of(use), "mountPath": f"{CREDENTIALS_FOLDER}/{use}", "readOnly": True}
        for use, _ in _secrets(access, settings)
    ]
    claims = [
        {"name": claim["name"], "mountPath": VOLUME_FOLDER, "readOnly": True}
        for claim in _claim(access)
    ]
    return [*secrets, *claims]


def identity(access: Access, settings: Settings) -> Manifest:
    """The fields of the pod that say who it is, and what nodes pull the image of tasks with."""
    return dict(_identity(access, settings))


def _identity(access: Access, settings: Settings) -> Iterator[tuple[str, object]]:
    account = access.service_account or settings.task_service_account
    if account:
        yield "serviceAccountName", account
    if settings.registry_secret:
        yield "imagePullSecrets", [{"name": settings.registry_secret}]


def _secrets(access: Access, settings: Settings) -> list[tuple[str, str]]:
    named = (
        (PUSH, access.push_secret),
        (PULL, access.pull_secret),
        (SHARED, settings.registry_secret),
        (SOURCE, access.source_secret),
        (PACKAGES, access.package_secret),
    )
    return [(use, name) for use, name in named if name]


def _claim(access: Access) -> list[Manifest]:
    """The volume of a model's source. Read-only as a whole: then the kubelet changes no owners."""
    if not access.source_claim:
        return []
    claim = {"claimName": access.source_claim, "readOnly": True}
    return [{"name": "model-volume", "persistentVolumeClaim": claim}]


def _volume(use: str, name: str, *, optional: bool) -> Manifest:
    """One key, but of a source's Secret: a Secret of another kind does not have it, and is not
    mounted."""
    if use == SOURCE:
        return {"name": volume_of(use), "secret": {"secretName": name}}
    items = [{"key": DOCKER_CONFIG_KEY, "path": DOCKER_CONFIG_FILE}]
    if use == PACKAGES:
        items = [{"key": PACKAGES_KEY, "path": PACKAGES_KEY}]
    secret = {"secretName": name, "items": items, **({"optional": True} if optional else {})}
    return {"name": volume_of(use), "secret": secret}
