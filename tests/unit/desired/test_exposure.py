"""The Ingress: nothing that a tenant writes becomes an annotation."""

import pytest

from fairlead.desired.exposure import NOTHING, Granted, http_route, ingress
from fairlead.desired.owned_fields import expected_hash
from tests.unit.live import applied, child
from tests.unit.objects import webservice

HOST = {"type": "Ingress", "host": "credit.example.com"}
ROUTE = {"type": "HTTPRoute", "host": "credit.example.com"}


@pytest.mark.parametrize(
    ("controller", "waits"),
    [
        ("nginx", {"nginx.ingress.kubernetes.io/proxy-read-timeout": "66"}),
        ("haproxy", {"haproxy.org/timeout-server": "66s"}),
        ("haproxy-ingress", {"haproxy-ingress.github.io/timeout-server": "66s"}),
        ("application-gateway", {"appgw.ingress.kubernetes.io/request-timeout": "66"}),
        ("other", {}),
    ],
)
def test_a_known_controller_waits_longer_than_the_service(
    controller: str, waits: dict[str, str]
) -> None:
    made = ingress(webservice(expose=HOST), Granted("public", controller))
    assert made is not None
    assert waits.items() <= made["metadata"]["annotations"].items()
    if not waits:
        assert list(made["metadata"]["annotations"]) == ["fairlead.dev/applied"]


@pytest.mark.parametrize("tls", [{"secretName": "credit-tls"}, {"issuer": "ours"}])
def test_traefik_answers_under_tls_where_that_is_wanted(tls: dict[str, str]) -> None:
    made = ingress(webservice(expose={**HOST, "tls": tls}), Granted("public", "traefik"))
    assert made is not None
    name = "traefik.ingress.kubernetes.io/router.tls"
    assert made["metadata"]["annotations"][name] == "true"
    plain = ingress(webservice(expose=HOST), Granted("public", "traefik"))
    assert plain is not None
    assert name not in plain["metadata"]["annotations"]


def test_the_administrators_word_counts_more_than_what_is_derived_and_less_than_the_issuer() -> (
    None
):
    theirs = {
        "nginx.ingress.kubernetes.io/proxy-read-timeout": "3600",
        "cert-manager.io/issuer": "another",
    }
    wanted = webservice(expose={**HOST, "tls": {"issuer": "ours"}})
    made = ingress(wanted, Granted("public", "nginx", theirs))
    assert made is not None
    found = made["metadata"]["annotations"]
    assert found["nginx.ingress.kubernetes.io/proxy-read-timeout"] == "3600"
    assert found["cert-manager.io/issuer"] == "ours"


def test_an_issuer_of_the_namespace_is_an_annotation_and_names_the_secret() -> None:
    made = ingress(webservice(expose={**HOST, "tls": {"issuer": "ours"}}), Granted("public"))
    assert made is not None
    assert made["metadata"]["annotations"]["cert-manager.io/issuer"] == "ours"
    assert made["spec"]["tls"][0]["secretName"] == "diabetes-fairlead-tls"


def test_nothing_is_made_that_is_not_granted() -> None:
    assert ingress(webservice(expose=HOST), NOTHING) is None
    assert ingress(webservice(expose=ROUTE), Granted("public")) is None
    assert ingress(webservice(), Granted("public")) is None
    assert ingress(webservice(expose={"type": "Ingress"}), Granted("public")) is None
    assert http_route(webservice(expose=ROUTE), NOTHING) is None
    assert http_route(webservice(expose=HOST), Granted(gateway="infra/public")) is None


def test_what_was_applied_is_what_is_wanted() -> None:
    for made in (
        ingress(webservice(expose=HOST), Granted("public", "nginx")),
        http_route(webservice(expose=ROUTE), Granted(gateway="infra/public")),
    ):
        assert made is not None
        assert child(applied(made)).owned_hash == expected_hash(made)
