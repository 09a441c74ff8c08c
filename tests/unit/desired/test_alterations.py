"""What is told of an object that is not what we set, on objects that a real API server wrote."""

import time

import pytest

from fairlead.api.refs import Manifest
from fairlead.desired.alterations import MAX_TOLD, alterations
from fairlead.desired.service import service
from tests.unit.decide.test_drift import (
    CHANGED,
    DRIFTED,
    LARGE,
    MAX_HASHING_S,
    SAME,
    files,
    recorded,
)
from tests.unit.live import applied
from tests.unit.objects import webservice


@pytest.mark.parametrize("file", files(SAME))
def test_nothing_is_told_of_what_is_as_we_set_it(file: str) -> None:
    assert alterations(*recorded(file)) == ()


@pytest.mark.parametrize("file", [*files(DRIFTED), CHANGED])
def test_something_is_told_of_whatever_has_drifted(file: str) -> None:
    told = alterations(*recorded(file))
    assert 0 < len(told) <= MAX_TOLD + 1
    assert all(words and len(words) < 200 for words in told)


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (CHANGED, "spec.template.spec.terminationGracePeriodSeconds (10, not 71)"),
        ("scaled.Deployment.json", "spec.replicas, set by kubectl"),
        ("hpa-max.HorizontalPodAutoscaler.json", "spec.maxReplicas, set by kubectl-patch"),
        (
            "resources-changed.Deployment.json",
            "spec.template.spec.containers[scoring].resources.limits.memory, set by kubectl-set",
        ),
        (
            "env-filled.Deployment.json",
            "spec.template.spec.containers[scoring].env[EMPTY].value, set by kubectl-set",
        ),
        ("env-removed.Deployment.json", "spec.template.spec.containers[scoring].env[PLAIN]"),
        (
            "service-port-changed.Service.json",
            "spec.ports[80,TCP].targetPort, set by kubectl-patch",
        ),
        ("annotation-removed.Deployment.json", "metadata.annotations.fairlead.dev/applied"),
        ("volume-replaced.Deployment.json", "spec.template.spec.volumes[tmp].emptyDir"),
    ],
)
def test_the_field_is_told_and_who_has_set_it(file: str, words: str) -> None:
    assert alterations(*recorded(file)) == (words,)


def test_of_many_the_first_few_are_told() -> None:
    told = alterations(*recorded("restored.Deployment.json"))
    assert (len(told), told[-1]) == (MAX_TOLD + 1, "and others")


def test_a_value_that_is_text_is_not_told() -> None:
    """It may be a secret: a variable of the container."""
    wanted, live = recorded("env-changed.Deployment.json")
    assert "two" in str(live)
    assert "two" not in str(alterations(wanted, live))


@pytest.mark.parametrize("case", sorted(LARGE))
def test_an_object_that_is_made_to_take_long_does_not(case: str) -> None:
    began = time.process_time()
    alterations(service(webservice()), LARGE[case])
    assert time.process_time() - began < MAX_HASHING_S


@pytest.mark.parametrize(
    "junk", [None, "x", [None, {}, {"manager": 3, "fieldsV1": {"f:spec": [1]}}]], ids=str
)
def test_records_of_another_shape_are_told_as_what_they_are(junk: object) -> None:
    live = applied(service(webservice()))
    live["metadata"]["managedFields"] = junk
    assert alterations(service(webservice()), live) != ()


def test_a_manager_with_a_long_name_is_cut() -> None:
    live = applied(service(webservice()))
    fields: Manifest = {"f:spec": {"f:type": {}}}
    theirs = {"manager": "m" * 5000, "operation": "Update", "fieldsV1": fields}
    mine = live["metadata"]["managedFields"][0]
    mine["fieldsV1"]["f:spec"].pop("f:type")
    live["metadata"]["managedFields"] = [mine, theirs]
    assert alterations(service(webservice()), live) == (f"spec.type, set by {'m' * 64}",)
