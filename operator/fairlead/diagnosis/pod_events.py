"""What only a pod's events tell: volumes, sandboxes, readiness, and who ended a container."""

from datetime import datetime, timedelta

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.diagnosis.containers import KILLED_EXIT_CODES, OUT_OF_MEMORY
from fairlead.diagnosis.image_pull import backs_off
from fairlead.evidence import PodContext
from fairlead.finding import Finding
from fairlead.pod_evidence import PodEvent, PodEvidence, Role

EVENTS_AFTER = timedelta(seconds=5)  # a pod that is younger has had no time to fail
SETTING_UP_TIME = timedelta(minutes=1)  # after that, the next resync is soon enough
NOT_READY_AFTER = timedelta(seconds=30)
PROGRESS = {"Pulling", "Pulled", "Created", "Started"}  # what was before is over
VOLUME = {"FailedMount", "FailedAttachVolume", "FailedMapVolume"}
SANDBOX = {"FailedCreatePodSandBox", "NetworkNotReady", "FailedPrepareDynamicResources"}
TIMED_OUT = "Unable to attach or mount volumes"  # the kubelet's summary, without a cause
READINESS = "Readiness probe failed"
READINESS_FAILURES = 3


def needs_events(pod: PodEvidence, now: datetime) -> bool:
    """Whether something about the pod can only be told from its events.

    They cost a request, so they are not read while a pod starts as it should.
    """
    if pod.ready or pod.leaving or pod.finished or not pod.node:
        return False
    if pod.created_at is None or now - pod.created_at < EVENTS_AFTER:
        return False
    if any(backs_off(container) for container in pod.containers):
        return True
    if not pod.begun:
        waiting = {one.waiting_reason for one in pod.containers}
        return not waiting - {"", "ContainerCreating", "PodInitializing"}
    return _end_needs_events(pod) or _unready_since(pod, now)


def may_soon_need_events(pod: PodEvidence, now: datetime) -> bool:
    """A pod that is being set up: if that fails, nothing but its events changes."""
    if pod.ready or pod.leaving or pod.finished or pod.begun or not pod.node:
        return False
    return pod.created_at is not None and now - pod.created_at < SETTING_UP_TIME


def _end_needs_events(pod: PodEvidence) -> bool:
    """It may have been the kubelet that ended the container."""
    scoring = pod.scoring
    told = scoring.record is not None or scoring.end_reason == OUT_OF_MEMORY
    return scoring.failed and not told and scoring.exit_code in KILLED_EXIT_CODES


def _unready_since(pod: PodEvidence, now: datetime) -> bool:
    changed = pod.changed_at("Ready")
    running = [one for one in pod.containers if one.running and one.started and not one.ready]
    return bool(running) and changed is not None and now - changed > NOT_READY_AFTER


def cannot_be_set_up(pod: PodEvidence, about: PodContext) -> Finding | None:
    """A volume or a sandbox that cannot be made, as long as nothing newer says otherwise."""
    if pod.begun or pod.condition("PodReadyToStartContainers").get("status") == "True":
        return None
    newest = max((e.at for e in pod.events if e.reason in PROGRESS), default=None)
    pending = [e for e in pod.events if newest is None or e.at > newest]
    volumes = [event for event in pending if event.reason in VOLUME]
    if volumes:
        return _volume(_best(volumes), pod, about)
    sandboxes = [event for event in pending if event.reason in SANDBOX]
    return _sandbox(_best(sandboxes), pod) if sandboxes else None


def _best(events: list[PodEvent]) -> PodEvent:
    """The newest that names a cause."""
    return max(events, key=lambda event: (not event.message.startswith(TIMED_OUT), event.at))


def _volume(event: PodEvent, pod: PodEvidence, about: PodContext) -> Finding:
    class_, remedy = FailureClass.INFRASTRUCTURE, "See what it names. It is tried again by itself."
    if names_keys(event, about.keys_secret):
        remedy = f"Secret '{about.keys_secret}' is made again by itself, with new keys."
    elif " not found" in event.message:
        class_ = FailureClass.DEPENDENCY
        remedy = (
            "Create what is missing in this namespace, or ask whoever added the volume to the pod. "
            "It is tried again by itself."
        )
    message = f"{_node(pod)} cannot mount a volume of the pod: {event.message}"
    return Finding(Reason.VOLUME_MOUNT_FAILED, class_, message, remedy)


def names_keys(event: PodEvent, keys_secret: str) -> bool:
    """Whether the event says that the Secret with the service's keys is missing."""
    quoted = f'secret "{keys_secret}" not found'
    return bool(keys_secret) and event.reason in VOLUME and quoted in event.message


def _sandbox(event: PodEvent, pod: PodEvidence) -> Finding:
    return Finding(
        Reason.POD_SANDBOX_FAILED,
        FailureClass.INFRASTRUCTURE,
        f"{_node(pod)} cannot set the pod up: {event.message}",
        "See the node, its network plugin and its container runtime. It is tried again by itself.",
    )


def _node(pod: PodEvidence) -> str:
    return f"Node '{pod.node}'" if pod.node else "The node"


def not_ready(pod: PodEvidence, _: PodContext) -> Finding | None:
    """A container runs, has started, and is not ready: its readiness probe says why."""
    for container in pod.containers:
        if not (container.running and container.started) or container.ready:
            continue
        failed = [
            event
            for event in pod.events
            if event.message.startswith(READINESS)
            and event.container == container.name
            and event.count >= READINESS_FAILURES
        ]
        if failed:
            said = max(failed, key=lambda event: event.at).message
            own = container.role is Role.SCORING
            which = "The container" if own else f"Container '{container.name}'"
            return Finding(
                Reason.READINESS_FAILED,
                FailureClass.INFRASTRUCTURE,
                f"{which} runs, but is not ready: {said}",
                "See its log: `kubectl logs`. It serves again by itself once the probe succeeds.",
                container=container.name,
            )
    return None


def last_words(pod: PodEvidence) -> str | None:
    """What the pod says of itself, where no check knows what it means; None: it says nothing."""
    waiting = [one for one in pod.containers if one.waiting_message]
    warnings = [event for event in pod.events if event.warning and event.message]
    running = [one.name for one in pod.containers if one.running and not one.ready]
    if pod.message:
        return pod.message
    if waiting:
        return f"container '{waiting[0].name}': {waiting[0].waiting_message}"
    if warnings:
        return max(warnings, key=lambda event: event.at).message
    gate = pod.condition("Ready")
    if gate.get("reason") == "ReadinessGatesNotReady" and gate.get("message"):
        return str(gate["message"])
    return f"container '{running[0]}' runs, but is not ready" if running else None
