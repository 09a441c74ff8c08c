"""``Exposed``, the address, and what becomes of the Ingress or HTTPRoute."""

from dataclasses import replace
from typing import Any

import pytest

from fairlead.api.objects import Webservice
from fairlead.api.refs import Manifest
from fairlead.api.webservice import WebserviceStatus
from fairlead.decide.decision import Apply, Create, Decision, Delete
from fairlead.desired.child_kinds import HTTP_ROUTE, INGRESS
from fairlead.desired.exposure import Granted, called, http_route, ingress
from fairlead.evidence import ExposureEvidence
from tests.unit.decide.test_claims import GRANTING, HOST, granting, one
from tests.unit.decide.webservices import SERVING, changes, decided, evidence, made, said
from tests.unit.live import applied
from tests.unit.objects import NOW, webservice

INSIDE = "http://diabetes.demo.svc/score"
GRANTED = Granted("public", "nginx", gateway="infra/public")
ALONE = ExposureEvidence()
ADDRESS = {"loadBalancer": {"ingress": [{"ip": "192.0.2.7"}]}}


def asked(**spec: Any) -> Webservice:
    expose = {"type": "Ingress", "host": HOST, **spec.pop("expose", {})}
    return webservice(replicas=2, auth={"enabled": False}, expose=expose, **spec)


def looked(
    wanted: Webservice,
    way_in: Manifest | None = None,
    *,
    exposure: ExposureEvidence = ALONE,
    front: int = 0,
    **settings: str,
) -> Decision[WebserviceStatus]:
    children = made(wanted, front=front, **SERVING)
    if way_in is not None:
        children[way_in["kind"]] = way_in
    found = evidence(wanted, children=children)
    return decided(replace(found, settings=granting(**settings), exposure=exposure))


def live(wanted: Webservice, **status: Any) -> Manifest:
    built = ingress(wanted, GRANTED) or http_route(wanted, GRANTED)
    assert built is not None
    return applied(built, status)


def route(*conditions: tuple[str, str, str], **parent: Any) -> dict[str, Any]:
    """The status of a route, as the Gateway's controller writes it."""
    told = [
        {"type": type_, "status": status, "reason": reason, "message": "", "observedGeneration": 1}
        for type_, status, reason in conditions
    ]
    reference = {"namespace": "infra", "name": "public"}
    return {"parents": [{"parentRef": reference, "conditions": told, **parent}]}


TAKEN_IN = route(("Accepted", "True", "Accepted"), ("ResolvedRefs", "True", "ResolvedRefs"))


def test_an_ingress_is_made_where_it_is_granted_and_the_host_is_held() -> None:
    decision = looked(asked())
    [action] = changes(decision)
    assert isinstance(action, Apply)
    assert action.manifest["kind"] == "Ingress"
    assert said(decision)["Exposed"] == "Unknown/WaitingForAddress"
    assert said(decision)["Ready"] == "Unknown/WaitingForAddress"
    assert decision.status.scoring_uri == INSIDE
    assert decision.status.exposure is not None
    assert decision.status.exposure.host == HOST


@pytest.mark.parametrize(
    ("expose", "uri"),
    [
        ({}, f"http://{HOST}/score"),
        ({"tls": {"secretName": "mine"}}, f"https://{HOST}/score"),
    ],
)
def test_once_a_controller_has_taken_it_the_address_is_the_hosts(
    expose: dict[str, Any], uri: str
) -> None:
    wanted = asked(expose=expose)
    decision = looked(wanted, live(wanted, **ADDRESS))
    assert not changes(decision)
    assert said(decision)["Exposed"] == "True/Exposed"
    assert decision.status.scoring_uri == uri
    assert decision.status.swagger_uri == uri.replace("/score", "/swagger.json")
    [told] = [c.message for c in decision.conditions if c.type == "Exposed"]
    assert "where DNS leads it to 192.0.2.7" in told


def test_under_the_path_of_v1_it_waits_for_a_front() -> None:
    path = "/api/v1/service/diabetes"
    wanted = asked(front={}, expose={"path": path})
    waiting = looked(wanted, live(wanted, **ADDRESS))
    assert said(waiting)["Exposed"] == "Unknown/WaitingForAddress"
    assert waiting.status.scoring_uri == INSIDE
    fronted = looked(wanted, live(wanted, **ADDRESS), front=1)
    assert fronted.status.scoring_uri == f"http://{HOST}{path}/score"


@pytest.mark.parametrize(
    ("status", "condition", "uri"),
    [
        (TAKEN_IN, "True/Exposed", f"https://{HOST}/credit/score"),
        ({}, "Unknown/WaitingForAddress", INSIDE),
        (route(("Accepted", "True", "Accepted")), "Unknown/WaitingForAddress", INSIDE),
        (route(("Accepted", "False", "NotAllowedByListeners")), "False/RouteRefused", INSIDE),
        (
            route(("Accepted", "True", "x"), ("ResolvedRefs", "False", "BackendNotFound")),
            "False/RouteRefused",
            INSIDE,
        ),
        (
            route(("Accepted", "False", "x"), parentRef={"namespace": "infra", "name": "other"}),
            "Unknown/WaitingForAddress",
            INSIDE,
        ),
    ],
)
def test_a_route_is_what_its_gateway_says(status: Manifest, condition: str, uri: str) -> None:
    wanted = asked(expose={"type": "HTTPRoute", "path": "/credit"})
    decision = looked(wanted, live(wanted, **status))
    assert said(decision)["Exposed"] == condition
    assert decision.status.scoring_uri == uri


def test_what_was_said_of_an_earlier_generation_does_not_count() -> None:
    wanted = asked(expose={"type": "HTTPRoute"})
    changed = live(wanted, **TAKEN_IN)
    changed["metadata"]["generation"] = 2
    assert said(looked(wanted, changed))["Exposed"] == "Unknown/WaitingForAddress"


def test_what_a_gateway_says_is_repeated() -> None:
    wanted = asked(expose={"type": "HTTPRoute"})
    refusal = route(("Accepted", "False", "NotAllowedByListeners"))
    refusal["parents"][0]["conditions"][0]["message"] = "no listener for team demo"
    decision = looked(wanted, live(wanted, **refusal))
    assert decision.failure is not None
    assert "NotAllowedByListeners: no listener for team demo" in decision.failure.message
    assert decision.failure.remedy is not None
    assert HOST in decision.failure.remedy


def test_without_its_definition_no_route_is_made_and_it_is_looked_at_again() -> None:
    wanted = asked(expose={"type": "HTTPRoute"})
    decision = looked(wanted, exposure=ExposureEvidence(routes_missing=True))
    assert not changes(decision)
    assert said(decision)["Exposed"] == "False/GatewayApiMissing"
    assert decision.due_in_s <= 61
    assert decision.status.exposure is not None


@pytest.mark.parametrize(
    ("wanted", "settings", "reason", "words"),
    [
        (asked(), {"exposure_hosts": ""}, "ExposureOff", "exposure.hosts of the chart"),
        (asked(expose={"host": "x.org"}), {}, "ExposureNotGranted", "host 'x.org' is none of"),
        (asked(expose={"path": "/x"}), {}, "InvalidSpec", "nothing behind it answers under '/x'"),
    ],
)
def test_what_is_not_granted_is_withdrawn_and_told(
    wanted: Webservice, settings: dict[str, Any], reason: str, words: str
) -> None:
    decision = looked(wanted, live(wanted, **ADDRESS), **settings)
    [action] = changes(decision)
    assert isinstance(action, Delete)
    assert action.ref.plural == "ingresses"
    assert said(decision)["Exposed"] == f"False/{reason}"
    assert said(decision)["Available"] == "True/Serving"
    assert said(decision)["Stalled"] == f"True/{reason}"
    assert decision.failure is not None
    assert words in decision.failure.message
    assert decision.status.scoring_uri == INSIDE
    assert decision.status.exposure is None


@pytest.mark.parametrize(
    ("namespace", "told"), [("demo", "'first'"), ("other", "another namespace")]
)
def test_a_host_that_is_taken_is_left_to_whoever_has_it(namespace: str, told: str) -> None:
    mine = one("diabetes")
    other = one("first", namespace, contends=False)
    decision = looked(asked(), live(asked()), exposure=ExposureEvidence((mine, other)))
    assert [type(action) for action in changes(decision)] == [Delete]
    assert said(decision)["Exposed"] == "False/HostTaken"
    assert decision.failure is not None
    assert told in decision.failure.message
    assert ("first" in decision.failure.message) == (namespace == "demo")


def test_a_host_is_had_only_when_nothing_of_ours_leads_elsewhere() -> None:
    left = ExposureEvidence((one("diabetes"),), leads_elsewhere=True)
    decision = looked(asked(), exposure=left)
    assert not changes(decision)
    assert said(decision)["Exposed"] == "False/HostTaken"
    assert decision.status.exposure is None
    assert decision.due_in_s <= 6
    assert decision.failure is not None
    assert "in another namespace still leads" in decision.failure.message
    held = {"exposure": {"host": HOST, "path": "/", "since": "2026-11-22T09:30:00Z"}}
    holds = replace(asked(), status=WebserviceStatus.model_validate(held))
    assert said(looked(holds, exposure=left))["Exposed"] == "Unknown/WaitingForAddress"


NAMESAKE = replace(one("x", "demo", contends=False), service="demo-diabetes")


@pytest.mark.parametrize(
    ("exposure", "condition"),
    [
        (ExposureEvidence(namesakes=(NAMESAKE,)), "False/NamesakeExposed"),
        (ExposureEvidence(namesake_left=True), "False/NamesakeExposed"),
        (
            ExposureEvidence(namesakes=(replace(NAMESAKE, contends=True, since=NOW),)),
            "Unknown/WaitingForAddress",
        ),
    ],
    ids=["exposed", "left", "later"],
)
def test_what_controllers_would_take_for_anothers_is_not_exposed(
    exposure: ExposureEvidence, condition: str
) -> None:
    decision = looked(asked(), exposure=exposure)
    assert said(decision)["Exposed"] == condition
    assert bool(changes(decision)) == (condition == "Unknown/WaitingForAddress")
    assert (decision.status.exposure is None) == condition.startswith("False")
    if decision.failure is not None:
        assert "demo-diabetes" not in decision.failure.message  # whose it is stays unsaid


@pytest.mark.parametrize(
    ("namespace", "name", "together"),
    [
        ("demo", "credit-risk", "demo-credit-risk"),
        ("demo-credit", "risk", "demo-credit-risk"),
        ("demo--credit", "risk", "demo-credit-risk"),
    ],
)
def test_controllers_join_what_may_hold_a_dash(namespace: str, name: str, together: str) -> None:
    assert called(namespace, name) == together


def test_what_is_withdrawn_goes_though_something_else_is_in_the_way() -> None:
    wanted = asked()
    children = {**made(wanted, **SERVING), "Ingress": live(wanted, **ADDRESS)}
    service = children["Service"]
    foreign = {**service["metadata"], "ownerReferences": [], "labels": {}}
    children["Service"] = {**service, "metadata": foreign}
    found = evidence(wanted, children=children)
    stays = decided(replace(found, settings=granting()))
    assert said(stays)["Deployed"] == "False/NameTaken"
    assert not changes(stays)
    goes = decided(replace(found, settings=granting(exposure_hosts="")))
    assert said(goes)["Deployed"] == "False/NameTaken"
    [action] = changes(goes)
    assert isinstance(action, Delete)
    assert action.ref.plural == "ingresses"


def test_a_host_is_withdrawn_before_anything_that_may_be_refused() -> None:
    wanted = webservice(replicas=2, expose={"type": "Ingress", "host": HOST})
    children = {"Ingress": live(wanted, **ADDRESS)}
    found = evidence(wanted, children=children)
    gone = decided(replace(found, settings=granting(exposure_hosts="")))
    first, *others = gone.actions
    assert isinstance(first, Delete)
    assert {type(one) for one in others} == {Create, Apply}
    elsewhere = webservice(replicas=2, expose={"type": "HTTPRoute", "host": HOST})
    moved = decided(replace(evidence(elsewhere, children=children), settings=granting()))
    *before, last = moved.actions
    assert isinstance(last, Delete)
    assert {type(one) for one in before} == {Create, Apply}


def test_switched_off_our_ingress_goes_and_nobody_elses() -> None:
    plain = webservice(replicas=2, auth={"enabled": False})
    ours = looked(plain, live(asked(), **ADDRESS))
    assert [type(action) for action in changes(ours)] == [Delete]
    assert "Exposed" not in said(ours)
    foreign = live(asked())
    foreign["metadata"] = {**foreign["metadata"], "ownerReferences": [], "labels": {}}
    assert not changes(looked(plain, foreign))
    taken = looked(asked(), foreign)
    assert not changes(taken)
    assert said(taken)["Deployed"] == "False/NameTaken"
    assert taken.failure is not None
    assert taken.failure.remedy is not None
    assert "ingress/diabetes" in taken.failure.remedy


def test_the_spec_may_lack_what_its_type_needs() -> None:
    wanted = webservice(replicas=2, auth={"enabled": False}, expose={"type": "Ingress"})
    decision = looked(wanted, exposure_hosts="api.example.com")
    assert said(decision)["Exposed"] == "False/ExposureNotGranted"


def test_the_kinds_are_those_of_the_table() -> None:
    assert (INGRESS.key, HTTP_ROUTE.key) == ("Ingress", "HTTPRoute")
    assert set(GRANTING) <= set(type(granting()).model_fields)
