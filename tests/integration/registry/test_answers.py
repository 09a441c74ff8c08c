"""What registries may answer, and what we make of it: servers with a will of their own."""

import itertools
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler

import pytest

from fairlead.registry import transport
from fairlead.registry.client import Registry
from fairlead.registry.errors import (
    NotInRegistryError,
    RegistryDeniedError,
    RegistryError,
    RegistryFaultError,
    RegistryUnreachableError,
)
from fairlead.registry.oci import EMPTY, OCI_EMPTY, OCI_MANIFEST, Manifest, descriptor, written
from fairlead.registry.reference import Repository
from fairlead.settings import Settings
from tests.cluster.ports import free_port
from tests.integration.registry.server import Answer, WebServer, replies, reply

MANIFEST = written(Manifest(config=descriptor(OCI_EMPTY, EMPTY), layers=()))
PATH = "/v2/team/x/manifests/1"


@pytest.fixture
def client() -> Iterator[Registry]:
    """A client whose settings name this machine."""
    with Registry(Settings(insecure_hosts=("127.0.0.1", "localhost"))) as registry:
        yield registry


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "RETRY_DELAYS_S", (0.01, 0.01, 0.01))


def team(web: WebServer) -> Repository:
    return Repository(web.host, "team/x")


def error(code: str, message: str) -> bytes:
    return json.dumps({"errors": [{"code": code, "message": message}]}).encode()


@pytest.mark.parametrize(
    ("status", "body", "kind", "said"),
    [
        (
            401,
            error("UNAUTHORIZED", "who are you"),
            RegistryDeniedError,
            "401 UNAUTHORIZED: who are",
        ),
        (403, b"", RegistryDeniedError, "does not let us read team/x:1: 403 Forbidden."),
        (
            404,
            error("MANIFEST_UNKNOWN", ""),
            NotInRegistryError,
            "could not read team/x:1: 404 MAN",
        ),
        (429, error("TOOMANYREQUESTS", "slowly"), RegistryUnreachableError, "429 TOOMANYREQUESTS"),
        (
            500,
            b"<html>",
            RegistryUnreachableError,
            "could not read team/x:1: 500 Internal Server E",
        ),
        (503, b'{"errors": []}', RegistryUnreachableError, "503 Service Unavailable."),
        (418, b"[]", RegistryFaultError, "418 I'm a Teapot."),
        (599, b"", RegistryUnreachableError, "could not read team/x:1: 599."),
    ],
)
def test_each_refusal_is_told_apart_and_names_host_and_repository(
    client: Registry, web: WebServer, status: int, body: bytes, kind: type[RegistryError], said: str
) -> None:
    web.answers[PATH] = replies(status, body)
    with pytest.raises(kind) as refused:
        client.manifest(team(web), "1")
    assert f"The registry {web.host} " in str(refused.value)
    assert said in str(refused.value)
    assert refused.value.repository == team(web)


def test_a_registry_that_does_not_answer_is_unreachable(client: Registry) -> None:
    host = f"localhost:{free_port()}"
    with pytest.raises(RegistryUnreachableError) as silent:
        client.tags(Repository(host, "x"))
    assert str(silent.value) == f"The registry {host} does not answer (Connection refused)."


def test_a_name_that_nobody_knows_is_unreachable(client: Registry) -> None:
    with pytest.raises(RegistryUnreachableError, match=r"registry\.invalid does not answer"):
        client.tags(Repository("registry.invalid", "x"))


@pytest.mark.parametrize("failures", [1, 3])
def test_a_moment_of_weakness_is_not_noticed(
    client: Registry, web: WebServer, failures: int
) -> None:
    tries = itertools.count()

    def weak(request: BaseHTTPRequestHandler) -> None:
        if next(tries) < failures:
            reply(request, 503)
        else:
            reply(request, 200, MANIFEST, Content_Type=OCI_MANIFEST)

    web.answers[PATH] = weak
    assert client.manifest(team(web), "1")[0].layers == ()
    assert web.requests == (failures + 1) * [f"GET {PATH}"]


def test_an_upload_is_not_sent_twice(client: Registry, web: WebServer) -> None:
    web.answers["/v2/team/x/blobs/uploads/"] = replies(202, Location="/v2/team/x/blobs/uploads/1")
    web.answers["/v2/team/x/blobs/uploads/1"] = replies(503)
    with pytest.raises(RegistryUnreachableError, match="could not push to team/x: 503"):
        client.upload(team(web), iter([b"x"]))
    assert web.requests.count("PATCH /v2/team/x/blobs/uploads/1") == 1


def test_anonymous_readers_get_their_token_and_keep_it(client: Registry, web: WebServer) -> None:
    """https://distribution.github.io/distribution/spec/auth/token/"""
    challenge = (
        f'Bearer realm="{web.url("/token")}",service="r.example.com",'
        'scope="repository:team/x:pull,push"'
    )
    asked: list[str] = []

    def token(request: BaseHTTPRequestHandler) -> None:
        asked.append(request.path)
        reply(request, 200, b'{"access_token": "abc"}')

    def guarded(request: BaseHTTPRequestHandler) -> None:
        if request.headers["Authorization"] == "Bearer abc":
            reply(request, 200, MANIFEST, Content_Type=OCI_MANIFEST)
        else:
            reply(request, 401, WWW_Authenticate=challenge)

    web.answers |= {"/token": token, PATH: guarded}
    for _ in range(2):
        client.manifest(team(web), "1")
    assert asked == ["/token?service=r.example.com&scope=repository%3Ateam%2Fx%3Apull%2Cpush"]


@pytest.mark.parametrize(
    ("token", "kind", "said"),
    [
        (
            replies(403),
            RegistryDeniedError,
            "does not let us read team/x:1, its token issuer says: 403",
        ),
        (replies(503), RegistryUnreachableError, "its token issuer says: 503"),
        (replies(200, b"{}"), RegistryFaultError, "sends no token"),
        (replies(200, b"<html>"), RegistryFaultError, "sends no token"),
        (replies(200, b"[]"), RegistryFaultError, "sends no token"),
    ],
    ids=["denied", "down", "empty", "page", "list"],
)
def test_a_token_issuer_may_refuse_too(
    client: Registry, web: WebServer, token: Answer, kind: type[RegistryError], said: str
) -> None:
    challenge = f'Bearer realm="{web.url("/token")}",service="s"'
    web.answers |= {"/token": token, PATH: replies(401, WWW_Authenticate=challenge)}
    with pytest.raises(kind, match=said):
        client.manifest(team(web), "1")


@pytest.mark.parametrize("challenge", ["Bearer realm", "Bearer realm=", 'Bearer service="s"'])
def test_a_challenge_that_says_nothing_is_a_fault(
    client: Registry, web: WebServer, challenge: str
) -> None:
    web.answers[PATH] = replies(401, WWW_Authenticate=challenge)
    with pytest.raises(RegistryError):
        client.manifest(team(web), "1")


def test_a_token_that_does_not_help_is_a_denial_and_no_loop(
    client: Registry, web: WebServer
) -> None:
    challenge = f'Bearer realm="{web.url("/token")}",service="s"'
    web.answers |= {
        "/token": replies(200, b'{"token": "abc"}'),
        PATH: replies(401, WWW_Authenticate=challenge),
    }
    with pytest.raises(RegistryDeniedError):
        client.manifest(team(web), "1")
    assert len(web.requests) == 3


def test_credentials_are_not_sent_where_a_redirect_leads(client: Registry, web: WebServer) -> None:
    seen: list[str | None] = []
    with WebServer().running() as store:

        def content(request: BaseHTTPRequestHandler) -> None:
            seen.append(request.headers["Authorization"])
            reply(request, 200, b"{}")

        store.answers["/x"] = content
        path = f"/v2/team/x/blobs/{descriptor(OCI_EMPTY, EMPTY).digest}"
        challenge = f'Bearer realm="{web.url("/token")}",service="s"'

        def guarded(request: BaseHTTPRequestHandler) -> None:
            if request.headers["Authorization"]:
                reply(request, 307, Location=store.url("/x"))
            else:
                reply(request, 401, WWW_Authenticate=challenge)

        web.answers |= {"/token": replies(200, b'{"token": "abc"}'), path: guarded}
        assert client.blob(team(web), descriptor(OCI_EMPTY, EMPTY).digest) == EMPTY
    assert seen == [None]


def test_a_registry_that_cannot_mount_takes_a_copy_by_the_same_upload(
    client: Registry, web: WebServer
) -> None:
    digest = descriptor(OCI_EMPTY, EMPTY).digest
    sent: list[bytes] = []

    def uploads(request: BaseHTTPRequestHandler) -> None:
        reply(request, 202, Location="/v2/target/blobs/uploads/7")

    def upload(request: BaseHTTPRequestHandler) -> None:
        if request.command == "PATCH":
            size = int(request.rfile.readline(), 16)
            sent.append(request.rfile.read(size))
            request.rfile.read(7)  # the end of the chunk, and the last chunk
        code = 201 if request.command == "PUT" else 202
        reply(request, code, Location="/v2/target/blobs/uploads/7?_state=a%3D%3D")

    web.answers |= {
        "/v2/target/blobs/uploads/": uploads,
        "/v2/target/blobs/uploads/7": upload,
        f"/v2/team/x/blobs/{digest}": replies(200, EMPTY),
    }
    assert client.copy_blob(team(web), Repository(web.host, "target"), digest) == "copied"
    assert sent == [EMPTY]
    assert web.requests == [
        f"HEAD /v2/target/blobs/{digest}",
        f"POST /v2/target/blobs/uploads/?mount={digest}&from=team/x",
        f"GET /v2/team/x/blobs/{digest}",
        "PATCH /v2/target/blobs/uploads/7",
        f"PUT /v2/target/blobs/uploads/7?_state=a%3D%3D&digest={digest.replace(':', '%3A')}",
    ]


@pytest.mark.parametrize(
    ("body", "media_type", "said"),
    [
        (b"<html>", OCI_MANIFEST, "is not a manifest"),
        (b'{"layers": [], "config": 1}', OCI_MANIFEST, "is not a manifest"),
        (b"{}", "text/html; charset=utf-8", "is no image that we read (text/html)"),
        (b"x" * 5_000_000, OCI_MANIFEST, "its answer is larger than 4 MiB"),
    ],
    ids=["page", "shape", "type", "size"],
)
def test_what_is_no_manifest_is_a_fault(
    client: Registry, web: WebServer, body: bytes, media_type: str, said: str
) -> None:
    web.answers[PATH] = replies(200, body, Content_Type=media_type)
    with pytest.raises(RegistryFaultError) as fault:
        client.manifest(team(web), "1")
    assert said in str(fault.value)


def test_content_that_is_not_what_its_digest_says_is_a_fault(
    client: Registry, web: WebServer
) -> None:
    digest = descriptor(OCI_EMPTY, EMPTY).digest
    web.answers[f"/v2/team/x/blobs/{digest}"] = replies(200, b"changed")
    web.answers[f"/v2/team/x/manifests/{digest}"] = replies(
        200, MANIFEST, Content_Type=OCI_MANIFEST
    )
    with pytest.raises(RegistryFaultError, match="blob with another content"):
        client.blob(team(web), digest)
    with pytest.raises(RegistryFaultError, match="another thing than asked for"):
        client.manifest(team(web), digest)


def test_words_of_a_registry_are_redacted_and_short(client: Registry, web: WebServer) -> None:
    body = error("DENIED", "token=hunter2 \x1b[31m" + 5000 * "x")
    web.answers[PATH] = replies(403, body)
    with pytest.raises(RegistryDeniedError) as refused:
        client.manifest(team(web), "1")
    assert "hunter2" not in str(refused.value)
    assert "\x1b" not in str(refused.value)
    assert len(str(refused.value)) < 600
