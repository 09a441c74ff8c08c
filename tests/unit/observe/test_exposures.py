"""Who is told when somebody wants, has, or gives up a host."""

from typing import Any

from fairlead.api.meta import MODEL, WEBSERVICE
from fairlead.api.refs import Manifest
from fairlead.desired.child_kinds import HTTP_ROUTE, INGRESS
from fairlead.observe.exposures import Claims, exposure_kinds, hosts_led
from fairlead.observe.references import Key
from fairlead.settings import Settings
from tests.unit.decide.test_claims import HOST, granting
from tests.unit.objects import body

FIRST, SECOND = Key(WEBSERVICE, "demo", "first"), Key(WEBSERVICE, "demo", "second")


def wish(key: Key, host: str = HOST, since: str = "", **expose: Any) -> Manifest:
    spec = {"imageRef": {"name": "d"}, "expose": {"type": "Ingress", "host": host, **expose}}
    status = {"exposure": {"host": host, "path": "/", "since": since}} if since else None
    return body(WEBSERVICE, spec, status, name=key.name, namespace=key.namespace)


def names(claims: Claims, host: str = HOST) -> list[str]:
    return [one.name for one in claims.on(host)]


def test_those_that_come_later_are_told_and_not_those_before() -> None:
    claims = Claims(granting())
    assert list(claims.put(SECOND, wish(SECOND))) == []
    assert list(claims.put(FIRST, wish(FIRST))) == [SECOND]
    assert list(claims.put(FIRST, wish(FIRST))) == []
    assert names(claims) == ["second", "first"]
    assert list(claims.put(SECOND, None)) == []
    assert list(claims.put(SECOND, wish(SECOND))) == []
    assert list(claims.put(FIRST, None)) == [SECOND]
    assert names(claims) == ["second"]


def test_whoever_has_a_host_is_not_woken_by_others_that_want_it() -> None:
    claims = Claims(granting())
    claims.put(SECOND, wish(SECOND, since="2026-11-22T09:30:00Z"))
    assert list(claims.put(FIRST, wish(FIRST))) == []


def test_who_goes_to_another_host_or_path_is_told_of_on_both() -> None:
    claims = Claims(granting())
    other = "other.apps.example.com"
    claims.put(SECOND, wish(SECOND))
    claims.put(FIRST, wish(FIRST))
    assert list(claims.put(FIRST, wish(FIRST, other))) == [SECOND]
    assert (names(claims), names(claims, other)) == (["second"], ["first"])
    claims.put(FIRST, wish(FIRST))
    assert list(claims.put(FIRST, wish(FIRST, type="HTTPRoute", path="/x"))) == [SECOND]


def test_what_is_not_granted_or_cannot_be_read_stands_in_nobodys_way() -> None:
    claims = Claims(granting())
    claims.put(FIRST, wish(FIRST, "api.evil.org"))
    claims.put(SECOND, wish(SECOND, nodePort=-1))
    claims.put(Key(MODEL, "demo", "first"), wish(FIRST))
    claims.put(FIRST, body(WEBSERVICE, {"expose": "x"}, name="first"))
    assert names(claims, "api.evil.org") == names(claims) == []


def test_what_a_front_by_default_would_serve_counts() -> None:
    path = "/api/v1/service/first"
    by_default = Claims(granting(front_default=True))
    by_default.put(FIRST, wish(FIRST, path=path))
    assert names(by_default) == ["first"]
    by_default.put(FIRST, wish(FIRST, path="/other"))
    assert names(by_default) == []
    without = Claims(granting())
    without.put(FIRST, wish(FIRST, path=path))
    assert names(without) == []


def test_who_controllers_would_take_for_one_another_are_told_of_each_other() -> None:
    claims = Claims(granting())
    ours, theirs = Key(WEBSERVICE, "demo", "credit-risk"), Key(WEBSERVICE, "demo-credit", "risk")
    claims.put(theirs, wish(theirs, "theirs.apps.example.com", since="2026-11-22T09:30:00Z"))
    claims.put(ours, wish(ours))
    assert [one.name for one in claims.of("demo-credit-risk")] == ["risk", "credit-risk"]
    assert list(claims.put(theirs, None)) == [ours]
    route = wish(theirs, "theirs.apps.example.com", type="HTTPRoute")
    assert list(claims.put(theirs, route)) == []
    assert [one.name for one in claims.of("demo-credit-risk")] == ["credit-risk"]
    assert claims.of("") == ()


def test_who_has_no_host_itself_may_stand_before_what_is_called_the_same() -> None:
    claims = Claims(granting())
    ours, theirs = Key(WEBSERVICE, "demo-credit", "risk"), Key(WEBSERVICE, "demo", "credit-risk")
    claims.put(FIRST, wish(FIRST, since="2026-11-22T09:30:00Z"))
    claims.put(theirs, wish(theirs))
    claims.put(ours, wish(ours, "ours.apps.example.com"))
    assert list(claims.put(theirs, None)) == [ours]


def test_only_what_has_our_label_leads_anywhere() -> None:
    labels = {"labels": {"app.kubernetes.io/managed-by": "fairlead"}}
    spec = {"rules": [{"host": HOST}], "hostnames": ["b.org"]}
    assert hosts_led({"manifest": {"metadata": labels, "spec": spec}}) == {HOST, "b.org"}
    assert hosts_led({"manifest": {"metadata": labels}}) == frozenset()
    assert hosts_led({"manifest": {"metadata": {}, "spec": spec}}) == frozenset()
    assert hosts_led({}) == frozenset()


def test_kinds_that_are_not_granted_are_not_watched() -> None:
    assert exposure_kinds(Settings()) == ()
    assert exposure_kinds(granting(exposure_gateways="")) == (INGRESS,)
    assert exposure_kinds(granting()) == (INGRESS, HTTP_ROUTE)
