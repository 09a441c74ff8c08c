"""A registry that wants to know who asks: uploads and an issuer of tokens, on a web server."""

import itertools
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, urlsplit

from tests.integration.registry.server import WebServer, reply

UPLOAD = "/v2/team/x/blobs/uploads/"


class GuardedRegistry:
    """Takes uploads to ``team/x`` from whoever ``lets_in`` says, by the request's Authorization.

    ``issue`` answers the issuer of tokens at ``/token``; by default each token is another one.
    ``asked`` are the methods, paths and Authorizations of all requests; ``tokens`` what was issued;
    ``forms`` what was sent to the issuer, or asked of it.
    """

    def __init__(self, web: WebServer) -> None:
        self.web = web
        self.challenge = f'Bearer realm="{web.url("/token")}",service="r.example.com"'
        self.lets_in: Callable[[BaseHTTPRequestHandler], bool] = self._has_token
        self.issues: Callable[[BaseHTTPRequestHandler], bool] = lambda _: True
        self.life = ""
        self.asked: list[tuple[str, str, str]] = []
        self.tokens: list[str] = []
        self.forms: list[dict[str, list[str]]] = []
        self.stored: list[bytes] = []
        self.refused: dict[str, int] = {}
        self._numbers = itertools.count(1)
        web.otherwise = self._answer
        web.answers["/token"] = self.issue

    def issue(self, request: BaseHTTPRequestHandler) -> None:
        self._note(request)
        body = request.rfile.read(int(request.headers.get("Content-Length", 0))).decode()
        self.forms.append(parse_qs(body or urlsplit(request.path).query))
        if not self.issues(request):
            reply(request, 401, b'{"details": "incorrect username or password"}')
            return
        self.tokens.append(f"token-{next(self._numbers)}")
        reply(request, 200, f'{{"token": "{self.tokens[-1]}"{self.life}}}'.encode())

    def shown(self, method: str) -> list[str]:
        """The Authorizations of all requests with that method."""
        return [authorization for asked, _, authorization in self.asked if asked == method]

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        self._note(request)
        content = content_of(request)
        if not self.lets_in(request):
            scope = f'{self.challenge},scope="repository:team/x:{_actions(request.command)}"'
            header = scope if self.challenge.startswith("Bearer") else self.challenge
            reply(request, 401, WWW_Authenticate=header)
        elif request.command in self.refused:
            reply(request, self.refused[request.command])
        elif request.command == "HEAD":
            reply(request, 404)
        else:
            if request.command == "PATCH":
                self.stored.append(content)
            code = {"POST": 202, "PATCH": 202, "PUT": 201, "DELETE": 204}.get(request.command, 404)
            reply(request, code, Location=f"{UPLOAD}7")

    def _has_token(self, request: BaseHTTPRequestHandler) -> bool:
        return bool(self.tokens) and request.headers["Authorization"] == f"Bearer {self.tokens[-1]}"

    def _note(self, request: BaseHTTPRequestHandler) -> None:
        path, shown = request.path.partition("?")[0], request.headers["Authorization"] or ""
        self.asked.append((request.command, path, shown))


def _actions(method: str) -> str:
    return {"HEAD": "pull", "GET": "pull", "DELETE": "delete"}.get(method, "pull,push")


def content_of(request: BaseHTTPRequestHandler) -> bytes:
    """The body, whether its length is told before or not."""
    if request.headers.get("Transfer-Encoding") != "chunked":
        return request.rfile.read(int(request.headers.get("Content-Length", 0)))
    content = b""
    while size := int(request.rfile.readline(), 16):
        content += request.rfile.read(size)
        request.rfile.readline()
    request.rfile.readline()
    return content
