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


def restricted_container() -> Manifest:
    """The ``securityContext`` of a container: also, it writes to its volumes only."""
    return {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }
