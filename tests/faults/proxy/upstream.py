"""Where the real API server is, and the kubeconfig that names the proxy in its place."""

import base64
import json
import ssl
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from tests.faults.proxy.certificate import Certificate


@dataclass(frozen=True)
class Upstream:
    """``context`` is None for plain HTTP. It holds a client certificate, and ``token`` a token,
    where there is a user who has that; nobody's rights but the client's own are passed on else."""

    url: str
    context: ssl.SSLContext | None = None
    token: str = ""


def upstream_of(kubeconfig: Path) -> Upstream:
    """The server of the kubeconfig's first cluster, for who has rights of his own."""
    cluster = _read(kubeconfig)["clusters"][0]["cluster"]
    authority = _decoded(cluster["certificate-authority-data"])
    return Upstream(cluster["server"], ssl.create_default_context(cadata=authority))


def with_rights(kubeconfig: Path) -> Upstream:
    """The same, with the rights of the kubeconfig's first user."""
    upstream, user = upstream_of(kubeconfig), _read(kubeconfig)["users"][0]["user"]
    if upstream.context and "client-certificate-data" in user:
        _load_client(upstream.context, user)
    return replace(upstream, token=user.get("token", ""))


def behind_proxy(kubeconfig: Path, url: str, certificate: Certificate, target: Path) -> Path:
    """Write to ``target`` the same kubeconfig, but with the proxy as its server."""
    read = _read(kubeconfig)
    authority = base64.b64encode(certificate.authority.read_bytes()).decode()
    read["clusters"][0]["cluster"] = {"server": url, "certificate-authority-data": authority}
    target.touch(mode=0o600)
    target.write_text(json.dumps(read))
    return target


def _read(kubeconfig: Path) -> dict[str, Any]:
    return dict(yaml.safe_load(kubeconfig.read_text()))


def _load_client(context: ssl.SSLContext, user: dict[str, str]) -> None:
    """OpenSSL reads certificates from files only."""
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(_decoded(user["client-certificate-data"]))
        file.write(_decoded(user["client-key-data"]))
        file.flush()
        context.load_cert_chain(file.name)


def _decoded(data: str) -> str:
    return base64.b64decode(data).decode()
