"""The keys' Secret is asked for again and again, and whoever uses the keys is told of new ones."""

from dataclasses import replace
from typing import Any

from fairlead.api.meta import WEBSERVICE
from fairlead.api.refs import Manifest
from fairlead.decide.decision import Create
from fairlead.decide.status_update import last_status_update, status_update
from tests.unit import kubelet
from tests.unit.decide.webservices import SERVING, decided, evidence, made, said
from tests.unit.objects import body, webservice

CREATED = {
    "type": "KeysReady",
    "status": "True",
    "reason": "KeysCreated",
    "lastTransitionTime": "2026-11-22T09:00:00Z",
}
NO_KEYS = kubelet.event(
    "FailedMount",
    'MountVolume.SetUp failed for volume "keys" : secret "diabetes-fairlead-keys" not found',
)


def asked(status: Manifest | None = None, *pods: Any) -> Create:
    wanted = webservice(status)
    given = evidence(wanted, children=made(wanted, **SERVING))
    decision = decided(replace(given, pods=pods))
    [create] = [action for action in decision.actions if isinstance(action, Create)]
    return create


def test_a_service_that_serves_asks_for_its_keys_too() -> None:
    create = asked({"conditions": [CREATED]})
    assert create.manifest["metadata"]["name"] == "diabetes-fairlead-keys"
    assert not create.missing


def test_a_pod_that_says_that_they_are_missing_is_believed_at_once() -> None:
    pod = kubelet.evidence(kubelet.pod(conditions=[]), NO_KEYS)
    assert asked({"conditions": [CREATED]}, pod).missing
    other = kubelet.event("FailedMount", 'secret "theirs" not found')
    status = {"conditions": [CREATED]}
    assert not asked(status, kubelet.evidence(kubelet.pod(conditions=[]), other)).missing


def test_keys_that_are_made_with_the_service_are_no_news_whoever_made_them() -> None:
    create = asked()
    assert create.news
    assert (create.news.type, create.news.reason) == ("KeysReady", "KeysCreated")
    assert create.found == create.news


def test_nothing_is_said_of_keys_before_they_are_there() -> None:
    assert "KeysReady" not in said(decided(evidence(webservice())))
    assert asked({"conditions": [CREATED]}).found is None


def test_keys_that_are_made_again_are_told_and_stay_told() -> None:
    news = asked({"conditions": [CREATED]}).news
    assert news
    assert news.reason == "KeysRecreated"
    assert news.message == (
        "Secret 'diabetes-fairlead-keys' was missing and was made again at 2026-11-22T10:00:00Z. "
        "The keys are new: whoever calls the service needs them."
    )
    known = {**CREATED, "reason": "KeysRecreated", "message": news.message}
    wanted = webservice({"conditions": [known]})
    for children in (made(wanted, **SERVING), {"Service": {"kind": "Service", "metadata": {}}}):
        decision = decided(evidence(wanted, children=children))
        assert decision.conditions[-1].message == news.message
    last = last_status_update(body(WEBSERVICE, {}, {"conditions": [known]}))
    assert last.conditions[-1].message == news.message


def test_news_takes_the_place_of_what_was_to_be_said() -> None:
    wanted = webservice({"conditions": [CREATED]})
    update = status_update(decided(evidence(wanted, children=made(wanted, **SERVING))))
    told = update.with_news(asked({"conditions": [CREATED]}).news)
    assert [c.reason for c in told.conditions if c.type == "KeysReady"] == ["KeysRecreated"]
    assert "made again" in told.changes[-1]
    assert update.with_news(None) is update


def test_a_service_without_keys_says_nothing_of_them() -> None:
    decision = decided(evidence(webservice(auth={"enabled": False})))
    assert "KeysReady" not in said(decision)
