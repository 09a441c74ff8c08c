"""One guard for every connection: whatever a server names, and however slowly it answers."""

import socket
import ssl
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from fairlead.connection import trust
from fairlead.registry import call, connections, transport
from fairlead.registry.addresses import AddressRefusedError, NamedHosts
from fairlead.registry.client import Registry
from fairlead.registry.connections import GuardedPool
from fairlead.registry.errors import (
    RegistryError,
    RegistryFaultError,
    RegistryRefusedError,
    RegistryUnreachableError,
)
from fairlead.registry.oci import digest_of
from fairlead.registry.reference import Repository
from fairlead.settings import Settings
from tests.integration.registry.server import Answer, WebServer, replies, reply
from tests.integration.registry.test_uri import certified

MANIFEST = "/v2/team/x/manifests/1"
UPLOADS = "/v2/team/x/blobs/uploads/"
DIGEST = digest_of(b"x")
METADATA = "http://169.254.169.254/latest/meta-data"


@pytest.fixture
def client(web: WebServer) -> Iterator[Registry]:
    """A client whose settings name one registry, that of the test."""
    with Registry(Settings(registry=web.host)) as registry:
        yield registry


@pytest.fixture
def other() -> Iterator[WebServer]:
    """Another server on this machine, which no setting names."""
    with WebServer().running() as server:
        yield server


def team(web: WebServer) -> Repository:
    return Repository(web.host, "team/x")


def challenged(realm: str) -> Answer:
    return replies(401, WWW_Authenticate=f'Bearer realm="{realm}",service="s"')


def led(client: Registry, web: WebServer, how: str, where: str) -> None:
    """Ask a registry that leads to another place."""
    there = replies(307, Location=where) if how == "redirect" else challenged(where)
    web.answers |= {MANIFEST: there, UPLOADS: replies(202, Location=where)}
    if how == "upload":
        client.upload(team(web), iter([b"x"]))
    else:
        client.manifest(team(web), "1")


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "127.1", "0x7f000001", "nip.localhost"])
def test_a_registry_that_an_object_names_is_no_way_to_this_machine(
    client: Registry, other: WebServer, name: str
) -> None:
    registry = f"{name}:{other.host.partition(':')[2]}"
    with pytest.raises(RegistryError) as refused:
        client.manifest(Repository(registry, "x"), "1")
    assert f"The registry {registry} " in str(refused.value)
    assert other.requests == []


def test_the_refusal_says_what_it_is(client: Registry, other: WebServer) -> None:
    with pytest.raises(RegistryRefusedError) as refused:
        client.manifest(Repository(other.host, "x"), "1")
    assert str(refused.value) == (
        f"The registry {other.host} is at 127.0.0.1, an address that only the operator's own "
        "machine, its network link or its cloud uses."
    )
    assert refused.value.lasting


@pytest.mark.parametrize(
    ("where", "said"),
    [
        (METADATA, "leads to 169.254.169.254:80, which is not protected by TLS."),
        ("https://169.254.169.254/", "leads to 169.254.169.254:443, which is at 169.254.169.254"),
        ("https://[fd00:ec2::254]/", "leads to [fd00:ec2::254]:443, which is at fd00:ec2::254"),
        ("https://metadata.google.internal/", "which is a name of the cloud's metadata service."),
        ("http://h.example/token", "leads to h.example:80, which is not protected by TLS."),
    ],
)
@pytest.mark.parametrize("how", ["redirect", "realm", "upload"])
def test_what_a_registry_names_is_looked_at_too(
    client: Registry, web: WebServer, how: str, where: str, said: str
) -> None:
    with pytest.raises(RegistryRefusedError) as refused:
        led(client, web, how, where)
    assert f"The registry {web.host} leads to " in str(refused.value)
    assert said in str(refused.value)
    assert "FAIRLEAD_" not in refused.value.remedy


@pytest.mark.parametrize("how", ["redirect", "realm", "upload"])
def test_nothing_reaches_another_server_on_this_machine(
    client: Registry, web: WebServer, other: WebServer, how: str
) -> None:
    where = other.url("/keys")
    with pytest.raises(RegistryRefusedError, match=f"leads to {other.host}, which is at 127"):
        led(client, web, how, where)
    assert other.requests == []


@pytest.mark.parametrize("where", ["https://evil.example/v2/next", "http://[::1", "//evil/next"])
def test_a_list_goes_on_where_it_began(client: Registry, web: WebServer, where: str) -> None:
    link = f'<{where}>; rel="next"'
    web.answers["/v2/team/x/tags/list"] = replies(200, b'{"tags": ["1"]}', Link=link)
    with pytest.raises(RegistryFaultError):
        client.tags(team(web))
    assert web.requests == ["GET /v2/team/x/tags/list?n=1000"]


def test_a_list_without_end_is_left(
    client: Registry, web: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fairlead.registry.client.MAX_TAGS", 10)
    link = '</v2/team/x/tags/list>; rel="next"'
    web.answers["/v2/team/x/tags/list"] = replies(200, b'{"tags": ["1", "2"]}', Link=link)
    with pytest.raises(RegistryFaultError, match="lists 12 tags without coming to an end"):
        client.tags(team(web))


def test_a_token_is_for_the_registry_alone(web: WebServer) -> None:
    """The registry sends an upload elsewhere: its token does not go with it."""
    seen: list[str | None] = []
    with WebServer().running() as store:

        def take(request: BaseHTTPRequestHandler) -> None:
            seen.append(request.headers["Authorization"])
            reply(request, 500)

        def begin(request: BaseHTTPRequestHandler) -> None:
            if request.headers["Authorization"]:
                reply(request, 202, Location=store.url("/store"))
            else:
                challenged(web.url("/token"))(request)

        store.answers["/store"] = take
        web.answers |= {UPLOADS: begin, "/token": replies(200, b'{"token": "abc"}')}
        with (
            Registry(Settings(insecure_hosts=("127.0.0.1",))) as client,
            pytest.raises(RegistryUnreachableError),
        ):
            client.upload(team(web), iter([b"x"]))
    assert seen == [None]


@pytest.mark.parametrize(
    "token", ['{"token": "a\\nb"}', '{"token": "ä"}', '{"token": ""}', '{"token": 7}', "[" * 10**5]
)
def test_what_can_be_no_token_is_none(client: Registry, web: WebServer, token: str) -> None:
    web.answers |= {
        MANIFEST: challenged(web.url("/token")),
        "/token": replies(200, token.encode()),
    }
    with pytest.raises(RegistryFaultError, match="sends no token"):
        client.manifest(team(web), "1")


def test_the_bearer_challenge_need_not_be_the_first(client: Registry, web: WebServer) -> None:
    challenge = f'Basic realm="r", Bearer realm="{web.url("/token")}",service="s,t"'
    web.answers |= {MANIFEST: replies(401, WWW_Authenticate=challenge), "/token": replies(403)}
    with pytest.raises(RegistryError):
        client.manifest(team(web), "1")
    assert web.requests == [
        f"GET {MANIFEST}",
        "GET /token?service=s%2Ct&scope=repository%3Ateam%2Fx%3Apull",
    ]


def test_the_address_that_was_checked_is_connected_to_and_the_name_is_proved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name server says something else when it is asked again: nobody asks again."""
    certificate, key = certified(tmp_path, "models.example")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    asked: list[str] = []
    context.sni_callback = lambda _sock, name, _context: asked.append(str(name))
    server = WebServer(context)
    server.answers["/m"] = replies(200, b"x")
    port = int(server.host.partition(":")[2])
    said = iter(["127.0.0.1"])
    real = socket.getaddrinfo

    def getaddrinfo(host: str, *args: Any, **more: Any) -> Any:
        return real(next(said) if host == "models.example" else host, *args, **more)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    named = NamedHosts.insecurely(("models.example",))
    with server.running(), GuardedPool(trust(certificate), named) as pool:
        answer = pool.request("GET", f"https://models.example:{port}/m")
    assert (answer.status, asked) == (200, ["models.example"])


def dripping(head: bytes) -> Answer:
    """Sends ``head`` at once, and then a byte from time to time, for ever."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.close_connection = True
        try:
            request.wfile.write(head)
            for _ in range(1000):
                request.wfile.write(b"x")
                request.wfile.flush()
                time.sleep(0.02)
        except OSError:
            pass

    return answer


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 1000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-Head: ",
        b"",
    ],
    ids=["body", "refusal", "headers", "status"],
)
def test_an_answer_that_drips_is_left_in_time_and_told(
    client: Registry, web: WebServer, monkeypatch: pytest.MonkeyPatch, head: bytes
) -> None:
    monkeypatch.setattr(call, "ANSWER_TIMEOUT_S", 0.3)
    monkeypatch.setattr(transport, "RETRY_WITHIN_S", 0.1)
    web.answers[MANIFEST] = dripping(head)
    begun = time.monotonic()
    with pytest.raises(RegistryUnreachableError, match="no whole answer in time"):
        client.manifest(team(web), "1")
    assert time.monotonic() - begun < 20
    assert len(web.requests) == 1, "who is silent for long is not asked again at once"


def test_a_blob_may_take_its_time_but_not_stand_still(
    client: Registry, web: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call, "ANSWER_TIMEOUT_S", 1.0)  # for a byte, too
    path = f"/v2/team/x/blobs/{DIGEST}"
    web.answers[path] = dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
    monkeypatch.setattr(connections, "SLOWEST_BYTES_PER_S", 10.0)
    with client.open_blob(team(web), DIGEST) as pieces:
        assert b"".join(pieces) == 100 * b"x"
    monkeypatch.setattr(connections, "SLOWEST_BYTES_PER_S", 1000.0)
    web.answers[path] = dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n")
    with (
        pytest.raises(RegistryUnreachableError, match="less than 1000 bytes a second"),
        client.open_blob(team(web), DIGEST) as pieces,
    ):
        b"".join(pieces)


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[WebServer]:
    """A proxy that the environment names."""
    with WebServer().running() as server:
        for name in ("http_proxy", "https_proxy"):
            monkeypatch.setenv(name, f"http://me:secret@{server.host}")
            monkeypatch.delenv(name.upper(), raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        yield server


def test_a_proxy_is_asked_for_what_is_elsewhere(proxy: WebServer) -> None:
    proxy.answers["http://models.invalid/m"] = replies(200, b"x")
    named = NamedHosts.insecurely(("models.invalid",))
    with GuardedPool(trust(None), named) as pool:
        assert pool.request("GET", "http://models.invalid/m").content == b"x"


def test_a_proxy_is_not_asked_for_what_nobody_may_reach(
    proxy: WebServer,
) -> None:
    for host in ("169.254.169.254", "metadata.google.internal", "0x7f.1", "[::1]"):
        with GuardedPool(trust(None), NamedHosts()) as pool, pytest.raises(AddressRefusedError):
            pool.request("GET", f"https://{host}/")
    assert proxy.requests == []


def test_a_proxy_of_a_kind_that_we_do_not_speak_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("https_proxy", "socks9://h.example:1")
    with (
        Registry(Settings()) as client,
        pytest.raises(RegistryUnreachableError, match="the environment names a socks9 proxy"),
    ):
        client.tags(Repository("r.invalid", "x"))
