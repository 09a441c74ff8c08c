"""The pod that builds an environment: the task's own container, and one in the user's base image.

Foreign code runs in the second: in any package's ``setup.py``, and in the base image itself. So it
has no Secret, no API token, no request and nothing of the task's to write to; what it is handed is
read-only, and what it leaves is read-only to the task. It stands first among the containers: a
kubelet begins them in order, so the task does not wait for an image that is still being pulled.
"""

from fairlead.api.refs import Manifest
from fairlead.contract import EnvironmentRequest, Task
from fairlead.desired.foreign_code import foreign_resources
from fairlead.desired.pod_security import restricted_container
from fairlead.images.layout import BUILD_FILES, ENVIRONMENT
from fairlead.job_request import (
    HANDED_FOLDER,
    INSTALL_CONTAINER,
    INSTALLED_FOLDER,
    TOOLS_CONTAINER,
)
from fairlead.registry.reference import parse_reference
from fairlead.settings import Settings

HANDED, INSTALLED, SCRATCH = "handed", "installed", "install-tmp"


def installs(task: Task) -> bool:
    """Whether the pod of a task has a container in the user's base image."""
    return isinstance(task.request, EnvironmentRequest) and task.request.engine == "pod"


def with_installation(spec: Manifest, task: Task, settings: Settings) -> Manifest:
    """Return the pod of an environment's task, from the pod that every task has."""
    [own] = spec["containers"]
    shared: list[Manifest] = [
        {"name": HANDED, "mountPath": HANDED_FOLDER},
        {"name": INSTALLED, "mountPath": INSTALLED_FOLDER, "readOnly": True},
    ]
    return {
        **spec,
        "initContainers": [_tools(own)],
        "containers": [
            _install(task, settings),
            {**own, "volumeMounts": [*own["volumeMounts"], *shared]},
        ],
        "volumes": [
            *spec["volumes"],
            *({"name": name, "emptyDir": {}} for name in (HANDED, INSTALLED, SCRATCH)),
        ],
        **_pull_secrets(spec, task),
    }


def _tools(own: Manifest) -> Manifest:
    return {
        "name": TOOLS_CONTAINER,
        "image": own["image"],
        "command": ["python", "-m", "fairlead.tasks.hand_tools"],
        "args": [HANDED_FOLDER],
        "resources": {kind: dict(given) for kind, given in own["resources"].items()},
        "volumeMounts": [{"name": HANDED, "mountPath": HANDED_FOLDER}],
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "securityContext": restricted_container(),
    }


def _install(task: Task, settings: Settings) -> Manifest:
    return {
        "name": INSTALL_CONTAINER,
        "image": _base_image(task),
        "command": _begin(task),
        "args": [f"/{BUILD_FILES}"],
        "workingDir": "/tmp",
        "env": [{"name": "HOME", "value": "/tmp"}],
        "resources": foreign_resources(task, settings),
        "volumeMounts": [
            {"name": HANDED, "mountPath": f"/{BUILD_FILES}", "readOnly": True},
            {"name": INSTALLED, "mountPath": f"/{ENVIRONMENT}"},
            {"name": SCRATCH, "mountPath": "/tmp"},
        ],
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "securityContext": restricted_container(),
    }


def _begin(task: Task) -> list[str]:
    """The base image's Python, or its shell where a conda file may bring the Python."""
    by_shell = isinstance(task.request, EnvironmentRequest) and task.request.conda_file
    begin = ("/bin/sh", "begin_in_base.sh") if by_shell else ("python3", "install_in_base.py")
    return [begin[0], f"/{BUILD_FILES}/{begin[1]}"]


def _base_image(task: Task) -> str:
    """By the name that the nodes know it by, and by digest."""
    if not isinstance(task.request, EnvironmentRequest):
        raise TypeError(f"{task.program} has no base image")
    name = parse_reference(task.request.recipe.base_image).repository
    return f"{name}@{task.request.base_digest}"


def _pull_secrets(spec: Manifest, task: Task) -> Manifest:
    """The node pulls the base image with the Secret that reads it for the task."""
    if not task.access.pull_secret:
        return {}
    others = spec.get("imagePullSecrets", [])
    mine = {"name": task.access.pull_secret}
    return {"imagePullSecrets": [mine, *(one for one in others if one != mine)]}
