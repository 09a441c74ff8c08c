"""Which hosts are granted to whom, and who comes first."""

from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from fairlead.api.meta import WEBSERVICE
from fairlead.api.objects import Webservice, read_webservice
from fairlead.decide.webservice.claims import claim, held, rival, wanted
from fairlead.evidence import Claim
from fairlead.settings import Settings
from tests.unit.objects import NOW, THEN, body

HOST = "credit.apps.example.com"
GRANTING: dict[str, Any] = {
    "exposure_hosts": "*.apps.example.com api.example.com *.{namespace}.example.com",
    "exposure_ingress_classes": "public=nginx internal=other",
    "exposure_gateways": "infra/public=https",
    "exposure_cluster_issuers": "letsencrypt",
}


def granting(**settings: Any) -> Settings:
    return Settings(**{**GRANTING, **settings})


def asking(status: dict[str, Any] | None = None, /, **expose: Any) -> Webservice:
    spec = {"imageRef": {"name": "d"}, "expose": {"type": "Ingress", "host": HOST, **expose}}
    return read_webservice(body(WEBSERVICE, spec, status))


@pytest.mark.parametrize("host", [HOST, "api.example.com", "x.demo.example.com"])
def test_a_host_that_is_granted_may_be_had(host: str) -> None:
    found = claim(asking(host=host), granting())
    assert found == replace(one("diabetes"), host=host)


@pytest.mark.parametrize(
    "host",
    [
        "a.b.apps.example.com",
        "apps.example.com",
        "x.api.example.com",
        "x.other.example.com",
        "api.example.com.evil.org",
        "demo.example.com",
    ],
)
def test_no_other_may(host: str) -> None:
    found = wanted(asking(host=host), granting())
    assert claim(asking(host=host), granting()) is None
    assert found.refused == (
        f"host '{host}' is none of *.apps.example.com, api.example.com, *.demo.example.com",
    )


def test_everything_that_is_not_granted_is_told_at_once() -> None:
    asked = asking(host="x.org", ingressClassName="mine", tls={"clusterIssuer": "theirs"})
    assert [one.partition(" ")[0] for one in wanted(asked, granting()).refused] == [
        *("ingressClassName", "host", "tls.clusterIssuer"),
    ]
    [gateway, _] = wanted(asking(type="HTTPRoute", host="x.org", gateway="a/b"), granting()).refused
    assert gateway == "gateway 'a/b' is no Gateway of infra/public"
    none = wanted(asking(tls={"clusterIssuer": "x"}), granting(exposure_cluster_issuers=""))
    assert none.refused == ("tls.clusterIssuer 'x' is none of (none)",)


@pytest.mark.parametrize(
    ("type_", "settings", "says"),
    [
        (
            "Ingress",
            {"exposure_hosts": ""},
            "exposure.hosts of the chart (FAIRLEAD_EXPOSURE_HOSTS)",
        ),
        ("Ingress", {"exposure_ingress_classes": ""}, "exposure.ingressClasses of the chart"),
        (
            "HTTPRoute",
            {"exposure_hosts": "", "exposure_gateways": ""},
            "exposure.hosts and exposure.gateways of the chart",
        ),
    ],
)
def test_where_nothing_is_granted_the_settings_are_named(
    type_: str, settings: dict[str, str], says: str
) -> None:
    found = wanted(asking(type=type_), granting(**settings))
    assert says in found.off
    assert not found.allowed


def test_the_first_is_taken_where_none_is_named() -> None:
    assert wanted(asking(), granting()).granted.ingress_class == "public"
    assert wanted(asking(ingressClassName="internal"), granting()).granted.controller == "other"
    assert wanted(asking(type="HTTPRoute"), granting()).granted.gateway == "infra/public"


def test_an_ingress_has_a_path_only_where_something_answers_under_it() -> None:
    path = "/api/v1/service/diabetes"
    spec = {"imageRef": {"name": "d"}, "front": {}}
    expose = {"type": "Ingress", "host": HOST, "path": path}
    fronted = read_webservice(body(WEBSERVICE, {**spec, "expose": expose}))
    assert not wanted(fronted, granting()).unserved
    assert "type HTTPRoute" in wanted(asking(path=path), granting()).unserved
    assert "'/credit'" in wanted(asking(path="/credit"), granting()).unserved
    assert not wanted(asking(type="HTTPRoute", path="/credit"), granting()).unserved


def test_nothing_is_claimed_without_a_host() -> None:
    without = body(WEBSERVICE, {"imageRef": {"name": "d"}, "expose": {"type": "Ingress"}})
    assert claim(read_webservice(without), granting()) is None
    plain = body(WEBSERVICE, {"imageRef": {"name": "d"}})
    assert claim(read_webservice(plain), granting()) is None


def one(name: str, namespace: str = "demo", path: str = "/", *, contends: bool = True) -> Claim:
    return Claim(contends, THEN, namespace, name, HOST, path)


def winners(*claims: Claim) -> set[str]:
    return {mine.name for mine in claims if rival(mine, claims) is None}


@pytest.mark.parametrize(
    ("claims", "has"),
    [
        ((one("a"),), {"a"}),
        ((one("a"), one("b")), {"a"}),
        ((one("a"), one("b", path="/x")), {"a", "b"}),
        ((one("a"), one("b", contends=False)), {"b"}),
        ((one("a", "n1"), one("b", "n2", "/x")), {"a"}),
        ((one("a", "n2"), one("b", "n1"), one("c", "n2", "/x")), {"b"}),
        ((one("a", "n1"), one("b", "n2", contends=False), one("c", "n2", "/x")), {"b", "c"}),
    ],
)
def test_one_has_a_path_and_one_namespace_a_host(claims: tuple[Claim, ...], has: set[str]) -> None:
    for ordered in permutations(claims):
        assert winners(*ordered) == has


def test_whoever_has_it_keeps_it_though_the_other_was_made_earlier() -> None:
    has = {"exposure": {"host": HOST, "path": "/", "since": "2026-11-22T09:30:00Z"}}
    mine = claim(asking(has), granting())
    assert mine is not None
    assert not mine.contends
    older = one("older", "another")
    assert rival(mine, (older, mine)) is None
    assert rival(older, (older, mine)) == mine
    assert held(mine, NOW).since == THEN + timedelta(minutes=30)
    assert held(older, NOW).since == NOW


def test_nobody_has_had_a_host_for_longer_than_there_is_the_webservice() -> None:
    said = {"exposure": {"host": HOST, "path": "/", "since": "1970-01-01T00:00:00Z"}}
    mine = claim(asking(said), granting())
    assert mine is not None
    assert (mine.contends, mine.since) == (False, THEN)
    since_before = replace(one("older", "another", contends=False), since=THEN - timedelta(hours=1))
    assert rival(mine, (since_before, mine)) == since_before


def test_another_host_than_the_one_it_has_is_a_new_wish() -> None:
    has = {"exposure": {"host": HOST, "path": "/", "since": "2026-11-22T08:00:00Z"}}
    found = claim(asking(has, host="other.apps.example.com"), granting())
    assert found is not None
    assert found.contends
    assert found.since == THEN
