"""What a Webservice may ask of its pods, where no API server has looked at it."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from fairlead.api.pods import MountPath, PodAnnotations, PodLabels, PriorityClassName, Toleration
from fairlead.desired.deployment import deployment, revision_of
from tests.unit.objects import webservice

PATHS: TypeAdapter[str] = TypeAdapter(MountPath)
LABELS: TypeAdapter[dict[str, str]] = TypeAdapter(PodLabels)
ANNOTATIONS: TypeAdapter[dict[str, str]] = TypeAdapter(PodAnnotations)
CLASSES: TypeAdapter[str] = TypeAdapter(PriorityClassName)
IMAGE = f"localhost:5000/demo/diabetes@sha256:{'ab' * 32}"


@pytest.mark.parametrize(
    "path",
    [
        "/mnt/data",
        "/data",
        "/var/azureml-app/outputs",
        "/etc/ssl/own",
        "/opt/fairlead-too",
        "/home/x",
    ],
)
def test_folders_that_nobody_needs_can_be_mounted(path: str) -> None:
    assert PATHS.validate_python(path) == path


@pytest.mark.parametrize(
    "path",
    [
        *("/", "mnt", "/mnt/", "//mnt", "/mnt/../etc", "/..", "/mnt/a b", "/mnt\n", "/é"),
        *(
            "/tmp",
            "/etc",
            "/usr",
            "/proc/1",
            "/dev",
            "/sys/fs",
            "/run/secrets",
            "/var/run/fairlead",
        ),
        *("/opt/fairlead", "/opt/fairlead/env", "/var/azureml-app"),
        *("/var/azureml-app/azureml-models", "/var/azureml-app/azureml-models/credit"),
    ],
)
def test_folders_of_the_system_and_of_ours_cannot(path: str) -> None:
    with pytest.raises(ValidationError, match=r"absolute path|at least"):
        PATHS.validate_python(path)


@pytest.mark.parametrize(
    "key",
    ["fairlead.dev/webservice", "app.kubernetes.io/component", "a b", "", "-a", "/a", "A.b/c"],
)
def test_labels_that_decide_whose_a_pod_is_cannot_be_given(key: str) -> None:
    with pytest.raises(ValidationError):
        LABELS.validate_python({key: "x"})


@pytest.mark.parametrize(
    "key",
    [
        "container.apparmor.security.beta.kubernetes.io/scoring",
        "seccomp.security.alpha.kubernetes.io/pod",
        *("k8s.v1.cni.cncf.io/networks", "v1.multus-cni.io/default-network"),
        *("iam.amazonaws.com/role", "cni.projectcalico.org/ipv4pools", "k8s.ovn.org/pod-networks"),
        *("io.katacontainers.config.hypervisor.kernel", "io.kubernetes.cri-o.userns-mode"),
        "fairlead.dev/haproxy-cfg",
    ],
)
def test_annotations_that_take_a_restriction_from_pods_cannot_be_given(key: str) -> None:
    with pytest.raises(ValidationError, match="takes a restriction"):
        ANNOTATIONS.validate_python({key: "x"})


def test_annotations_of_others_can() -> None:
    given = {"sidecar.istio.io/inject": "false", "prometheus.io/scrape": "true", "note": "x"}
    assert ANNOTATIONS.validate_python(given) == given


def test_the_systems_own_classes_of_priority_are_not_for_services() -> None:
    assert CLASSES.validate_python("online") == "online"
    with pytest.raises(ValidationError, match="system's own"):
        CLASSES.validate_python("system-node-critical")


def test_a_toleration_says_no_more_than_it_was_given() -> None:
    assert Toleration(key="sku", value="gpu").to_wire() == {
        "key": "sku",
        "operator": "Equal",
        "value": "gpu",
    }


@pytest.mark.parametrize(
    "change",
    [
        {"podLabels": {"team": "credit"}},
        {"podAnnotations": {"example.com/note": "x"}},
        {"nodeSelector": {"pool": "a"}},
        {"writableSource": True},
        {"volumes": [{"mountPath": "/mnt/a", "emptyDir": {}}]},
    ],
)
def test_whatever_makes_other_pods_makes_another_revision(change: dict[str, Any]) -> None:
    before, after = (
        revision_of(deployment(webservice(imageRef={"name": "a"}, **spec), IMAGE))
        for spec in ({}, change)
    )
    assert before != after


def test_nobody_elses_label_replaces_ours() -> None:
    made = deployment(webservice(imageRef={"name": "a"}, podLabels={"team": "credit"}), IMAGE)
    template = made["spec"]["template"]["metadata"]["labels"]
    assert {**template, **made["spec"]["selector"]["matchLabels"]} == template
