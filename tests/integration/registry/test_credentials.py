"""Logging in to registries as they are: what is shown, to whom, and what is told when it fails."""

import base64
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from fairlead.registry import transport
from fairlead.registry.client import Registry
from fairlead.registry.errors import (
    BodyLimitError,
    CredentialsMissingError,
    CredentialsRefusedError,
    RegistryError,
    RegistryTlsError,
    RegistryUntrustedError,
)
from fairlead.registry.keychain import Keychain
from fairlead.registry.reference import Repository
from fairlead.settings import Settings
from tests.integration.registry.certificates import NAME, make_certificates, server_context
from tests.integration.registry.guarded import UPLOAD, GuardedRegistry
from tests.integration.registry.server import WebServer, replies, reply

PASSWORD = "hunter2-never-shown"
BASIC = f"Basic {base64.b64encode(f'me:{PASSWORD}'.encode()).decode()}"
SECONDS = 2.0 * 5  # two, on a machine that does other things besides


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "RETRY_DELAYS_S", (0.01, 0.01, 0.01))


@pytest.fixture
def guarded(web: WebServer) -> GuardedRegistry:
    return GuardedRegistry(web)


def team(web: WebServer) -> Repository:
    return Repository(web.host, "team/x")


Client = Callable[..., Registry]


@pytest.fixture
def client(tmp_path: Path, web: WebServer) -> Iterator[Client]:
    """Makes a client: by what each Secret is for, its entry for the web server."""
    opened: list[Registry] = []

    def make(ca: Path | None = None, *, insecure: bool = True, **uses: dict[str, Any]) -> Registry:
        for use, entry in uses.items():
            (tmp_path / use).mkdir()
            config = json.dumps({"auths": {web.host: entry}})
            (tmp_path / use / "config.json").write_text(config)
        hosts = ("127.0.0.1",) if insecure else ()
        settings = Settings(insecure_hosts=hosts, ca_bundle=ca, registry_secret="shared")
        opened.append(Registry(settings, keychain=Keychain.of(settings, tmp_path)))
        return opened[-1]

    yield make
    for registry in opened:
        registry.__exit__(None, None, None)


USER = {"auth": base64.b64encode(f"me:{PASSWORD}".encode()).decode()}


def test_without_credentials_it_is_said_in_two_seconds_before_anything_is_sent(
    client: Client, guarded: GuardedRegistry
) -> None:
    guarded.challenge = 'Basic realm="r"'
    begun = time.monotonic()
    with pytest.raises(CredentialsMissingError) as error:
        client().check_push(team(guarded.web))
    assert time.monotonic() - begun < SECONDS
    assert str(error.value) == (
        f"The registry {guarded.web.host} does not let us push to team/x: 401 Unauthorized. "
        "Fairlead has no credentials for it: Secret 'shared' is not in this namespace, or not for "
        "this host."
    )
    assert guarded.asked == [("POST", UPLOAD, "")]


def test_an_issuer_that_gives_nobody_a_token_is_quoted(
    client: Client, guarded: GuardedRegistry
) -> None:
    guarded.issues = lambda _: False
    with pytest.raises(CredentialsMissingError, match="its token issuer says: 401 incorrect user"):
        client().check_push(team(guarded.web))


def test_basic_credentials_are_shown_where_basic_is_asked_for(
    client: Client, guarded: GuardedRegistry
) -> None:
    guarded.challenge = 'Basic realm="r"'
    guarded.lets_in = lambda request: request.headers["Authorization"] == BASIC
    client(push=USER).upload(team(guarded.web), iter([b"layer"]))
    assert guarded.stored == [b"layer"]
    assert guarded.shown("POST") == ["", BASIC]


def test_a_user_gets_a_token_and_only_the_issuer_sees_the_password(
    client: Client, guarded: GuardedRegistry
) -> None:
    client(push=USER).upload(team(guarded.web), iter([b"layer"]))
    assert guarded.stored == [b"layer"]
    assert guarded.shown("GET") == [BASIC]
    assert guarded.forms == [
        {"service": ["r.example.com"], "scope": ["repository:team/x:pull,push"]}
    ]
    assert BASIC not in guarded.shown("POST") + guarded.shown("PATCH") + guarded.shown("PUT")


def test_an_identity_token_is_posted_to_the_issuer(
    client: Client, guarded: GuardedRegistry
) -> None:
    client(push={"identitytoken": PASSWORD}).check_push(team(guarded.web))
    assert guarded.forms[0] == {
        "grant_type": ["refresh_token"],
        "client_id": ["fairlead"],
        "service": ["r.example.com"],
        "scope": ["repository:team/x:pull,push"],
        "refresh_token": [PASSWORD],
    }


def test_a_token_of_the_registry_is_shown_as_it_is(
    client: Client, guarded: GuardedRegistry
) -> None:
    guarded.lets_in = lambda request: request.headers["Authorization"] == f"Bearer {PASSWORD}"
    client(push={"registrytoken": PASSWORD}).check_push(team(guarded.web))
    assert guarded.tokens == []


@pytest.mark.parametrize("order", ["basic first", "bearer first"])
def test_of_several_challenges_the_bearer_one_is_answered(
    client: Client, guarded: GuardedRegistry, order: str
) -> None:
    both = ['Basic realm="r"', guarded.challenge]
    header = ", ".join(both if order == "basic first" else reversed(both))
    web = guarded.web
    answered = web.otherwise

    def several(request: BaseHTTPRequestHandler) -> None:
        if request.headers["Authorization"]:
            answered(request)
        else:
            reply(request, 401, WWW_Authenticate=header)

    web.otherwise = several
    client(push=USER).check_push(team(web))
    assert guarded.forms[0]["scope"] == ["repository:team/x:pull,push"]


def test_wrong_credentials_are_named_by_where_they_stand_and_never_shown(
    client: Client, guarded: GuardedRegistry
) -> None:
    guarded.issues = lambda _: False
    with pytest.raises(CredentialsRefusedError) as error:
        client(push=USER).check_push(team(guarded.web))
    said = str(error.value)
    assert "its token issuer says: 401 incorrect username or password." in said
    where = f"the Secret of spec.pushSecretRef (its entry {guarded.web.host})"
    assert f"It was asked with {where}." in said
    assert PASSWORD not in said
    assert USER["auth"] not in said


def test_other_credentials_are_tried_where_the_first_are_refused(
    client: Client, guarded: GuardedRegistry
) -> None:
    guarded.issues = lambda request: request.headers["Authorization"] == BASIC
    client(push={"username": "old", "password": "x"}, shared=USER).check_push(team(guarded.web))
    assert guarded.tokens == ["token-1", "token-2"], "to begin an upload, and to give it up"


def test_a_token_that_ends_in_mid_upload_is_renewed(
    client: Client, guarded: GuardedRegistry
) -> None:
    """It ends while the layer is sent: the PUT that ends the upload is answered 401."""

    def lets_in(request: BaseHTTPRequestHandler) -> bool:
        if request.command == "PUT" and len(guarded.tokens) == 1:
            return False
        shown = request.headers["Authorization"]
        return bool(guarded.tokens) and shown == f"Bearer {guarded.tokens[-1]}"

    guarded.lets_in = lets_in
    client(push=USER).upload(team(guarded.web), iter([b"layer"]))
    assert guarded.stored == [b"layer"]
    assert guarded.shown("PUT") == ["Bearer token-1", "Bearer token-2"]


def test_a_token_that_is_about_to_end_is_renewed_before_a_body_that_is_sent_once(
    client: Client, guarded: GuardedRegistry
) -> None:
    guarded.life = ', "expires_in": 0.001'
    client(push=USER).upload(team(guarded.web), iter([b"layer"]))
    assert guarded.shown("POST") == ["", "Bearer token-1"]
    assert guarded.shown("PATCH") == ["Bearer token-2"]


def test_a_mount_asks_for_the_right_to_read_its_source(
    client: Client, guarded: GuardedRegistry
) -> None:
    web = guarded.web
    registry = client(push=USER)
    registry.upload(team(web), iter([b"layer"]))
    digest = f"sha256:{'ab' * 32}"
    guarded.web.answers[UPLOAD] = replies(201)
    assert registry.copy_blob(Repository(web.host, "base"), team(web), digest) == "mounted"
    asked = [form["scope"] for form in guarded.forms]
    assert asked[-1] == ["repository:team/x:pull,push", "repository:base:pull"]


def test_an_upload_may_be_begun_by_who_may_not_give_it_up(
    client: Client, guarded: GuardedRegistry
) -> None:
    """Issuers count that as a right to delete; the token for pushing stays as it is."""
    guarded.lets_in = lambda request: (
        request.command != "DELETE" and request.headers["Authorization"] == "Bearer token-1"
    )
    registry = client(push=USER)
    registry.check_push(team(guarded.web))
    registry.upload(team(guarded.web), iter([b"layer"]))
    assert guarded.shown("PATCH") == ["Bearer token-1"]


@pytest.mark.parametrize("form", ['Basic realm="r"', 'Bearer realm="{}",service="s"'])
@pytest.mark.parametrize("kind", ["redirect", "upload"])
def test_credentials_go_nowhere_that_an_answer_leads_to(
    client: Client, guarded: GuardedRegistry, kind: str, form: str
) -> None:
    """Nor to an issuer of tokens that is named there."""
    guarded.challenge = 'Basic realm="r"'
    guarded.lets_in = lambda request: request.headers["Authorization"] == BASIC
    web, seen = guarded.web, list[str | None]()
    with WebServer().running() as other:

        def elsewhere(request: BaseHTTPRequestHandler) -> None:
            seen.append(request.headers["Authorization"])
            reply(request, 401, WWW_Authenticate=form.format(other.url("/token")))

        other.otherwise = elsewhere
        answered = web.otherwise

        def leads(request: BaseHTTPRequestHandler) -> None:
            if request.headers["Authorization"] != BASIC:
                answered(request)
            elif kind == "redirect":
                reply(request, 307, Location=other.url("/x"))
            else:
                reply(request, 202, Location=other.url("/x"))

        web.otherwise = leads
        registry = client(push=USER)
        reads = partial(registry.blob, team(web), f"sha256:{'ab' * 32}")
        writes = partial(registry.upload, team(web), iter([b"x"]))
        with pytest.raises(RegistryError, match="does not let us"):
            (reads if kind == "redirect" else writes)()
    assert seen
    assert set(seen) == {None}
    assert not [asked for asked in other.requests if "/token" in asked]


def test_a_body_that_a_proxy_does_not_take_is_told_as_that(
    client: Client, guarded: GuardedRegistry
) -> None:
    guarded.refused["PATCH"] = 413
    with pytest.raises(BodyLimitError, match="could not push to team/x: 413 "):
        client(push=USER).upload(team(guarded.web), iter([b"x" * 100_000]))


@contextmanager
def secure_server(folder: Path) -> Iterator[WebServer]:
    with WebServer(server_context(folder)).running() as server:
        yield server


def test_a_registry_that_leads_to_itself_with_tls_is_asked_there(
    client: Client, web: WebServer, tmp_path: Path
) -> None:
    folder = make_certificates(tmp_path / "pki")
    with secure_server(folder) as secure:
        web.otherwise = lambda request: reply(
            request, 301, Location=f"https://{secure.host}{request.path}"
        )
        behind = GuardedRegistry(secure)
        behind.challenge = 'Basic realm="r"'
        behind.lets_in = lambda request: request.headers["Authorization"] == BASIC
        client(folder / "ca.crt", push=USER).upload(team(web), iter([b"layer"]))
        assert behind.stored == [b"layer"]
    assert web.requests == [f"POST {UPLOAD}"], "once, and without what is not for everybody's eyes"


def over_tls(server: WebServer, ca: Path | None) -> None:
    registry = f"{NAME}:{server.host.rpartition(':')[2]}"
    with Registry(Settings(registry=registry, ca_bundle=ca)) as client:
        client.check_push(Repository(registry, "team/x"))


@pytest.mark.usefixtures("named")
def test_an_unknown_authority_is_told_and_a_known_one_is_trusted(tmp_path: Path) -> None:
    folder = make_certificates(tmp_path / "pki")
    with secure_server(folder) as secure:
        GuardedRegistry(secure).lets_in = lambda _: True
        with pytest.raises(RegistryUntrustedError, match="its certificate is not trusted: "):
            over_tls(secure, None)
        over_tls(secure, folder / "ca.crt")


@pytest.mark.usefixtures("named")
def test_a_registry_without_tls_is_told_as_that(web: WebServer) -> None:
    with pytest.raises(RegistryTlsError, match="does not speak TLS"):
        over_tls(web, None)
