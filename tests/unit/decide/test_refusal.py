"""What the API server refuses because of the spec is the user's, and names the spec's field."""

import json

import pytest
from kubernetes.aio.client import ApiException
from kubernetes.aio.dynamic.exceptions import api_exception

from fairlead.api.meta import WEBSERVICE
from fairlead.api.reasons import Reason
from fairlead.api.refs import Manifest
from fairlead.api.status import FailureClass
from fairlead.cluster import translate
from fairlead.decide.refusal import Refusal, refusal
from fairlead.decide.status_update import StatusUpdate, blocked, last_status_update
from fairlead.errors import OperatorError, StalledError, WaitingError
from tests.unit.objects import NOW, THEN, body

NODE_PORT = (
    'Service "credit" is invalid: spec.ports[0].nodePort: Invalid value: 80: provided port is not '
    "in the valid range. The range of valid ports is 30000-32767"
)


def answered(status: int, message: str, *fields: str) -> OperatorError:
    """What the client makes of the API server's answer to an apply."""
    causes = [{"reason": "FieldValueInvalid", "message": "x", "field": field} for field in fields]
    answer = {"kind": "Status", "message": message, "code": status, "details": {"causes": causes}}
    exception = ApiException(status=status, reason="refused")
    exception.body = json.dumps(answer)
    exception.headers = {"Content-Type": "application/json"}
    return translate(api_exception(exception), "Applying Service credit")


def test_a_node_port_out_of_range_is_the_users() -> None:
    said = refusal(answered(422, NODE_PORT, "spec.ports[0].nodePort"))
    assert (said.reason, said.class_) == (Reason.INVALID_SPEC, FailureClass.USER)
    assert said.message.startswith("The cluster refuses spec.expose.nodePort: Applying Service")
    assert "The range of valid ports is 30000-32767" in said.message
    assert said.remedy == "Correct spec.expose.nodePort and apply the object again."


CONTAINER = "spec.template.spec.containers[0]"


@pytest.mark.parametrize(
    ("paths", "fields"),
    [
        ([f"{CONTAINER}.resources.requests"], "spec.resources"),
        ([f"{CONTAINER}.resources.limits[memory]"], "spec.resources.limits"),
        ([f"{CONTAINER}.env[3].name"], "spec.environmentVariables"),
        ([f"{CONTAINER}.image", f"{CONTAINER}.image"], "spec.image"),
        ([f"{CONTAINER}.livenessProbe.timeoutSeconds"], "spec.probes"),
        (["spec.loadBalancerSourceRanges[0]"], "spec.expose.loadBalancer.sourceRanges"),
        (["spec.LoadBalancerSourceRanges[0]"], "spec.expose.loadBalancer.sourceRanges"),
        (["spec.rules[0].host"], "spec.expose.host"),
        (["spec.hostnames[0]", "spec.tls[0].secretName"], "spec.expose.host and spec.expose.tls"),
        (["spec.maxReplicas", "spec.metrics[0]"],
         "spec.autoscale.maxReplicas and spec.autoscale.targetUtilization"),
    ],
)  # fmt: skip
def test_each_field_of_what_we_make_is_told_by_the_field_it_is_made_from(
    paths: list[str], fields: str
) -> None:
    said = refusal(answered(422, "invalid", *paths))
    assert said.message.startswith(f"The cluster refuses {fields}: ")


def test_what_no_field_of_the_spec_is_to_blame_for_is_not_the_users() -> None:
    said = refusal(answered(422, "metadata.labels: Invalid value", "metadata.labels"))
    assert (said.reason, said.class_) == (Reason.INVALID, FailureClass.INFRASTRUCTURE)


@pytest.mark.parametrize(
    ("message", "class_", "remedy"),
    [
        (
            'services "credit" is forbidden: exceeded quota: small, requested: services.nodeports='
            "1, used: services.nodeports=0, limited: services.nodeports=0",
            FailureClass.USER,
            "Ask for less in spec.expose.type, or ask whoever runs the namespace",
        ),
        (
            'horizontalpodautoscalers "credit" is forbidden: exceeded quota: small, requested: '
            "count/horizontalpodautoscalers.autoscaling=1",
            FailureClass.USER,
            "Ask for less in the spec, or ask",
        ),
        (
            'admission webhook "policy.example.com" denied the request: no GPUs on Fridays',
            FailureClass.USER,
            "what the policy names",
        ),
        (
            "services \"credit\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' "
            "denied request: no",
            FailureClass.USER,
            "what the policy names",
        ),
        (
            'services "credit" is forbidden: User "system:serviceaccount:fairlead-system:fairlead" '
            'cannot patch resource "services" in API group "" in the namespace "demo"',
            FailureClass.AUTH,
            "The operator's role lacks this right",
        ),
    ],
)
def test_a_403_is_told_by_who_can_act(message: str, class_: FailureClass, remedy: str) -> None:
    said = refusal(answered(403, message))
    assert (said.reason, said.class_) == (Reason.FORBIDDEN, class_)
    assert message in said.message
    assert remedy in said.remedy


@pytest.mark.parametrize("path", ["", "spec", "x" * 100_000, "spec.ports[" + "9" * 9999])
def test_a_path_of_any_form_is_read(path: str) -> None:
    error = StalledError(Reason.INVALID, "invalid", fields=[path])
    assert refusal(error) == Refusal(
        Reason.INVALID, FailureClass.INFRASTRUCTURE, "invalid", "It is tried again by itself."
    )


def update(state: str, *, available: str = "True", uri: bool = True) -> StatusUpdate:
    times = {"lastTransitionTime": THEN.strftime("%Y-%m-%dT%H:%M:%SZ"), "reason": "Serving"}
    status: Manifest = {
        "state": state,
        "conditions": [{"type": "Available", "status": available, **times}],
        **({"scoringUri": "http://credit.demo.svc/score"} if uri else {}),
    }
    return last_status_update(body(WEBSERVICE, {}, status))


@pytest.mark.parametrize(
    ("before", "state"),
    [
        (update("Healthy"), "Healthy"),
        (update("Transitioning"), "Healthy"),
        (update("Healthy", uri=False), "Failed"),
        (update("Transitioning", available="Unknown"), "Failed"),
    ],
)
def test_a_service_that_goes_no_further_is_healthy_only_where_it_serves(
    before: StatusUpdate, state: str
) -> None:
    refused = answered(422, NODE_PORT, "spec.ports[0].nodePort")
    assert blocked(before, refused, attempt=0, now=NOW).fields["state"] == state


def test_what_will_be_tried_again_says_nothing_about_the_state() -> None:
    away = WaitingError(Reason.API_UNREACHABLE, "no answer")
    assert blocked(update("Transitioning"), away, 0, NOW).fields["state"] == "Transitioning"
