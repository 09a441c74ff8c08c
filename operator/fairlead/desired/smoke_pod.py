"""The pod that tries an image, or runs it under load: the image's own container and nothing of
ours beside it.

It is what a pod of a Webservice would be: the same image and user, the namespace's own
ServiceAccount without a token, no Secret. Nodes pull the image with the Secrets that they would
pull it with for a Webservice.
"""

from fairlead.api.refs import Manifest
from fairlead.api.variables import SLOTS
from fairlead.contract import ProfileRequest, SmokeRequest, Task
from fairlead.desired.foreign_code import foreign_resources
from fairlead.desired.metadata import ARCHITECTURE
from fairlead.desired.pod_security import restricted_container, restricted_pod
from fairlead.desired.request_limits import SCORING_TIMEOUT_MS
from fairlead.images.layout import PORT
from fairlead.job_request import CONTAINER, REQUEST_FOLDER, REQUEST_KEY, TERMINATION_LOG
from fairlead.settings import Settings

GRACE_PERIOD_S = 5  # there is nothing to finish


def tries_image(task: Task) -> bool:
    """Whether the pod of a task is the image's own."""
    return isinstance(task.request, SmokeRequest)


def smoke_pod(task: Task, settings: Settings, request: str) -> Manifest:
    """Return the pod's spec; ``request`` is the name of the ConfigMap with the order."""
    named = (task.access.pull_secret, settings.registry_secret)
    secrets = [{"name": name} for name in dict.fromkeys(named) if name]
    return {
        **({"imagePullSecrets": secrets} if secrets else {}),
        **({"nodeSelector": {ARCHITECTURE: task.architecture}} if task.architecture else {}),
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": GRACE_PERIOD_S,
        "securityContext": restricted_pod(),
        "containers": [_container(task, settings)],
        "volumes": [
            {"name": "request", "configMap": {"name": request}},
            {"name": "tmp", "emptyDir": {}},
        ],
    }


def trial_option(request: SmokeRequest) -> str:
    """The option of the runtime that the request is for, without its dashes."""
    return "profile" if isinstance(request, ProfileRequest) else "smoke-test"


def trial_variables(request: SmokeRequest, termination_log: str) -> dict[str, str]:
    """What the image's container is given."""
    slots = request.max_concurrent_requests if isinstance(request, ProfileRequest) else None
    return {
        "SERVICE_NAME": trial_option(request),
        "SCORING_TIMEOUT_MS": str(SCORING_TIMEOUT_MS),
        "FAIRLEAD_PORT": str(PORT),
        "FAIRLEAD_TERMINATION_LOG": termination_log,
        **({SLOTS: str(slots)} if slots else {}),
    }


def _container(task: Task, settings: Settings) -> Manifest:
    if not isinstance(task.request, SmokeRequest):
        raise TypeError(f"{task.program} tries no image")
    variables = trial_variables(task.request, TERMINATION_LOG)
    return {
        "name": CONTAINER,
        "image": task.request.image,
        "args": [f"--{trial_option(task.request)}", f"{REQUEST_FOLDER}/{REQUEST_KEY}"],
        "env": [{"name": name, "value": variables[name]} for name in sorted(variables)],
        "resources": foreign_resources(task, settings),
        "volumeMounts": [
            {"name": "request", "mountPath": REQUEST_FOLDER, "readOnly": True},
            {"name": "tmp", "mountPath": "/tmp"},
        ],
        "terminationMessagePath": TERMINATION_LOG,
        "terminationMessagePolicy": "FallbackToLogsOnError",
        # a Webservice may have it so (writableSource): what needs it is not refused here
        "securityContext": restricted_container(read_only=False),
    }
