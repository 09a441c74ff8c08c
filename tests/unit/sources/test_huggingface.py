"""hf:// against a hub of the test's own, which answers as the documentation says."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.connection import trust
from fairlead.registry.addresses import NamedHosts
from fairlead.registry.oci import digest_of
from fairlead.sources.base import Limits
from fairlead.sources.huggingface import stores
from fairlead.sources.remote import RemoteSource, SourceAccess
from tests.integration.registry.server import WebServer, reply
from tests.integration.sources.fetching import contents, fetch, refused, secret

COMMIT = "0123456789abcdef0123456789abcdef01234567"
MODEL = b"a trained model" * 1000
FILES = {"config.json": b"{}", "onnx/model.onnx": MODEL, "onnx/a b.txt": b"odd"}
TOKEN = "hf_" + "x" * 30
PAGE = 2


@dataclass
class Hub:
    """One model, private where ``token`` is set; large files come from elsewhere."""

    web: WebServer
    elsewhere: WebServer
    token: str = ""
    seen: list[str | None] = field(default_factory=list)
    sent: int = 0

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        self.seen.append(request.headers.get("Authorization"))
        if self.token and request.headers.get("Authorization") != f"Bearer {self.token}":
            reply(request, 401, b'{"error": "Invalid username or password."}')
            return
        parts = urlsplit(request.path)
        path = unquote(parts.path)
        if path in ("/api/models/org/net/revision/main", f"/api/models/org/net/revision/{COMMIT}"):
            reply(request, 200, json.dumps({"sha": COMMIT, "id": "org/net"}).encode())
        elif path == f"/api/models/org/net/tree/{COMMIT}":
            self._list(request, int(parse_qs(parts.query).get("cursor", ["0"])[0]))
        elif path.startswith(f"/org/net/resolve/{COMMIT}/"):
            name = path.removeprefix(f"/org/net/resolve/{COMMIT}/")
            reply(request, 302, Location=self.elsewhere.url(f"/{name.replace(' ', '%20')}"))
        else:
            reply(request, 404, b'{"error": "Invalid rev id"}')

    def _list(self, request: BaseHTTPRequestHandler, start: int) -> None:
        entries = [{"type": "directory", "path": "onnx", "size": 0}]
        entries += [self._entry(name) for name in FILES]
        link = f'<{self.web.url("/x")}?cursor={start + PAGE}>; rel="next"'
        more = {"Link": link} if start + PAGE < len(entries) else {}
        reply(request, 200, json.dumps(entries[start : start + PAGE]).encode(), **more)

    def _entry(self, name: str) -> dict[str, object]:
        content = FILES[name]
        large = {"lfs": {"oid": hashlib.sha256(MODEL).hexdigest()}} if content is MODEL else {}
        return {"type": "file", "path": name, "size": len(content), **large}

    def file(self, request: BaseHTTPRequestHandler) -> None:
        """A server of files that knows ranges, and breaks off large ones."""
        self.seen.append(request.headers.get("Authorization"))
        content = FILES[unquote(request.path).lstrip("/")]
        first = int(request.headers.get("Range", "bytes=0-")[6:-1])
        request.send_response(206 if "Range" in request.headers else 200)
        request.send_header("Content-Length", str(len(content) - first))
        request.send_header("Content-Range", f"bytes {first}-/{len(content)}")
        request.end_headers()
        request.wfile.write(content[first:][:10_000])
        request.close_connection = True


@pytest.fixture
def hub(web: WebServer) -> Iterator[Hub]:
    with WebServer().running() as elsewhere:
        found = Hub(web, elsewhere)
        web.otherwise, elsewhere.otherwise = found.answer, found.file
        yield found


def keys(tmp_path: Path, hub: Hub, token: str = "") -> Path:
    more = {"HF_TOKEN": token} if token else {}
    return secret(tmp_path / "keys", HF_ENDPOINT=hub.web.url("/"), **more)


def test_a_model_is_had_whole_and_pinned_to_a_commit(hub: Hub, tmp_path: Path) -> None:
    named = NamedHosts.insecurely([hub.web.host, hub.elsewhere.host])
    access = SourceAccess("hf://org/net", keys(tmp_path, hub), {})
    source = RemoteSource(access.uri, lambda: stores(access), trust(None), named)
    into = tmp_path / "into"
    into.mkdir()
    source.fetch(into, Limits(10**6, 10, float("inf")))
    assert contents(into) == FILES
    assert source.origin == f"hf://org/net@{COMMIT}"


@pytest.mark.parametrize(
    ("uri", "files"),
    [
        ("hf://org/net/onnx", {"model.onnx": MODEL, "a b.txt": b"odd"}),
        (f"hf://org/net@{COMMIT}/onnx/", {"model.onnx": MODEL, "a b.txt": b"odd"}),
        ("hf://org/net@main/onnx/model.onnx", {"model.onnx": MODEL}),
    ],
)
def test_a_folder_or_a_file_of_it(
    hub: Hub, tmp_path: Path, uri: str, files: dict[str, bytes]
) -> None:
    into = tmp_path / "into"
    fetch(uri, into, hub.web.host, hub.elsewhere.host, keys=keys(tmp_path, hub))
    assert contents(into) == files


def test_a_token_is_shown_to_the_hub_and_to_nobody_else(hub: Hub, tmp_path: Path) -> None:
    hub.token = TOKEN
    found = fetch(
        "hf://org/net/config.json",
        tmp_path / "into",
        hub.web.host,
        hub.elsewhere.host,
        keys=keys(tmp_path, hub, TOKEN),
    )
    assert found == {"config.json": digest_of(b"{}")}
    *at_hub, elsewhere = hub.seen
    assert (set(at_hub), elsewhere) == ({f"Bearer {TOKEN}"}, None)


def test_a_wrong_token_is_told(hub: Hub, tmp_path: Path) -> None:
    hub.token = TOKEN
    error = refused("hf://org/net", tmp_path / "into", hub.web.host, keys=keys(tmp_path, hub))
    assert (error.reason, error.class_) == (Reason.MODEL_SOURCE_DENIED, FailureClass.AUTH)
    assert "Invalid username or password" in str(error)


@pytest.mark.parametrize("uri", ["hf://org/net@other", "hf://org/net/none", "hf://org/other"])
def test_what_is_not_there_is_not_found(hub: Hub, tmp_path: Path, uri: str) -> None:
    error = refused(uri, tmp_path / "into", hub.web.host, keys=keys(tmp_path, hub))
    assert (error.reason, error.retryable) == (Reason.MODEL_SOURCE_NOT_FOUND, True)


def test_another_content_than_the_hub_promised_is_refused(hub: Hub, tmp_path: Path) -> None:
    hosts = (hub.web.host, hub.elsewhere.host)
    hub.elsewhere.otherwise = lambda request: reply(request, 200, b"x" * len(MODEL))
    error = refused("hf://org/net/onnx/", tmp_path / "into", *hosts, keys=keys(tmp_path, hub))
    assert error.reason is Reason.MODEL_SOURCE_CHANGED


@pytest.mark.parametrize(
    "uri",
    ["hf://org", "hf://datasets/x/y", "hf://org/net?x=1", "hf://../net", "hf://org/..", "hf://o/-"],
)
def test_an_address_that_is_none_is_refused(hub: Hub, tmp_path: Path, uri: str) -> None:
    error = refused(uri, tmp_path / "into", hub.web.host, keys=keys(tmp_path, hub))
    assert (error.reason, hub.web.requests) == (Reason.MODEL_SOURCE_REFUSED, [])


@pytest.mark.parametrize("body", [b"", b"[]", b'{"sha": "../../x"}', b"<html>"])
def test_an_answer_that_is_none_is_told(
    hub: Hub, tmp_path: Path, web: WebServer, body: bytes
) -> None:
    web.otherwise = lambda request: reply(request, 200, body)
    error = refused("hf://org/net", tmp_path / "into", web.host, keys=keys(tmp_path, hub))
    assert error.reason is Reason.MODEL_SOURCE_UNREACHABLE
    assert "answers with what we do not understand" in str(error)


def test_a_hub_leads_nowhere_that_nobody_may_go(hub: Hub, tmp_path: Path) -> None:
    hub.elsewhere.otherwise = hub.file
    error = refused(
        "hf://org/net/config.json", tmp_path / "into", hub.web.host, keys=keys(tmp_path, hub)
    )
    assert (error.reason, hub.elsewhere.requests) == (Reason.MODEL_SOURCE_REFUSED, [])
    bad = secret(tmp_path / "bad", HF_ENDPOINT="file:///etc")
    error = refused("hf://org/net", tmp_path / "again", keys=bad)
    assert error.reason is Reason.CREDENTIALS_INVALID
