"""Certificates are read where they are needed: once, for TLS alone."""

import ssl

import httpcore
import pytest

from fairlead.registry.addresses import NamedHosts
from fairlead.registry.connections import GuardedPool
from tests.cluster.ports import free_port
from tests.integration.registry.server import WebServer, replies


class Trust:
    def __init__(self) -> None:
        self.read = 0

    def __call__(self) -> ssl.SSLContext:
        self.read += 1
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@pytest.fixture
def trust(monkeypatch: pytest.MonkeyPatch) -> Trust:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return Trust()


def test_without_tls_no_certificate_is_read(trust: Trust) -> None:
    with WebServer().running() as server:
        server.answers["/x"] = replies(200, b"x")
        with GuardedPool(trust, NamedHosts.insecurely((server.host,))) as pool:
            assert pool.request("GET", server.url("/x")).content == b"x"
    assert trust.read == 0


def test_for_tls_they_are_read_once(trust: Trust) -> None:
    host = f"127.0.0.1:{free_port()}"
    with GuardedPool(trust, NamedHosts.insecurely((host,))) as pool:
        for _ in range(2):
            with pytest.raises(httpcore.ConnectError):
                pool.request("GET", f"https://{host}/")
    assert trust.read == 1


def test_what_the_environment_says_of_proxies_at_first_holds(
    trust: Trust, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        WebServer().running() as server,
        GuardedPool(trust, NamedHosts.insecurely((server.host, "other.invalid"))) as pool,
    ):
        server.answers["/x"] = replies(200, b"x")
        assert pool.request("GET", server.url("/x")).status == 200
        monkeypatch.setenv("http_proxy", f"http://{server.host}")
        with pytest.raises(httpcore.ConnectError):  # nobody asks the proxy for it
            pool.request("GET", "http://other.invalid/x")
