"""The pod that builds with BuildKit: the task's own container, and a rootless BuildKit beside it.

The users' RUN steps run in BuildKit's container, which has nothing of ours: no Secret, no API
token, no request, and nothing that the task would run; the two share a folder with a socket, which
no step sees. It runs as a user without
rights, but makes user namespaces of its own, so its seccomp and AppArmor profiles are off and a few
set-user-ID programs must work: Pod Security lets it in as ``privileged`` only. It is a sidecar: it
is there before the task, and ends with it.
"""

from fairlead.api.refs import Manifest
from fairlead.contract import Task
from fairlead.desired.foreign_code import foreign_resources
from fairlead.desired.pod_security import restricted_container
from fairlead.job_request import (
    BUILDER_CONTAINER,
    BUILDER_FOLDER,
    BUILDER_SOCKET,
    HANDED_FOLDER,
    TOOLS_CONTAINER,
)
from fairlead.settings import Settings

BUILDER_USER = 1000  # of the image; its further user ids are mapped by /etc/subuid there
STATE_FOLDER = "/var/lib/fairlead-buildkit"
HANDED, BUILDER, STATE, SCRATCH = "handed", "builder", "builder-state", "builder-tmp"


def with_builder(spec: Manifest, task: Task, settings: Settings) -> Manifest:
    """Return the pod of an environment's task, from the pod that every task has."""
    [own] = spec["containers"]
    shared: list[Manifest] = [
        {"name": HANDED, "mountPath": HANDED_FOLDER, "readOnly": True},
        {"name": BUILDER, "mountPath": BUILDER_FOLDER, "readOnly": True},
    ]
    return {
        **spec,
        "securityContext": {**spec["securityContext"], "fsGroup": BUILDER_USER},
        "initContainers": [_tools(own, settings), _builder(task, settings)],
        "containers": [{**own, "volumeMounts": [*own["volumeMounts"], *shared]}],
        "volumes": [
            *spec["volumes"],
            *({"name": name, "emptyDir": {}} for name in (HANDED, BUILDER, STATE, SCRATCH)),
        ],
    }


def _tools(own: Manifest, settings: Settings) -> Manifest:
    """Hands over BuildKit's client: the one that goes with it."""
    return {
        "name": TOOLS_CONTAINER,
        "image": settings.buildkit_image,
        "command": ["sh", "-c", 'cp "$(command -v buildctl)" "$0"'],
        "args": [f"{HANDED_FOLDER}/buildctl"],
        "resources": {kind: dict(given) for kind, given in own["resources"].items()},
        "volumeMounts": [{"name": HANDED, "mountPath": HANDED_FOLDER}],
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "securityContext": restricted_container(),
    }


def _builder(task: Task, settings: Settings) -> Manifest:
    variables = {
        "HOME": STATE_FOLDER,
        "TMPDIR": "/tmp",
        "USER": "user",  # whose further ids are mapped
        "XDG_RUNTIME_DIR": "/tmp",
    }
    return {
        "name": BUILDER_CONTAINER,
        "image": settings.buildkit_image,
        "restartPolicy": "Always",
        "command": ["rootlesskit", "buildkitd"],
        "args": [
            f"--addr={BUILDER_SOCKET}",
            f"--root={STATE_FOLDER}/state",
            "--oci-worker-no-process-sandbox",  # a pod may not mount /proc anew
        ],
        "env": [{"name": name, "value": value} for name, value in variables.items()],
        "resources": foreign_resources(task, settings),
        "volumeMounts": [
            {"name": BUILDER, "mountPath": BUILDER_FOLDER},
            {"name": STATE, "mountPath": STATE_FOLDER},
            {"name": SCRATCH, "mountPath": "/tmp"},
        ],
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "securityContext": {
            "runAsUser": BUILDER_USER,
            "runAsGroup": BUILDER_USER,
            "seccompProfile": {"type": "Unconfined"},
            "appArmorProfile": {"type": "Unconfined"},
            "capabilities": {"drop": ["ALL"], "add": ["SETUID", "SETGID"]},  # for newuidmap
            "readOnlyRootFilesystem": True,
        },
    }
