"""What Pod Security "restricted" asks of a pod and of its container."""

from fairlead.api.refs import Manifest
from fairlead.images.layout import USER_ID


def restricted_pod() -> Manifest:
    """The ``securityContext`` of a pod."""
    return {
        "runAsNonRoot": True,
        "runAsUser": USER_ID,
        "runAsGroup": USER_ID,
        "fsGroup": USER_ID,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def restricted_container(*, read_only: bool = True) -> Manifest:
    """The ``securityContext`` of a container; if ``read_only`` it writes to its volumes alone."""
    return {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": read_only,
    }
