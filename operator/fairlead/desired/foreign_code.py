"""What the container has that runs foreign code: how much it may use, and no cloud's identity."""

from collections.abc import Callable, Mapping

from fairlead.api.quantity import amount
from fairlead.api.refs import Manifest
from fairlead.contract import Task
from fairlead.job_request import CONTAINER
from fairlead.settings import Settings, quantities


def without_identity(container: str) -> dict[str, str]:
    """The pod's annotations that keep an identity's token from ``container``."""
    return {
        "azure.workload.identity/skip-containers": container,
        "eks.amazonaws.com/skip-containers": container,
        "kubectl.kubernetes.io/default-container": CONTAINER,
    }


def foreign_resources(task: Task, settings: Settings) -> Manifest:
    """What the spec says; else what the settings do, as far as both go together."""
    requests, limits = quantities(settings.task_requests), quantities(settings.task_limits)
    requests = {**_within(requests, task.limits, min), **task.requests}
    limits = {**_within(limits, task.requests, max), **task.limits}
    return {"requests": requests, "limits": limits}


def _within(
    given: Mapping[str, str], bounds: Mapping[str, str], choose: Callable[..., str]
) -> dict[str, str]:
    pairs = ((name, value, bounds.get(name, value)) for name, value in given.items())
    return {name: choose(value, bound, key=amount) for name, value, bound in pairs}
