"""Pods as the kubelet and the scheduler leave them, and what their users are told."""

from dataclasses import replace
from datetime import timedelta

import pytest

from fairlead.api.refs import Manifest
from fairlead.api.status import FailureClass
from fairlead.diagnosis.pod_events import last_words, may_soon_need_events, needs_events
from fairlead.diagnosis.pods import diagnose
from fairlead.evidence import PodContext
from fairlead.finding import Finding
from tests.unit.kubelet import (
    BEGIN,
    condition,
    container,
    crashed,
    event,
    evidence,
    pod,
    running,
    terminated,
    unready,
)

ABOUT = PodContext(
    webservice="diabetes",
    inference_image="diabetes",
    image="localhost:5000/demo/diabetes@sha256:1",
    memory_limit="512Mi",
    startup_budget=310,
    longest_startup_s=381,
    liveness_window_s=20,
    keys_secret="diabetes-fairlead-keys",
)
FOREIGN = replace(ABOUT, inference_image=None, image="registry.example.com/team/server:1")
HOUR = 3600
KILLED_BY_LIVENESS = event(
    "Killing",
    "Container scoring failed liveness probe, will be restarted",
    seen=HOUR,
    type="Normal",
    container="scoring",
)


def told(manifest: Manifest, *events: Manifest, about: PodContext = ABOUT) -> Finding:
    finding = diagnose(evidence(manifest, *events), about)
    assert finding
    return finding


def unplaced(message: str, reason: str = "Unschedulable") -> Manifest:
    scheduled = condition("PodScheduled", "False", reason=reason, message=message)
    return pod(conditions=[scheduled], spec={"nodeName": ""}, containerStatuses=None)


# --- containers that others added


def test_a_sidecar_that_ends_at_once_is_named() -> None:
    last = terminated(1, 3, 3)
    proxy = container("istio-proxy", lastState=last, restartCount=2, state=unwell())
    scoring = container(state=running(), ready=True, started=True)
    finding = told(pod(scoring, proxy, phase="Running"))
    assert (finding.reason, finding.container) == ("InjectedContainerFailed", "istio-proxy")
    assert finding.message.startswith(
        "Container 'istio-proxy', which somebody added to the pod, ended with exit code 1, after "
        "0 s and is started again; without it the pod is not ready."
    )


def unwell() -> Manifest:
    return {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 20s"}}


def test_an_init_container_that_fails_is_named_and_one_that_is_done_is_not() -> None:
    done = container("init-volumes", state=terminated(0), ready=True)
    failing = container("vault-agent", state=terminated(2), lastState=terminated(2))
    waiting = container(state={"waiting": {"reason": "PodInitializing"}})
    finding = told(pod(waiting, init=(done, failing)))
    assert (finding.reason, finding.container) == ("InjectedContainerFailed", "vault-agent")
    assert "Init container 'vault-agent'" in finding.message
    assert "the others wait for it" in finding.message
    assert diagnose(evidence(pod(waiting, init=(done,))), ABOUT) is None


def test_a_native_sidecar_is_one_that_must_go_on() -> None:
    proxy = container("proxy", state=terminated(0), lastState=terminated(0), restartCount=1)
    spec = {"initContainers": [{"name": "proxy", "restartPolicy": "Always"}]}
    finding = told(pod(container(), init=(proxy,), spec=spec))
    assert (finding.reason, finding.container) == ("InjectedContainerFailed", "proxy")
    assert finding.message.startswith("Container 'proxy'")
    assert "ended with exit code 0" in finding.message


def test_the_script_is_blamed_before_a_sidecar() -> None:
    proxy = container("proxy", state=unwell(), lastState=terminated(1), restartCount=9)
    scoring = container(state=unwell(), lastState=terminated(9), restartCount=1)
    assert told(pod(proxy, scoring)).reason == "KubernetesCrashLoopBackOff"


# --- ends of the scoring container


def test_a_process_that_ends_by_itself_is_no_failed_probe() -> None:
    finding = told(crashed(0), about=FOREIGN)
    assert (finding.reason, finding.class_) == ("ContainerExited", FailureClass.USER)
    assert finding.message.startswith(
        "The container's process ended by itself, exit code 0, after 0 s; a server keeps running."
    )


@pytest.mark.parametrize(
    ("manifest", "reason", "words"),
    [
        pytest.param(
            crashed(137, 2, HOUR, ready_since=HOUR, reason="OOMKilled"),
            "PodOutOfMemory",
            "more memory than its limit of 512Mi",
            id="out of memory, as the kubelet says",
        ),
        pytest.param(
            crashed(137, 2, HOUR, ready_since=HOUR),
            "PodOutOfMemory",
            "as the kernel does where memory runs out; the kubelet does not say so",
            id="killed, and nobody says by whom",
        ),
        pytest.param(
            crashed(139, 2, HOUR, ready_since=HOUR),
            "KubernetesCrashLoopBackOff",
            "exit code 139 (SIGSEGV), after 3598 s",
            id="native code",
        ),
        pytest.param(
            crashed(1, 2, HOUR, ready_since=HOUR),
            "KubernetesCrashLoopBackOff",
            "exit code 1, after 3598 s",
            id="an error",
        ),
        pytest.param(
            crashed(0, 2, HOUR, ready_since=HOUR),
            "LivenessFailed",
            "was told to stop after 3598 s, most likely because it no longer answered",
            id="told to stop, and nobody says why",
        ),
        pytest.param(
            crashed(137, 2, 340, ready_since=340),
            "PodOutOfMemory",
            "was killed (exit code 137, SIGKILL)",
            id="killed after as long as a start-up may take, but it had served",
        ),
        pytest.param(
            crashed(1, 2, 340),
            "KubernetesCrashLoopBackOff",
            "exit code 1",
            id="ended by itself after as long as a start-up may take",
        ),
    ],
)
def test_what_had_served_did_not_run_out_of_start_up_time(
    manifest: Manifest, reason: str, words: str
) -> None:
    finding = told(manifest)
    assert finding.reason == reason
    assert words in finding.message


@pytest.mark.parametrize("code", [0, 137, 143])
def test_an_end_by_the_liveness_probe_is_the_kubelets_word(code: int) -> None:
    finding = told(crashed(code, 2, HOUR, ready_since=HOUR), KILLED_BY_LIVENESS)
    assert finding.reason == "LivenessFailed"
    assert "was stopped after 3598 s because it no longer answered" in finding.message


def test_the_kernels_word_goes_before_the_kubelets() -> None:
    manifest = crashed(137, 2, HOUR, ready_since=HOUR, reason="OOMKilled")
    assert told(manifest, KILLED_BY_LIVENESS).reason == "PodOutOfMemory"


def test_an_event_of_an_earlier_instance_explains_nothing() -> None:
    manifest = crashed(0, HOUR + 60, HOUR + 60, ready_since=HOUR)
    assert told(manifest, KILLED_BY_LIVENESS).reason == "ContainerExited"


@pytest.mark.parametrize("code", [0, 137, 143])
def test_a_start_up_that_took_too_long_is_told_by_its_length(code: int) -> None:
    assert told(crashed(code, 2, 320)).reason == "InitTimedOut"


def test_a_start_up_probe_that_failed_is_told_with_the_kubelets_last_try() -> None:
    killing = "Container scoring failed startup probe, will be restarted"
    events = [
        event("Killing", killing, seen=62, type="Normal", container="scoring"),
        event(
            "Unhealthy",
            "Startup probe failed: HTTP probe failed with statuscode: 404",
            seen=61,
            container="scoring",
        ),
    ]
    finding = told(crashed(0, 2, 62), *events, about=replace(FOREIGN, startup_budget=60))
    assert finding.reason == "InitTimedOut"
    assert finding.message.endswith(
        "The kubelet's last try: Startup probe failed: HTTP probe failed with statuscode: 404"
    )


def test_a_start_that_somebody_else_ended_did_not_run_out_of_time() -> None:
    record = (
        '{"schema": "fairlead.dev/startup-failure/v1", "stage": "init", '
        '"exception": "InitInterrupted", "elapsedSeconds": 3.2}'
    )
    finding = told(crashed(0, 2, 6, message=record))
    assert (finding.reason, finding.class_) == (
        "KubernetesCrashLoopBackOff",
        FailureClass.INFRASTRUCTURE,
    )
    assert "was told to stop 3 s after its start" in finding.message


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (
            "2026-11-26 10:00:03,123 E [1] fairlead - WORKER_COUNT is 'two', but must be a whole "
            "number from 1 to 1000.",
            "WORKER_COUNT is 'two', but must be a whole number from 1 to 1000.",
        ),
        (
            "===============Configuration Error=================\nSCORING_TIMEOUT_MS: Input should "
            "be a valid integer (environment variable: SCORING_TIMEOUT_MS)\n=========",
            "SCORING_TIMEOUT_MS: Input should be a valid integer",
        ),
        (
            "… E [1] fairlead - AML_CORS_ORIGINS cannot be used: '(' is no regular expression.",
            "AML_CORS_ORIGINS cannot be used: '(' is no regular expression.",
        ),
        (
            "… E [1] fairlead - Invalid config file!: /var/azureml-app/config.json cannot be used",
            "/var/azureml-app/config.json cannot be used",
        ),
    ],
)
def test_a_setting_that_the_runtime_refuses_is_named(message: str, words: str) -> None:
    finding = told(crashed(2, message=message))
    assert (finding.reason, finding.class_) == ("SettingInvalid", FailureClass.USER)
    assert finding.message.startswith(f"The scoring runtime refuses a setting: {words}")


def test_an_image_for_another_cpu_is_told_where_it_is_only_seen_at_its_start() -> None:
    finding = told(crashed(255, message="exec /opt/x/python: exec format error"), about=FOREIGN)
    assert finding.reason == "ContainerConfigInvalid"
    assert "another platform" in (finding.remedy or "")


# --- the pod as a whole


def test_an_evicted_pod_is_told_in_the_kubelets_words() -> None:
    unknown = {"exitCode": 137, "reason": "ContainerStatusUnknown"}
    said = "The node was low on resource: memory. Threshold quantity: 100Mi, available: 55Mi. "
    manifest = pod(
        container(state={"terminated": unknown}),
        phase="Failed",
        reason="Evicted",
        message=said,
    )
    finding = told(manifest)
    assert (finding.reason, finding.class_) == ("PodEvicted", FailureClass.RESOURCE)
    assert finding.message == f"The pod was evicted from node 'worker-2': {said.strip()}"
    assert "spec.resources.memory" in (finding.remedy or "")


@pytest.mark.parametrize(
    ("status", "reason", "words"),
    [
        (
            {"phase": "Failed", "reason": "Evicted", "message": "Pod ephemeral local storage usage "
             "exceeds the total limit of containers 1Gi. "},
            "PodEvicted",
            "ephemeral local storage",
        ),
        (
            {"phase": "Failed", "reason": "Terminated", "message": "Pod was terminated in response "
             "to imminent node shutdown."},
            "PodEvicted",
            "imminent node shutdown",
        ),
        (
            {"phase": "Failed", "reason": "OutOfcpu", "message": "Pod was rejected: Node didn't "
             "have enough resource: cpu, requested: 900, used: 250, capacity: 2000"},
            "PodRejected",
            "Node 'worker-2' does not take the pod: OutOfcpu: Pod was rejected",
        ),
        (
            {"phase": "Failed", "reason": "UnexpectedAdmissionError", "message": "Allocate failed "
             "due to no healthy devices present"},
            "PodRejected",
            "no healthy devices",
        ),
        ({"phase": "Failed", "reason": "NodeAffinity"}, "PodRejected", "NodeAffinity"),
        (
            {"phase": "Unknown", "reason": "NodeLost", "message": "Node worker-2 which was running "
             "pod is unresponsive"},
            "NodeLost",
            "Node 'worker-2' does not answer",
        ),
    ],
)  # fmt: skip
def test_a_pod_without_container_statuses_is_explained(
    status: Manifest, reason: str, words: str
) -> None:
    finding = told(pod(containerStatuses=None, **status))
    assert finding.reason == reason
    assert words in finding.message


def test_a_silent_node_is_told_from_a_pod_that_is_not_ready() -> None:
    serving = container(state=running(), ready=True, started=True)
    conditions = [condition("Ready", "False", 900), condition("ContainersReady", "True", 30)]
    assert told(pod(serving, conditions=conditions, phase="Running")).reason == "NodeLost"
    gate = condition("Ready", "False", reason="ReadinessGatesNotReady", message="gate 'x' is unset")
    gated = pod(serving, conditions=[gate, condition("ContainersReady", "True")], phase="Running")
    assert diagnose(evidence(gated), ABOUT) is None
    assert last_words(evidence(gated)) == "gate 'x' is unset"


def test_a_container_that_the_node_has_lost_did_not_run_out_of_memory() -> None:
    said = "The container could not be located when the pod was terminated"
    manifest = crashed(137, 2, HOUR, reason="ContainerStatusUnknown", message=said)
    finding = told(manifest)
    assert (finding.reason, finding.class_) == ("NodeLost", FailureClass.INFRASTRUCTURE)
    assert said in finding.message


def test_a_scheduling_gate_is_named() -> None:
    gated = unplaced("Scheduling is blocked due to non-empty scheduling gates", "SchedulingGated")
    gated["spec"]["schedulingGates"] = [{"name": "kueue.x-k8s.io/admission"}]
    finding = told(gated)
    assert finding.reason == "PodGated"
    assert "scheduling gate 'kueue.x-k8s.io/admission' holds it back" in finding.message


@pytest.mark.parametrize(
    ("message", "class_", "remedies"),
    [
        pytest.param(
            "0/3 nodes are available: 3 node(s) had untolerated taint {dedicated: gpu}. preemption:"
            " 0/3 nodes are available: 3 Preemption is not helpful for scheduling.",
            FailureClass.INFRASTRUCTURE,
            ["Add a node without taint dedicated: gpu, or take the taint off one "
             "(`kubectl taint nodes <node> dedicated-`)."],
            id="a taint",
        ),
        pytest.param(
            "0/3 nodes are available: 1 node(s) had untolerated taint {node-role.kubernetes.io/"
            "control-plane: }, 2 Insufficient cpu, 2 Insufficient memory. preemption: 0/3 nodes "
            "are available: 1 Preemption is not helpful for scheduling.",
            FailureClass.RESOURCE,
            ["Ask for less in spec.resources (cpu and memory), or add nodes that have room.",
             "Add a node without taint node-role.kubernetes.io/control-plane, or take"],
            id="a taint and too little room",
        ),
        pytest.param(
            "0/1 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/"
            "disk-pressure: }.",
            FailureClass.INFRASTRUCTURE,
            ["See the nodes with taint node.kubernetes.io/disk-pressure"],
            id="a node that is not well",
        ),
        pytest.param(
            "0/2 nodes are available: 2 node(s) had untolerated taint(s).",
            FailureClass.INFRASTRUCTURE,
            ["Add a node without a taint, or take the taint off one"],
            id="taints that the scheduler does not name",
        ),
        pytest.param(
            "0/2 nodes are available: 1 Insufficient nvidia.com/gpu, 1 Too many pods.",
            FailureClass.RESOURCE,
            ["Ask for less in spec.resources (gpu)", "run as many pods as they may"],
            id="no GPU",
        ),
        pytest.param(
            "0/2 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, "
            "1 node(s) were unschedulable.",
            FailureClass.INFRASTRUCTURE,
            ["Label a node as the node selector asks", "kubectl uncordon"],
            id="a selector and a cordoned node",
        ),
        pytest.param(
            "pod has unbound immediate PersistentVolumeClaims. not found",
            FailureClass.INFRASTRUCTURE,
            ["See the volume that was added to the pod"],
            id="a volume",
        ),
        pytest.param(
            "no nodes available to schedule pods",
            FailureClass.INFRASTRUCTURE,
            ["Add nodes."],
            id="no node",
        ),
    ],
)  # fmt: skip
def test_each_of_the_schedulers_causes_has_its_remedy(
    message: str, class_: FailureClass, remedies: list[str]
) -> None:
    finding = told(unplaced(message))
    assert (finding.reason, finding.class_) == ("PodUnschedulable", class_)
    counts = message.split(". preemption")[0].rstrip(".")
    assert finding.message == f"No node takes the pod: {counts}."
    assert [remedy for remedy in remedies if remedy not in (finding.remedy or "")] == []


def test_a_taint_is_no_reason_to_ask_for_less() -> None:
    finding = told(unplaced("0/1 nodes are available: 1 node(s) had untolerated taint {a: b}."))
    assert "spec.resources" not in (finding.remedy or "")


# --- images


@pytest.mark.parametrize(
    ("said", "class_", "remedy"),
    [
        (
            'rpc error: code = NotFound desc = failed to pull and unpack image "registry.example.'
            'com/team/server:1": no match for platform in manifest: not found',
            FailureClass.USER,
            "The image is for another platform than the node",
        ),
        ("manifest unknown", FailureClass.USER, "Correct the image's name, tag or digest."),
        ("pull access denied, repository does not exist", FailureClass.AUTH, "see its name"),
        ("toomanyrequests: You have reached your pull rate limit", FailureClass.INFRASTRUCTURE,
         "wait, or keep the image in another registry"),
        ("write /var/lib/x: no space left on device", FailureClass.RESOURCE, "disk is full"),
        ("tls: failed to verify certificate: x509: unknown authority",
         FailureClass.INFRASTRUCTURE, "trust the registry's certificate"),
        ("http: server gave HTTP response to HTTPS client", FailureClass.INFRASTRUCTURE, "no TLS"),
        ("dial tcp: lookup registry.example.com: no such host", FailureClass.INFRASTRUCTURE,
         "whether the nodes reach the registry"),
    ],
)  # fmt: skip
def test_each_cause_of_a_pull_that_fails_has_its_remedy(
    said: str, class_: FailureClass, remedy: str
) -> None:
    status = container(state={"waiting": {"reason": "ErrImagePull", "message": said}})
    finding = told(pod(status), about=FOREIGN)
    assert (finding.reason, finding.class_) == ("ImagePullFailed", class_)
    assert said in finding.message
    assert remedy in (finding.remedy or "")


def test_a_back_off_has_the_cause_of_the_error_before_it() -> None:
    said = f'Back-off pulling image "{FOREIGN.image}"'
    manifest = pod(container(state={"waiting": {"reason": "ImagePullBackOff", "message": said}}))
    failed = event(
        "Failed", f'Failed to pull image "{FOREIGN.image}": not found', container="scoring"
    )
    assert needs_events(evidence(manifest), BEGIN + timedelta(seconds=60))
    assert told(manifest, about=FOREIGN).class_ is FailureClass.INFRASTRUCTURE
    assert told(manifest, failed, about=FOREIGN).class_ is FailureClass.USER


def test_a_sidecars_image_is_not_the_users() -> None:
    said = {"waiting": {"reason": "ErrImagePull", "message": "proxy:9: not found"}}
    finding = told(pod(container(), container("proxy", state=said)))
    assert (finding.container, finding.class_) == ("proxy", FailureClass.INFRASTRUCTURE)
    assert finding.message.startswith("The node cannot pull the image of container 'proxy': ")


# --- what the kubelet cannot make


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (
            container(state={"waiting": {"reason": "CreateContainerError", "message": "context "
                      "deadline exceeded"}}),
            "The node cannot make the container: context deadline exceeded",
        ),
        (
            container(state={"waiting": {"reason": "PostStartHookError", "message": "it said no"}}),
            "it said no",
        ),
        (
            container(state={"waiting": {"reason": "SomethingNew"}}),
            "The node cannot make the container: SomethingNew",
        ),
        (
            container(
                lastState=terminated(128, reason="StartError", message='exec: "serve": executable '
                                     "file not found in $PATH"),
                state={"waiting": {"reason": "CrashLoopBackOff"}},
            ),
            'The node cannot make the container: exec: "serve": executable file not found in $PATH',
        ),
    ],
)  # fmt: skip
def test_the_kubelets_own_words_go_before_any_guess(status: Manifest, words: str) -> None:
    finding = told(pod(status))
    assert finding.reason == "ContainerConfigInvalid"
    assert words in finding.message


NO_KEYS = event(
    "FailedMount",
    'MountVolume.SetUp failed for volume "keys" : secret "diabetes-fairlead-keys" not found',
)
TIMED_OUT = event(
    "FailedMount",
    "Unable to attach or mount volumes: unmounted volumes=[keys], unattached volumes=[]: timed out "
    "waiting for the condition",
    seen=120,
)
BEING_SET_UP = pod(conditions=[condition("PodScheduled", "True"), *unready()[1:4]])


def test_a_volume_that_cannot_be_mounted_is_told_with_its_cause() -> None:
    finding = told(BEING_SET_UP, NO_KEYS, TIMED_OUT)
    assert finding.reason == "VolumeMountFailed"
    assert 'secret "diabetes-fairlead-keys" not found' in finding.message
    assert "is made again by itself, with new keys" in (finding.remedy or "")
    other = event("FailedMount", 'configmap "theirs" not found')
    assert told(BEING_SET_UP, other).class_ is FailureClass.DEPENDENCY
    assert told(BEING_SET_UP, TIMED_OUT).class_ is FailureClass.INFRASTRUCTURE


def test_a_volume_that_was_mounted_in_the_end_is_not_blamed() -> None:
    later = event("Pulling", "Pulling image", seen=11, type="Normal")
    assert diagnose(evidence(BEING_SET_UP, NO_KEYS, later), ABOUT) is None
    started = pod(container(), conditions=unready())
    assert diagnose(evidence(started, NO_KEYS), ABOUT) is None


def test_a_sandbox_that_cannot_be_made_is_told() -> None:
    said = 'Failed to create pod sandbox: plugin type="calico" failed (add): no addresses left'
    finding = told(BEING_SET_UP, event("FailedCreatePodSandBox", said))
    assert (finding.reason, finding.class_) == ("PodSandboxFailed", FailureClass.INFRASTRUCTURE)
    assert said in finding.message


def test_a_container_that_runs_and_is_not_ready_is_told_by_its_probe() -> None:
    serving = container(state=running(), started=True)
    said = "Readiness probe failed: HTTP probe failed with statuscode: 503"
    failed = event("Unhealthy", said, container="scoring", count=3)
    finding = told(pod(serving, phase="Running"), failed)
    assert (finding.reason, finding.container) == ("ReadinessFailed", "scoring")
    assert said in finding.message
    once = event("Unhealthy", said, container="scoring", count=1)
    assert diagnose(evidence(pod(serving, phase="Running"), once), ABOUT) is None


# --- when events are worth a request


@pytest.mark.parametrize(
    ("manifest", "age_s", "needed"),
    [
        pytest.param(BEING_SET_UP, 2, False, id="young"),
        pytest.param(BEING_SET_UP, 10, True, id="not begun"),
        pytest.param(pod(container(state=running())), 100, False, id="starting"),
        pytest.param(pod(container(state=running(), started=True)), 20, False, id="just started"),
        pytest.param(pod(container(state=running(), started=True)), 60, True, id="not ready"),
        pytest.param(unplaced("0/1 nodes are available"), 60, False, id="not placed"),
        pytest.param(crashed(0), 60, True, id="told to stop"),
        pytest.param(crashed(1), 60, False, id="an error"),
        pytest.param(crashed(137, reason="OOMKilled"), 60, False, id="out of memory"),
        pytest.param(pod(phase="Failed", reason="Evicted"), 60, False, id="evicted"),
    ],
)
def test_events_are_read_only_where_nothing_else_tells(
    manifest: Manifest,
    age_s: int,
    needed: bool,  # noqa: FBT001
) -> None:
    assert needs_events(evidence(manifest), BEGIN + timedelta(seconds=age_s)) is needed


@pytest.mark.parametrize(
    ("manifest", "age_s", "soon"),
    [
        pytest.param(BEING_SET_UP, 2, True, id="being set up"),
        pytest.param(BEING_SET_UP, 90, False, id="for long"),
        pytest.param(pod(container(state=running())), 2, False, id="begun"),
        pytest.param(unplaced("0/1 nodes are available"), 2, False, id="not placed"),
    ],
)
def test_a_pod_that_is_being_set_up_is_looked_at_again_soon(
    manifest: Manifest,
    age_s: int,
    soon: bool,  # noqa: FBT001
) -> None:
    now = BEGIN + timedelta(seconds=age_s)
    assert may_soon_need_events(evidence(manifest), now) is soon


def test_what_no_check_knows_is_still_said() -> None:
    quiet = evidence(BEING_SET_UP)
    assert last_words(quiet) is None
    odd = evidence(BEING_SET_UP, event("FailedDaemonPod", "something new"))
    assert last_words(odd) == "something new"
    copying = container("copy", state=running())
    waiting = container(state={"waiting": {"reason": "PodInitializing"}})
    assert last_words(evidence(pod(waiting, init=(copying,)))) == (
        "container 'copy' runs, but is not ready"
    )
