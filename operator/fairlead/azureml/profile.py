"""``Model.profile``: an image of the models and the script, run under load in the cluster."""

import json
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fairlead.api.meta import INFERENCE_IMAGE
from fairlead.api.quantity import amount
from fairlead.api.refs import Manifest
from fairlead.azureml.cluster_deployment import build
from fairlead.azureml.exceptions import (
    InvalidConfigurationError,
    UnsupportedError,
    WebserviceException,
)
from fairlead.azureml.manifests import ABOUT
from fairlead.azureml.names import check_image_name, object_name
from fairlead.azureml.objects import ours
from fairlead.azureml.status import condition, failure_words, is_failed, is_seen, mapping
from fairlead.azureml.waiting import POLL_S, TooLateError, await_seen
from fairlead.azureml.webservice import say
from fairlead.redact import one_line

if TYPE_CHECKING:
    from fairlead.azureml.workspace import Workspace

CPU_RANGE, MEMORY_RANGE_GB = (0.1, 3.5), (0.1, 15.0)
GB = 10**9
THOUSANDTHS, MIB = 1000, 2**20
PROFILED = "Profiled"
SUCCEEDED, FAILED, RUNNING = "Succeeded", "Failed", "Running"
TIMEOUT_S = 3600.0  # v1's took up to 25 minutes; here the image may have to be built before
RESULTS = {
    "measuredQueriesPerSecond": "requestsPerSecond",
    "totalQueries": "requests",
    "maxUtilizedCpu": "highestCpuCores",
}
LATENCIES = {
    "averageLatencyInMs": "mean",
    "latencyPercentile50InMs": "p50",
    "latencyPercentile90InMs": "p90",
    "latencyPercentile95InMs": "p95",
    "latencyPercentile99InMs": "p99",
    "latencyPercentile999InMs": "p999",
}


def profile(
    workspace: "Workspace",
    name: str,
    models: Sequence[Any],
    config: Any,
    sample: object,
    size: tuple[float | None, float | None],
    description: str | None,
) -> "ModelProfile":
    """Begin to measure; ``size`` is cores and GB. Raises ``WebserviceException``."""
    check_image_name(name)
    if not workspace.in_cluster:
        raise UnsupportedError(
            "Model.profile() without a cluster",
            "It runs the image in a pod of its own, with the cpu and memory that you choose: take "
            "a workspace of a cluster, Workspace.get(name, namespace='...').",
        )
    wanted = {"sample": {"inline": body_of(sample)}, **_size(*size)}
    _check_name(workspace, name)
    about = {"description": description, "profile": name}
    found = build(workspace, name, models, config, about, profile=wanted)
    return ModelProfile(workspace, name, found)


class ModelProfile:
    """What is measured, and what came of it."""

    def __init__(self, workspace: "Workspace", name: str, manifest: Manifest) -> None:
        self.workspace, self.name, self._manifest = workspace, name, manifest

    @property
    def description(self) -> str | None:
        found = _about(self._manifest).get("description")
        return str(found) if found else None

    @property
    def state(self) -> str:
        return state_of(self._manifest)

    def update_creation_state(self) -> None:
        """Look again."""
        objects = self.workspace.objects
        self._manifest = await_seen(objects, ours(objects, INFERENCE_IMAGE, object_name(self.name)))

    def wait_for_completion(self, show_output: bool = False, timeout_s: float = TIMEOUT_S) -> None:
        """Until it has been measured. Raises ``WebserviceException`` where it cannot be."""
        begin, told = time.monotonic(), ""
        while self.state == RUNNING:
            said = _words(self._manifest)
            if show_output and said != told:
                say(f"{said}\n")
            told = said
            if time.monotonic() - begin >= timeout_s:
                raise TooLateError(said)
            time.sleep(POLL_S)
            self.update_creation_state()
        if self.state == FAILED:
            raise WebserviceException(_failure(self._manifest))
        if show_output:
            say(f"{_words(self._manifest)}\n")

    wait_for_profiling = wait_for_completion  # of SDK versions before 1.6

    def get_details(self) -> dict[str, Any]:
        """v1's names and numbers; those that are not known (yet) are left out."""
        return details_of(self.name, self._manifest)

    get_results = get_details  # of SDK versions before 1.6

    def serialize(self) -> dict[str, Any]:
        return self.get_details()

    def __repr__(self) -> str:
        return f"ModelProfile(workspace={self.workspace!r}, name={self.name!r})"


def body_of(sample: object) -> str:
    """The body of the requests. v1 took a dataset of one column, each row a body; here it is one
    text (or the first of several, or what JSON makes of anything else)."""
    if isinstance(sample, (list, tuple)) and sample and all(isinstance(s, str) for s in sample):
        if len(sample) > 1:
            say(f"Warning: the first of {len(sample)} samples is sent, again and again.\n")
        sample = sample[0]
    if isinstance(sample, bytes):
        sample = sample.decode(errors="replace")
    if isinstance(sample, str):
        return sample
    if sample is None:
        raise InvalidConfigurationError(
            "input_dataset is the body of a request: a text, such as '{\"data\": [[1, 2]]}'."
        )
    try:
        return json.dumps(sample)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidConfigurationError(
            f"input_dataset is the body of a request, a text; a {type(sample).__name__} is none."
        ) from error


def state_of(manifest: Mapping[str, Any]) -> str:
    """v1's words. A profile that is tried again by itself runs."""
    told = condition(manifest, PROFILED)
    if not is_seen(manifest):
        return RUNNING
    if told.get("status") == "True":
        return SUCCEEDED
    retried = mapping(_profile(manifest).get("failure")).get("nextRetryAt")
    failed = told.get("status") == "False" and not retried
    return FAILED if failed or is_failed(manifest) else RUNNING


def details_of(name: str, manifest: Mapping[str, Any]) -> dict[str, Any]:
    found, state = _profile(manifest), state_of(manifest)
    recommended, given = mapping(found.get("recommended")), mapping(found.get("given"))
    details = {
        "name": name,
        "state": state,
        "recommendedCpu": _cores(recommended.get("cpu")),
        "recommendedMemoryInGB": _gigabytes(recommended.get("memory")),
        "maxUtilizedMemoryInGB": _gigabytes(found.get("memoryPeak")),
        "requestedCpu": _cores(given.get("cpu")),
        "requestedMemoryInGB": _gigabytes(given.get("memory")),
        **{v1: found.get(ours) for v1, ours in RESULTS.items()},
        **_success(found),
        **{v1: _latency(found, ours) for v1, ours in LATENCIES.items()},
    }
    if state == FAILED:
        uri = mapping(found.get("failure")).get("logUri")
        details |= {"error": _failure(manifest), "errorLogsUri": uri}
    return {key: value for key, value in details.items() if value is not None}


def _success(found: Mapping[str, Any]) -> dict[str, Any]:
    total, errors = found.get("requests"), found.get("errors")
    if not isinstance(total, int) or not isinstance(errors, int) or not total:
        return {}
    return {"successQueries": total - errors, "successRate": 100 * (total - errors) / total}


def _latency(found: Mapping[str, Any], name: str) -> object:
    return mapping(found.get("latencyMilliseconds")).get(name)


def _cores(text: object) -> float | None:
    return float(amount(text)) if isinstance(text, str) else None


def _gigabytes(text: object) -> float | None:
    return round(float(amount(text)) / GB, 3) if isinstance(text, str) else None


def _profile(manifest: Mapping[str, Any]) -> Mapping[str, Any]:
    return mapping(mapping(manifest.get("status")).get("profile"))


def _about(manifest: Mapping[str, Any]) -> Mapping[str, Any]:
    metadata = mapping(manifest.get("metadata"))
    try:
        return mapping(json.loads(str(mapping(metadata.get("annotations")).get(ABOUT) or "{}")))
    except (ValueError, RecursionError):
        return {}


def _words(manifest: Mapping[str, Any]) -> str:
    told = condition(manifest, PROFILED)
    return one_line(f"{told.get('reason') or 'Pending'}: {told.get('message') or ''}")


def _failure(manifest: Mapping[str, Any]) -> str:
    """Of the profile; else of the image, which never came to be."""
    failure = _profile(manifest).get("failure")
    if condition(manifest, PROFILED).get("status") != "False":
        return failure_words(manifest)
    return (
        failure_words({**manifest, "status": {"failure": failure}}) if failure else _words(manifest)
    )


def _size(cpu: float | None, memory_gb: float | None) -> dict[str, str]:
    """As the spec has it. Raises ``InvalidConfigurationError`` in v1's words."""
    wrong = [
        f"Expected {name} value is between {least} and {most}. Provided: {value}"
        for name, value, (least, most) in (
            ("cpu", cpu, CPU_RANGE),
            ("memory_in_gb", memory_gb, MEMORY_RANGE_GB),
        )
        if value is not None and not least <= float(value) <= most
    ]
    if wrong:
        raise InvalidConfigurationError("; ".join(wrong))
    return {
        **({"cpu": f"{round(float(cpu) * THOUSANDTHS)}m"} if cpu is not None else {}),
        **({"memory": f"{round(float(memory_gb) * GB / MIB)}Mi"} if memory_gb is not None else {}),
    }


def _check_name(workspace: "Workspace", name: str) -> None:
    """Raise ``WebserviceException`` where there is another image of this name."""
    objects = workspace.objects
    known = objects.get(ours(objects, INFERENCE_IMAGE, object_name(name)))
    if known is not None and _about(known).get("profile") != name:
        raise WebserviceException(
            f"Error, there is already an image with name {name} found in workspace "
            f"{workspace.name}, which is no profile: take another name for the profile."
        )
