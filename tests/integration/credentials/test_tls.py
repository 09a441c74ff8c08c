"""Client certificates and a pod's files, over TLS, against a server that stops taking them."""

import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from fairlead.api.refs import Ref
from fairlead.cluster import connected
from fairlead.credentials import access
from fairlead.credentials.access import Credentials
from fairlead.credentials.environment import credentials_of
from fairlead.credentials.service_account import service_account_access
from fairlead.handlers.login import Login
from tests.unit.credentials.api_server import VERSION, kubeconfig

REF = Ref("v1", "configmaps", "demo", "here")
PLUGIN = """\
import json, pathlib, sys
folder = pathlib.Path(sys.argv[1])
name = (folder / "who").read_text()
status = {"clientCertificateData": (folder / f"{name}.crt").read_text(),
          "clientKeyData": (folder / f"{name}.key").read_text()}
print(json.dumps({"apiVersion": sys.argv[2], "kind": "ExecCredential", "status": status}))
"""


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "RELOAD_INTERVAL", timedelta(0))


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a certificate authority, a server's certificate, and those of two clients."""
    folder = tmp_path_factory.mktemp("pki")
    openssl(folder, "req", "-x509", *NEW_KEY, *names("ca"), "-subj", "/CN=ca", "-days", "1")
    for name in ("server", "one", "two"):
        address = ("-addext", "subjectAltName=IP:127.0.0.1")
        about = ("-subj", f"/CN={name}", "-CA", "ca.crt", "-CAkey", "ca.key", "-days", "1")
        openssl(folder, "req", "-x509", *NEW_KEY, *names(name), *about, *address)
    return folder


NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def names(name: str) -> tuple[str, ...]:
    return "-keyout", f"{name}.key", "-out", f"{name}.crt"


def openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


class SecureServer:
    """Knows a client by the name in its certificate, or by its token; answers 401 to all others."""

    def __init__(self, pki: Path) -> None:
        self.accepted, self.shown = "", list[str]()
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=pki / "ca.crt")
        self.context.load_cert_chain(pki / "server.crt", pki / "server.key")
        self.context.verify_mode = ssl.CERT_OPTIONAL

    async def answer(self, request: web.Request) -> web.StreamResponse:
        peer = request.transport and request.transport.get_extra_info("peercert")
        name = peer["subject"][0][0][1] if peer else request.headers.get("Authorization", "")
        self.shown.append(name)
        if name != self.accepted:
            return web.json_response({"kind": "Status", "code": 401}, status=401)
        return web.json_response({"metadata": {"name": "here"}})

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self.answer)
        server = TestServer(app, scheme="https", host="127.0.0.1")
        await server.start_server(ssl=self.context)
        try:
            yield str(server.make_url("")).rstrip("/")
        finally:
            await server.close()


def exec_(pki: Path) -> dict[str, Any]:
    (pki / "plugin.py").write_text(PLUGIN)
    args = [str(pki / "plugin.py"), str(pki), VERSION]
    return {"exec": {"apiVersion": VERSION, "command": sys.executable, "args": args}}


async def test_a_client_certificate_of_the_kubeconfig_is_shown(tmp_path: Path, pki: Path) -> None:
    server = SecureServer(pki)
    server.accepted = "one"
    user = {"client-certificate": str(pki / "one.crt"), "client-key": str(pki / "one.key")}
    async with server.serving() as url:
        file = kubeconfig(tmp_path, url, user, **{"certificate-authority": str(pki / "ca.crt")})
        async with connected(credentials_of({"KUBECONFIG": file})) as cluster:
            assert await cluster.get(REF) == {"metadata": {"name": "here"}}


async def test_a_certificate_of_a_plugin_that_is_refused_is_replaced(
    tmp_path: Path, pki: Path
) -> None:
    """New connections are opened for it: the old ones have the old certificate."""
    server = SecureServer(pki)
    async with server.serving() as url:
        file = kubeconfig(
            tmp_path, url, exec_(pki), **{"certificate-authority": str(pki / "ca.crt")}
        )
        (pki / "who").write_text("one")
        async with connected(credentials_of({"KUBECONFIG": file})) as cluster:
            for name in ("one", "two", "one", "two"):
                server.accepted = name
                (pki / "who").write_text(name)
                assert await cluster.get(REF) is not None
                assert await cluster.get(REF) is not None
    assert server.shown == [
        *("one", "one"),
        *("one", "two", "two"),
        *("two", "one", "one"),
        *("one", "two", "two"),
    ]


async def test_kopf_gets_the_same_certificate(tmp_path: Path, pki: Path) -> None:
    (pki / "who").write_text("one")
    user, ca = exec_(pki), {"certificate-authority": str(pki / "ca.crt")}
    file = kubeconfig(tmp_path, "https://127.0.0.1:1", user, **ca)
    login = Login(credentials_of({"KUBECONFIG": file}))
    shown = [await login.connection(trust_env=False)]
    (pki / "who").write_text("two")
    shown.append(await login.connection(trust_env=False))
    files = [Path(str(info.certificate_path)).read_bytes() for info in shown]
    assert files == [(pki / "one.crt").read_bytes(), (pki / "two.crt").read_bytes()]
    assert all(info.as_ssl_context().get_ca_certs() for info in shown)


async def test_a_token_that_the_kubelet_has_replaced_is_read_when_the_old_is_refused(
    tmp_path: Path, pki: Path
) -> None:
    server, token = SecureServer(pki), tmp_path / "token"
    token.write_text("abc")
    server.accepted = "bearer abc"
    async with server.serving() as url:
        port = url.rpartition(":")[2]
        here = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": port}

        async def load() -> access.Access:
            return service_account_access(here, token, pki / "ca.crt")

        async with connected(Credentials(load)) as cluster:
            assert await cluster.get(REF) is not None
            server.accepted = "bearer def"
            token.write_text("def")
            assert await cluster.get(REF) is not None
    assert server.shown == ["bearer abc", "bearer abc", "bearer def"]
