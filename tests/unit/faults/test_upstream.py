"""The proxy speaks with the rights of the kubeconfig; the operator's own names the proxy."""

import base64
import json
import ssl
from pathlib import Path

import pytest
import yaml

from tests.faults.proxy.certificate import Certificate
from tests.faults.proxy.upstream import behind_proxy, upstream_of


def encoded(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


@pytest.fixture
def kubeconfig(tmp_path: Path, certificate: Certificate) -> Path:
    authority = encoded(certificate.authority)
    cluster = {"server": "https://127.0.0.1:6443", "certificate-authority-data": authority}
    user = {"client-certificate-data": authority, "client-key-data": encoded(certificate.key)}
    written = {
        "clusters": [{"name": "kind", "cluster": cluster}],
        "users": [{"name": "admin", "user": user}],
    }
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(written))
    return path


def test_the_upstream_is_the_kubeconfigs_server(kubeconfig: Path) -> None:
    upstream = upstream_of(kubeconfig)
    assert upstream.url == "https://127.0.0.1:6443"
    assert upstream.context is not None
    assert upstream.context.verify_mode is ssl.CERT_REQUIRED
    assert len(upstream.context.get_ca_certs()) >= 1


def test_the_operators_kubeconfig_names_the_proxy_and_trusts_only_it(
    kubeconfig: Path, certificate: Certificate, tmp_path: Path
) -> None:
    target = behind_proxy(kubeconfig, "https://127.0.0.1:1", certificate, tmp_path / "other")
    read = json.loads(target.read_text())
    cluster = read["clusters"][0]["cluster"]
    assert cluster["server"] == "https://127.0.0.1:1"
    assert cluster["certificate-authority-data"] == encoded(certificate.authority)
    assert read["users"] == yaml.safe_load(kubeconfig.read_text())["users"]
    assert target.stat().st_mode & 0o077 == 0
