"""The front's children: what is in the configuration, and whom its selectors select."""

from dataclasses import replace
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from fairlead.api.refs import Manifest
from fairlead.desired.child_kinds import CHILD_KINDS, DEPLOYMENT, Known
from fairlead.desired.deployment import deployment
from fairlead.desired.front import (
    CONFIGURATION,
    FrontSettings,
    front_deployment,
    front_disruption_budget,
    front_parameters,
    pods_service,
    with_front_by_default,
)
from fairlead.desired.front_configuration import FrontParameters, front_configuration
from fairlead.desired.request_limits import RequestLimits, request_limits, runtime_variables
from fairlead.evidence import ChildEvidence
from fairlead.observe.projection import project
from tests.golden.test_children import CASES as CHILDREN
from tests.golden.test_front_configuration import ONE
from tests.unit.objects import webservice

FRONT = FrontSettings("haproxy:3.2", serves=True)
HOSTILE = "x\n    http-request return status 200 string ${HOME} %[env(HOME)] '\"\\"


def configuration(**spec: Any) -> str:
    made = front_deployment(webservice(front={}, **spec), FRONT)
    assert made
    return str(made["spec"]["template"]["metadata"]["annotations"][CONFIGURATION])


def test_nothing_that_a_user_writes_as_text_is_in_the_configuration() -> None:
    """Numbers and the DNS names alone are: whatever else is said, it is the same."""
    plain = configuration(image="credit:1")
    assert plain == configuration(image=f"registry.example.com/{'a' * 60}:b")
    assert plain == configuration(image="credit:1", environmentVariables={"NOTE": HOSTILE})
    assert plain == configuration(image="credit:1", pullSecretRef={"name": "team-pull"})
    assert plain == configuration(image="credit:1", resources={"cpu": "2", "memory": "1Gi"})


@given(st.text(max_size=80))
def test_a_name_that_is_none_makes_no_configuration(name: str) -> None:
    allowed = set("abcdefghijklmnopqrstuvwxyz0123456789-")
    good = 0 < len(name) <= 63 and set(name) <= allowed and "-" not in (name[0], name[-1])
    if good:
        assert f"service/{name}(" in front_configuration(replace(ONE, service=name))
    else:
        with pytest.raises(ValueError, match="not a DNS name"):
            replace(ONE, service=name)


@pytest.mark.parametrize("name", [HOSTILE, "a b", "a\n", "A", "é", "", "-a", "a" * 64, "a..b"])
def test_hostile_names_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not a DNS name"):
        replace(ONE, pods=f"credit.{name}.svc")
    with pytest.raises(ValueError, match="not a DNS name"):
        replace(ONE, anyone=f"credit.{name}.svc")
    with pytest.raises(ValueError, match="not a DNS name"):
        replace(ONE, few=f"credit.{name}.svc")
    with pytest.raises(ValueError, match="not a DNS name"):
        replace(ONE, pods=".".join(["a" * 60] * 5))


def test_every_name_is_short_enough_for_its_kind() -> None:
    longest = "a" * 50
    assert all(len(kind.name(longest)) <= 63 for kind in CHILD_KINDS if kind.kind == "Service")


def matches(selector: Manifest, labels: Manifest) -> bool:
    return selector.items() <= labels.items()


def test_what_selects_replicas_selects_no_front_and_the_other_way_round() -> None:
    wanted = webservice(front={})
    made = {kind.key: kind.wanted(wanted, Known("image", front=FRONT)) for kind in CHILD_KINDS}
    front, scoring = (
        (made[key] or {})["spec"]["template"]["metadata"]["labels"]
        for key in ("Deployment-fairlead-front", "Deployment")
    )
    replicas = [
        made["Deployment"]["spec"]["selector"]["matchLabels"],  # type: ignore[index]
        made["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],  # type: ignore[index]
        pods_service(wanted)["spec"]["selector"],  # type: ignore[index]
        made["Service-fairlead-any"]["spec"]["selector"],  # type: ignore[index]
    ]
    fronts = [
        made["Deployment-fairlead-front"]["spec"]["selector"]["matchLabels"],  # type: ignore[index]
        front_disruption_budget(wanted)["spec"]["selector"]["matchLabels"],  # type: ignore[index]
        made["Service"]["spec"]["selector"],  # type: ignore[index]
    ]
    assert [matches(one, scoring) for one in (*replicas, *fronts)] == [True] * 4 + [False] * 3
    assert [matches(one, front) for one in (*replicas, *fronts)] == [False] * 4 + [True] * 3


def test_a_service_without_a_front_is_as_it_always_was() -> None:
    for wanted in (webservice(), webservice(front={"enabled": False})):
        made = {kind.key: kind.wanted(wanted, Known("image", front=FRONT)) for kind in CHILD_KINDS}
        assert {key for key, manifest in made.items() if manifest} == {
            *("Deployment", "Service", "PodDisruptionBudget", "HorizontalPodAutoscaler")
        }
        assert made == {
            kind.key: kind.wanted(webservice(), Known("image", front=replace(FRONT, serves=False)))
            for kind in CHILD_KINDS
        }


def deployed(**spec: Any) -> ChildEvidence:
    return project(DEPLOYMENT, deployment(webservice(**spec), "image"))


@pytest.mark.parametrize(
    ("spec", "live", "has_one"),
    [
        ({}, None, True),
        ({}, deployed(front={}), True),
        ({}, deployed(), False),
        ({"front": {}}, deployed(), True),
        ({"front": {"enabled": False}}, None, False),
        ({"computeType": "ACI"}, None, False),
        ({"debug": {}, "replicas": 1}, None, False),
    ],
)
def test_a_front_by_default_is_for_what_is_first_deployed(
    spec: Manifest, live: ChildEvidence | None, *, has_one: bool
) -> None:
    meant = with_front_by_default(webservice(**spec), live)
    assert (meant.spec.fronted is not None) is has_one


def test_a_replica_is_ready_for_as_long_as_the_settings_say_before_another_ends() -> None:
    for seconds in (0, 31):
        settings = replace(FRONT, handover_s=seconds)
        made = DEPLOYMENT.wanted(webservice(front={}), Known("image", front=settings)) or {}
        assert made["spec"]["minReadySeconds"] == seconds
    assert "minReadySeconds" not in deployment(webservice(), "image")["spec"]
    hasty = webservice(front={}, rollout={"progressDeadlineSeconds": 30})
    made = DEPLOYMENT.wanted(hasty, Known("image", front=replace(FRONT, handover_s=300))) or {}
    assert made["spec"]["minReadySeconds"] < made["spec"]["progressDeadlineSeconds"]


def test_debug_mode_takes_the_front_by_default_away_and_its_end_brings_it_back() -> None:
    """In debug mode the front goes, and the Deployment goes on saying that it was made for one."""
    debugged = with_front_by_default(webservice(debug={}, replicas=1), deployed(front={}))
    assert debugged.spec.fronted is None
    live = project(DEPLOYMENT, deployment(debugged, "image"))
    assert with_front_by_default(webservice(), live).spec.fronted is not None


@pytest.mark.parametrize(
    ("spec", "at_most"), [({}, 10), ({"autoscale": {"maxReplicas": 3}}, 3), ({"replicas": 3}, None)]
)
def test_the_front_knows_how_many_replicas_an_autoscaler_may_make(
    spec: Manifest, at_most: int | None
) -> None:
    wanted = webservice(front={}, **spec)
    assert wanted.spec.fronted
    assert front_parameters(wanted, wanted.spec.fronted, "cluster.local").at_most == at_most


@pytest.mark.parametrize(
    ("spec", "limits"),
    [
        ({}, RequestLimits(1, 500, 60_000, 100)),
        (
            {
                "environmentVariables": {
                    "WORKER_COUNT": "3",
                    "FAIRLEAD_MAX_QUEUE_WAIT_MS": "0",
                    "FAIRLEAD_MAX_BODY_MB": "7",
                }
            },
            RequestLimits(3, 0, 60_000, 7),
        ),
        (
            {
                "concurrency": {"maxConcurrentRequests": 2, "maxQueueWaitMilliseconds": 90},
                "scoringTimeoutMilliseconds": 1500,
            },
            RequestLimits(2, 90, 1500, 100),
        ),
    ],
)
def test_limits_come_from_the_spec_else_its_variables_else_v1(
    spec: Manifest, limits: RequestLimits
) -> None:
    assert request_limits(webservice(**spec)) == limits


@pytest.mark.parametrize(
    ("spec", "handed_on"),
    [
        ({}, "500"),
        ({"environmentVariables": {"FAIRLEAD_MAX_QUEUE_WAIT_MS": "0500"}}, "0500"),
        ({"concurrency": {"maxConcurrentRequests": 2, "maxQueueWaitMilliseconds": 90}}, "90"),
        (
            {
                "environmentVariables": {"FAIRLEAD_MAX_QUEUE_WAIT_MS": "0500"},
                "front": {"replicas": 2},
            },
            "0",
        ),
    ],
)
def test_a_variable_is_handed_on_as_the_user_wrote_it(spec: Manifest, handed_on: str) -> None:
    """Else an upgrade of the operator would start every pod anew."""
    assert runtime_variables(webservice(**spec))["FAIRLEAD_MAX_QUEUE_WAIT_MS"] == handed_on


def test_where_none_may_wait_the_queue_still_has_a_limit() -> None:
    """HAProxy takes 0 for no limit at all."""
    assert "timeout queue 1ms\n" in configuration(
        environmentVariables={"FAIRLEAD_MAX_QUEUE_WAIT_MS": "0"}
    )


def test_the_pods_end_after_the_last_request_that_a_front_has_taken() -> None:
    parameters = FrontParameters(
        "credit", "a.b", 5001, 3, RequestLimits(1, 500, 1000, 1), "c.d", "e.f"
    )
    made = front_deployment(webservice(front={}, scoringTimeoutMilliseconds=1000), FRONT)
    assert made
    grace: int = made["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
    assert f"hard-stop-after {parameters.longest_s}s\n" in configuration(
        scoringTimeoutMilliseconds=1000
    )
    assert grace > parameters.longest_s + 5


@pytest.mark.parametrize("mesh", ["istio", "linkerd"])
def test_beside_a_sidecar_each_replica_has_an_address_and_a_protocol(mesh: str) -> None:
    """What docs/front.md relies on, in the children that golden files show: Envoy passes on to an
    address of a headless Service, and a port's name says what is spoken at it."""
    made = list(yaml.safe_load_all((CHILDREN / mesh / "children.yaml").read_text()))
    services = {one["metadata"]["name"]: one["spec"] for one in made if one["kind"] == "Service"}
    assert services["diabetes-fairlead-pod"]["clusterIP"] == "None"
    assert {port["name"] for one in services.values() for port in one["ports"]} == {"http"}
    replicas = next(one for one in made if one["kind"] == "Deployment")
    given = yaml.safe_load((CHILDREN / mesh / "webservice.yaml").read_text())
    template = replicas["spec"]["template"]["metadata"]
    assert template["annotations"] == given["podAnnotations"]
    assert given.get("podLabels", {}).items() <= template["labels"].items()
