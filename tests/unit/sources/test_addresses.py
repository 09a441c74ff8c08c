"""Addresses: what may be fetched from, and what is nobody's business."""

import pytest

from fairlead.api.reasons import Reason
from fairlead.registry.addresses import NamedHosts
from fairlead.sources.addresses import checked, next_hop, shown
from fairlead.sources.base import SourceError
from fairlead.sources.uri import file_name


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("http://h/m", "http://h/m is not protected by TLS."),
        ("ftp://h/m", "ftp://h/m is not an https:// address."),
        ("file:///etc/passwd", "file:///etc/passwd is not an https:// address."),
        ("HTTPS:///m", "HTTPS:///m is not an https:// address."),
        ("https://u:hunter2@h/m", "https://***@h/m carries a user name or password."),
        ("https://u@h/m", "https://***@h/m carries a user name or password."),
        ("https://h:x/m", "https://h:x/m is no address (Port could not be cast to integer"),
        ("https://[::1/m", "https://[::1/m is no address (Invalid IPv6 URL)."),
        ("https://h/a b", "https://h/a b is too long, or holds characters that no address may."),
        ("https://h/\u202em", "https://h/m is too long, or holds characters"),
        ("https://h/" + 9000 * "a", "is too long"),
    ],
)
def test_an_address_that_may_not_be_fetched_is_refused_in_words(uri: str, message: str) -> None:
    with pytest.raises(SourceError) as refused:
        checked(uri, NamedHosts())
    assert refused.value.reason is Reason.MODEL_SOURCE_REFUSED
    assert message in str(refused.value)
    assert not refused.value.retryable
    assert "hunter2" not in f"{refused.value} {refused.value.remedy}"


@pytest.mark.parametrize(
    ("uri", "hosts"),
    [
        ("https://models.example.com/a/m.pkl?x=1", ()),
        ("https://[2001:db8::1]:8443/m", ()),
        ("http://h/m", ("h",)),
        ("http://h:8080/m", ("h:8080",)),
        ("http://h/m", ("h:80",)),
        ("http://[::1]:81/m", ("[::1]:81",)),
        ("http://H/m", ("h",)),
    ],
)
def test_https_is_always_fit_and_http_where_the_settings_say(
    uri: str, hosts: tuple[str, ...]
) -> None:
    assert checked(uri, NamedHosts.insecurely(hosts))


def test_one_port_of_a_host_does_not_stand_for_another() -> None:
    with pytest.raises(SourceError):
        checked("http://h:8081/m", NamedHosts.insecurely(("h:8080",)))


def test_a_refusal_after_a_redirect_names_both_addresses() -> None:
    with pytest.raises(SourceError) as refused:
        checked("http://169.254.169.254/latest", NamedHosts(), via="https://models.example.com/m")
    assert str(refused.value) == (
        "https://models.example.com/m leads to http://169.254.169.254/latest, which is not "
        "protected by TLS."
    )


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("https://h/a/model.pkl", "model.pkl"),
        ("https://h/a/model.pkl?version=2", "model.pkl"),
        ("https://h/my%20model.pkl", "my model.pkl"),
        ("https://h/my%20model%20(1).h5", "my model (1).h5"),
        ("https://h/mod%C3%A8le,%20v2%5B1%5D.pkl", "modèle, v2[1].pkl"),
        ("https://h/model%FF.pkl", "credit"),
        ("https://h/a%5Cb", "credit"),
        ("https://h/%20", "credit"),
        ("https://h/a%0Ab", "credit"),
        ("https://h/%E2%80%AEpkl", "credit"),
        ("https://h/", "credit"),
        ("https://h", "credit"),
        ("https://h/..", "credit"),
        ("https://h/%2e%2e%2fetc", "credit"),
        ("https://h/.hidden", "credit"),
        ("https://h/a%00b", "credit"),
        ("https://h/" + 300 * "a", "credit"),
    ],
)
def test_a_file_is_named_by_the_address_where_that_is_a_name(uri: str, name: str) -> None:
    assert file_name(uri, "credit") == name


def test_a_redirect_may_be_relative() -> None:
    assert next_hop("https://h/a/b", "../c?x") == "https://h/c?x"


def test_a_redirect_to_nonsense_is_refused() -> None:
    with pytest.raises(SourceError, match="is no address"):
        next_hop("https://h/a", "https://[::1")


def test_an_address_is_shown_without_what_makes_it_a_key() -> None:
    assert shown("https://h/m?sv=1&sig=abc") == "https://h/m?sv=1&sig=***"
