"""Azure as a task sees it: Microsoft Entra, and a registry that exchanges its tokens. Every
parameter of every request is compared with what the documents say it must be."""

import base64
import json
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import parse_qs

from fairlead.registry.acr import AcrIdentity
from tests.integration.registry.guarded import GuardedRegistry
from tests.integration.registry.server import WebServer, reply

CLIENT, TENANT = "11111111-2222-3333-4444-555555555555", "66666666-7777-8888-9999-000000000000"


def web_token(life_s: float, name: str) -> str:
    """A JSON web token, which nobody here verifies."""
    parts: tuple[dict[str, object], ...] = (
        {"alg": "none"},
        {"exp": time.time() + life_s, "jti": name},
        {},
    )
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in parts)


@dataclass
class Azure:
    """``wrong`` are parameters that were not what they must be; ``refreshes`` the refresh tokens
    that were issued, of which the last counts; ``life_s`` is how long they say that they live."""

    entra: WebServer
    guarded: GuardedRegistry
    token_file: Path
    life_s: float = 10_800.0
    wrong: list[str] = field(default_factory=list)
    assertions: list[str] = field(default_factory=list)
    refreshes: list[str] = field(default_factory=list)
    refusal: bytes = b""

    def __post_init__(self) -> None:
        web = self.guarded.web
        self.token_file.write_text("projected-1\n")
        self.entra.answers[f"/{TENANT}/oauth2/v2.0/token"] = self._entra_token
        web.answers["/oauth2/exchange"] = self._exchange
        web.answers["/oauth2/token"] = self.guarded.issue
        self.guarded.challenge = f'Bearer realm="{web.url("/oauth2/token")}",service="{web.host}"'
        self.guarded.issues = lambda _: (
            self.guarded.forms[-1]["refresh_token"] == [self.refreshes[-1]]
        )

    @property
    def identity(self) -> AcrIdentity:
        authority = self.entra.url("/")
        return AcrIdentity(CLIENT, TENANT, authority, self.token_file, suffixes=("127.0.0.1",))

    def _entra_token(self, request: BaseHTTPRequestHandler) -> None:
        form = _form(request)
        self.assertions.append(form.pop("client_assertion", ""))
        expected = {
            "grant_type": "client_credentials",
            "client_id": CLIENT,
            "scope": "https://containerregistry.azure.net/.default",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        }
        self._compare("entra", request, form, expected)
        if self.refusal:
            reply(request, 401, self.refusal)
        else:
            reply(request, 200, b'{"token_type": "Bearer", "access_token": "entra-token"}')

    def _exchange(self, request: BaseHTTPRequestHandler) -> None:
        expected = {
            "grant_type": "access_token",
            "service": self.guarded.web.host,
            "tenant": TENANT,
            "access_token": "entra-token",
        }
        self._compare("exchange", request, _form(request), expected)
        self.refreshes.append(web_token(self.life_s, f"refresh-{len(self.refreshes) + 1}"))
        reply(request, 200, json.dumps({"refresh_token": self.refreshes[-1]}).encode())

    def _compare(
        self,
        what: str,
        request: BaseHTTPRequestHandler,
        form: dict[str, str],
        expected: dict[str, str],
    ) -> None:
        if form != expected:
            self.wrong.append(f"{what}: {form}")
        if request.command != "POST" or request.headers["Authorization"]:
            self.wrong.append(f"{what}: {request.command} {request.headers['Authorization']}")
        if request.headers["Content-Type"] != "application/x-www-form-urlencoded":
            self.wrong.append(f"{what}: {request.headers['Content-Type']}")


def _form(request: BaseHTTPRequestHandler) -> dict[str, str]:
    body = request.rfile.read(int(request.headers["Content-Length"])).decode()
    return {name: ",".join(values) for name, values in parse_qs(body, strict_parsing=True).items()}
