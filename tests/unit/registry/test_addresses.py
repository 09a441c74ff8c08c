"""What tasks may connect to: addresses in every form, names, and what only settings may allow."""

import socket
from typing import Any

import pytest

from fairlead.registry.addresses import (
    AddressRefusedError,
    NamedHosts,
    check_beyond_proxy,
    check_protection,
    connectable,
    is_forbidden,
)
from fairlead.settings import Settings

PUBLIC = "93.184.216.34"


def resolving(monkeypatch: pytest.MonkeyPatch, **names: list[str]) -> None:
    """The name server's word for some names (``_`` for ``.``); others are not known."""
    known = {name.replace("_", "."): addresses for name, addresses in names.items()}
    real = socket.getaddrinfo

    def getaddrinfo(host: str, port: Any, *args: Any, **more: Any) -> Any:
        if host not in known or more.get("flags") == socket.AI_NUMERICHOST:
            return real(host, port, *args, **{**more, "flags": socket.AI_NUMERICHOST})
        found = (real(a, port, *args, **more) for a in known[host])
        return [entry for entries in found for entry in entries]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.8.8",
        "0.0.0.0",
        "0.1.2.3",
        "169.254.169.254",
        "169.254.170.2",
        "168.63.129.16",
        "100.100.100.200",
        "192.0.0.192",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "::127.0.0.1",
        "fe80::1",
        "fe80::1%eth0",
        "fe80::a9fe:a9fe",
        "fec0::1",
        "ff02::1",
        "fd00:ec2::254",
        "fd00:ec2::23",
        "fd20:ce::254",
        "fd00:c1::a9fe:a9fe",
        "fd00:42::42",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:0:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b::168.63.129.16",
        "64:ff9b:1::a9fe:a9fe",
        "2002:7f00:1::",
        "2002:a9fe:a9fe::1",
        "2001:0:a9fe:a9fe::1",
    ],
)
def test_an_address_that_means_this_machine_or_its_cloud_is_forbidden(address: str) -> None:
    assert is_forbidden(address)


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.1",
        "192.168.1.1",
        "172.16.0.1",
        PUBLIC,
        "100.100.100.201",
        "2606:2800::1",
        "fd12:3456::1",
        "64:ff9b::5db8:d822",
        "2002:5db8:d822::1",
        "::ffff:93.184.216.34",
    ],
)
def test_other_addresses_are_not_our_business(address: str) -> None:
    assert not is_forbidden(address)


@pytest.mark.parametrize(
    "host",
    [
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "0",
        "2852039166",
        "::1",
        "::ffff:a9fe:a9fe",
        "localhost",
    ],
)
def test_every_way_to_write_an_address_is_read_as_the_system_reads_it(host: str) -> None:
    with pytest.raises(AddressRefusedError, match=r"^is at .*, an address that only") as refused:
        connectable(host, 443, NamedHosts())
    assert refused.value.lasting


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("metadata.google.internal", "is a name of the cloud's metadata service"),
        ("METADATA.google.internal.", "is a name of the cloud's metadata service"),
        ("instance-data", "is a name of the cloud's metadata service"),
        ("kubernetes.default.svc", "is the cluster's own API server"),
        ("kubernetes.default.svc.cluster.local", "is the cluster's own API server"),
    ],
)
def test_some_names_are_refused_wherever_they_lead(name: str, what: str) -> None:
    with pytest.raises(AddressRefusedError) as refused:
        connectable(name, 443, NamedHosts())
    assert str(refused.value) == what


def test_a_name_is_what_it_resolves_to(monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, evil_example=["127.0.0.1"], good_example=[PUBLIC, "2606:2800::1"])
    assert connectable("good.example", 443, NamedHosts()) == [PUBLIC, "2606:2800::1"]
    with pytest.raises(AddressRefusedError) as refused:
        connectable("evil.example", 443, NamedHosts())
    assert str(refused.value).startswith("is at 127.0.0.1, an address that only")
    assert not refused.value.lasting, "the name server may say something else tomorrow"


def test_one_bad_address_among_several_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, two_example=[PUBLIC, "169.254.169.254"])
    with pytest.raises(AddressRefusedError, match=r"is at 169\.254\.169\.254"):
        connectable("two.example", 443, NamedHosts())


@pytest.mark.parametrize("host", ["a..b", f"{64 * 'a'}.example", "", "nowhere.invalid"])
def test_a_name_without_an_address_is_an_error_of_the_network(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    resolving(monkeypatch)
    with pytest.raises(OSError):  # noqa: PT011  (each resolver has its own words)
        connectable(host or ".", 443, NamedHosts())


@pytest.mark.parametrize("port", [0, 65536, 10**9])
def test_a_port_that_is_none_is_an_error_of_the_network(port: int) -> None:
    with pytest.raises(OSError, match="is no port"):
        connectable(PUBLIC, port, NamedHosts())


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({}, {("localhost", 5000)}),
        ({"registry": "reg.example"}, {("reg.example", 443), ("reg.example", 80)}),
        ({"registry": "reg.example/team"}, {("reg.example", 443)}),
        (
            {"registry": "r.example", "registry_push": "127.0.0.1:5001"},
            {("r.example", 443), ("127.0.0.1", 5001)},
        ),
        ({"registry": "[::1]:5000"}, {("::1", 5000)}),
        ({"package_index": "http://u:p@127.0.0.1:3141/root"}, {("127.0.0.1", 3141)}),
        ({"package_index": "https://index.example/simple"}, {("index.example", 443)}),
        ({"default_base_image": "localhost:5001/python:3"}, {("localhost", 5001)}),
        ({"insecure_hosts": ("127.0.0.1",)}, {("127.0.0.1", 1), ("127.0.0.1", 65535)}),
        ({"insecure_hosts": ("Local.example:81",)}, {("local.example", 81), ("LOCAL.example", 81)}),
        ({"insecure_hosts": ("::1", "[fe80::1]:5")}, {("::1", 7), ("fe80::1", 5)}),
    ],
)
def test_the_settings_name_hosts(settings: dict[str, Any], named: set[tuple[str, int]]) -> None:
    known = NamedHosts.of(Settings(**settings))
    assert {pair for pair in named if not known.names(*pair)} == set()


@pytest.mark.parametrize(
    ("settings", "host", "port"),
    [
        ({}, "localhost", 5001),
        ({}, "127.0.0.1", 5000),
        ({}, "localhost.evil.example", 5000),
        ({"registry": "reg.example:5000"}, "reg.example", 443),
        ({"insecure_hosts": ("h:80",)}, "h", 81),
        ({"package_index": "https://[nonsense"}, "nonsense", 443),
        ({"default_base_image": "Not An Image"}, "not", 443),
    ],
)
def test_what_is_like_a_named_host_is_not_named(
    settings: dict[str, Any], host: str, port: int
) -> None:
    assert not NamedHosts.of(Settings(**settings)).names(host, port)


def test_a_named_host_may_have_any_address_and_any_name() -> None:
    named = NamedHosts.insecurely(("127.0.0.1:5000", "169.254.169.254", "localhost"))
    assert connectable("127.0.0.1", 5000, named) == ["127.0.0.1"]
    assert connectable("169.254.169.254", 80, named) == ["169.254.169.254"]
    with pytest.raises(AddressRefusedError):
        connectable("127.0.0.1", 5001, named)


@pytest.mark.parametrize(
    ("scheme", "host", "fit"),
    [
        ("https", "h.example", True),
        ("http", "h.example", False),
        ("http", "10.0.0.1", False),
        ("http", "plain.example", True),
        ("http", "localhost", True),
    ],
)
def test_tls_is_asked_for_but_on_the_loopback_and_where_settings_say(
    scheme: str, host: str, *, fit: bool
) -> None:
    named = NamedHosts.insecurely(("plain.example",))
    if fit:
        check_protection(scheme, host, 443, named)
        return
    with pytest.raises(AddressRefusedError, match="is not protected by TLS"):
        check_protection(scheme, host, 443, named)


def test_behind_a_proxy_what_resolves_here_to_this_machine_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resolving(monkeypatch, evil_example=["127.0.0.1"])
    check_beyond_proxy("known.only.to.the.proxy", 443, NamedHosts())
    for host in ("evil.example", "169.254.169.254", "metadata.google.internal"):
        with pytest.raises(AddressRefusedError):
            check_beyond_proxy(host, 443, NamedHosts())


@pytest.mark.parametrize("host", ["127.0.0.1", "169.254.169.254", "metadata.google.internal"])
def test_no_remedy_says_how_to_open_a_hole(host: str) -> None:
    with pytest.raises(AddressRefusedError) as refused:
        connectable(host, 80, NamedHosts())
    assert "FAIRLEAD_" not in refused.value.remedy
