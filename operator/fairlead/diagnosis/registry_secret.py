"""A task whose Secret with credentials cannot be mounted: which field names it, and what to do."""

import re
from dataclasses import replace

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.finding import Finding
from fairlead.job_request import DOCKER_CONFIG_KEY, PULL, PUSH, volume_of

FIELDS = {PUSH: "spec.pushSecretRef", PULL: "spec.pullSecretRef"}
MISSING = re.compile(r'secret "([a-z0-9.-]{1,253})" not found')  # as the kubelet says it
OTHER_KIND = f"non-existent secret key: {DOCKER_CONFIG_KEY}"


def credentials_explained(finding: Finding | None) -> Finding | None:
    """The same finding; where it is about a Secret that the object names, with its own remedy."""
    if finding is None or finding.reason is not Reason.VOLUME_MOUNT_FAILED:
        return finding
    field = next((FIELDS[use] for use in FIELDS if _is_about(use, finding.message)), None)
    remedy = _remedy(field, finding.message) if field else None
    if remedy is None:
        return finding
    remedy = f"{remedy}, or correct the field. The task begins by itself once it can be mounted."
    return replace(finding, class_=FailureClass.DEPENDENCY, remedy=remedy)


def _is_about(use: str, message: str) -> bool:
    return f'volume "{volume_of(use)}"' in message


def _remedy(field: str, message: str) -> str | None:
    missing = MISSING.search(message)
    if missing:
        return (
            f"{field} names Secret '{missing[1]}', which does not exist in this namespace: make "
            f"it with `kubectl create secret docker-registry {missing[1]}` (docs/install.md, "
            "Registries)"
        )
    if OTHER_KIND in message:
        return (
            f"{field} names a Secret that holds no {DOCKER_CONFIG_KEY}: make one of type "
            "kubernetes.io/dockerconfigjson (docs/install.md, Registries)"
        )
    return None
