"""What a Webservice may ask of its pods, where no API server has looked at it."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from fairlead.api.pods import MountPath, PodLabels, Toleration
from fairlead.desired.deployment import deployment, revision_of
from tests.unit.objects import webservice

PATHS: TypeAdapter[str] = TypeAdapter(MountPath)
LABELS: TypeAdapter[dict[str, str]] = TypeAdapter(PodLabels)
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
