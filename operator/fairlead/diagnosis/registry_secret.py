"""A task whose Secret with credentials cannot be mounted: which field names it, and what to do."""

import re
from dataclasses import dataclass, replace

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.finding import Finding
from fairlead.job_request import (
    DOCKER_CONFIG_KEY,
    PACKAGES,
    PACKAGES_KEY,
    PULL,
    PUSH,
    volume_of,
)


@dataclass(frozen=True)
class _Kind:
    """``made``: how kubectl makes one, before and after its name."""

    key: str
    made: tuple[str, str]
    documented: str


_DOCKER_CONFIG = _Kind(DOCKER_CONFIG_KEY, ("docker-registry", ""), "docs/install.md, Registries")
_NETRC = _Kind(
    PACKAGES_KEY,
    ("generic", f" --from-file={PACKAGES_KEY}"),
    "docs/conda.md, Private channels and indexes",
)
FIELDS = {
    PUSH: ("spec.pushSecretRef", _DOCKER_CONFIG),
    PULL: ("spec.pullSecretRef", _DOCKER_CONFIG),
    PACKAGES: ("spec.build.packageSecretRef", _NETRC),
}
MISSING = re.compile(r'secret "([a-z0-9.-]{1,253})" not found')  # as the kubelet says it
NO_KEY = "non-existent secret key: "


def credentials_explained(finding: Finding | None) -> Finding | None:
    """The same finding; where it is about a Secret that the object names, with its own remedy."""
    if finding is None or finding.reason is not Reason.VOLUME_MOUNT_FAILED:
        return finding
    field = next((FIELDS[use] for use in FIELDS if _is_about(use, finding.message)), None)
    remedy = _remedy(*field, finding.message) if field else None
    if remedy is None:
        return finding
    remedy = f"{remedy}, or correct the field. The task begins by itself once it can be mounted."
    return replace(finding, class_=FailureClass.DEPENDENCY, remedy=remedy)


def _is_about(use: str, message: str) -> bool:
    return f'volume "{volume_of(use)}"' in message


def _remedy(field: str, kind: _Kind, message: str) -> str | None:
    missing = MISSING.search(message)
    name = missing[1] if missing else "<name>"
    command = f"`kubectl create secret {kind.made[0]} {name}{kind.made[1]}` ({kind.documented})"
    if missing:
        return (
            f"{field} names Secret '{name}', which does not exist in this namespace: make it with "
            f"{command}"
        )
    if f"{NO_KEY}{kind.key}" in message:
        return f"{field} names a Secret that holds no {kind.key}: make one with {command}"
    return None
