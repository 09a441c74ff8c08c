"""Where the real API server is, and the kubeconfig that names the proxy in its place."""

import base64
import json
import ssl
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.faults.proxy.certificate import Certificate


@dataclass(frozen=True)
class Upstream:
    """``context`` is None for plain HTTP; it holds a client certificate where the kubeconfig does.

    The client's own Authorization header is passed on as it is.
    """

    url: str
    context: ssl.SSLContext | None = None


def upstream_of(kubeconfig: Path) -> Upstream:
    """The server of the kubeconfig's first cluster, with the rights of its first user."""
    read = _read(kubeconfig)
    cluster, user = read["clusters"][0]["cluster"], read["users"][0]["user"]
    context = ssl.create_default_context(cadata=_decoded(cluster["certificate-authority-data"]))
    if "client-certificate-data" in user:
        _load_client(context, user)
    return Upstream(cluster["server"], context)


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
