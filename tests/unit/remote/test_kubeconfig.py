"""Which cluster is meant, and as whom."""

import base64
import json
import os
import ssl
import sys
from pathlib import Path
from typing import Any

import pytest

from fairlead.local.errors import LocalError
from fairlead.remote import kubeconfig
from fairlead.remote.access import Access
from tests.faults.proxy.certificate import make_certificate

CLUSTER = {"server": "http://one.example"}


@pytest.fixture
def read(tmp_path: Path) -> Any:
    """Write a kubeconfig of one context, and read it."""

    def reader(
        cluster: Any = CLUSTER, user: Any = None, environ: Any = None, **context: Any
    ) -> Access:
        asked = context.pop("asked", None)
        content = {
            "current-context": "test",
            "contexts": [{"name": "test", "context": {"cluster": "c", "user": "u", **context}}],
            "clusters": [{"name": "c", "cluster": cluster}],
            "users": [{"name": "u", "user": user or {}}],
        }
        file = tmp_path / "config"
        file.write_text(json.dumps(content))
        return kubeconfig.access({"KUBECONFIG": str(file), **(environ or {})}, asked)

    return reader


def test_the_context_says_where(read: Any) -> None:
    found = read(namespace="team", user={"token": "t\n"})
    assert found == Access("http://one.example", "team", "context 'test'", "Bearer t")
    assert read().namespace == "default"
    assert read(user={"username": "a", "password": "b"}).authorization == "Basic YTpi"


def test_a_token_in_a_file_is_taken_from_beside_the_kubeconfig(read: Any, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("of the file\n")
    assert read(user={"tokenFile": "token"}).authorization == "Bearer of the file"
    both = read(user={"tokenFile": "token", "token": "old"})
    assert both.authorization == "Bearer of the file"


@pytest.mark.parametrize(
    ("without", "bypassed"),
    [("10.0.0.0/8", True), ("a, 10.1.2.0/24", True), ("10.2.0.0/16,x/y", False)],
)
def test_ranges_without_a_proxy(without: str, bypassed: object, read: Any) -> None:
    environ = {"HTTP_PROXY": "http://p:1", "NO_PROXY": without}
    assert (read({"server": "http://10.1.2.3:6443"}, environ=environ).proxy is None) is bypassed
    assert read(environ=environ).proxy == "http://p:1"


def test_of_several_files_the_first_counts(tmp_path: Path) -> None:
    for name, server in (("a", "one"), ("b", "two")):
        content = {
            "current-context": name,
            "contexts": [
                {"name": "x", "context": {"cluster": "x"}},
                {"name": name, "context": {"cluster": "x", "namespace": name}},
            ],
            "clusters": [{"name": "x", "cluster": {"server": f"http://{server}/"}}],
        }
        (tmp_path / name).write_text(json.dumps(content))
    files = os.pathsep.join(str(tmp_path / name) for name in ("a", "none", "b"))
    found = kubeconfig.access({"KUBECONFIG": files})
    assert (found.server, found.namespace) == ("http://one", "a")
    assert kubeconfig.access({"KUBECONFIG": files}, "b").namespace == "b"


@pytest.mark.parametrize(
    ("environ", "proxy"),
    [
        ({"http_proxy": "http://p:1"}, "http://p:1"),
        ({"HTTP_PROXY": "http://p:1", "NO_PROXY": "other"}, "http://p:1"),
        ({"HTTP_PROXY": "http://p:1", "NO_PROXY": "a, .example"}, None),
        ({"HTTP_PROXY": "http://p:1", "no_proxy": "*"}, None),
        ({"HTTPS_PROXY": "http://p:1"}, None),
    ],
)
def test_proxies(environ: dict[str, str], proxy: str | None, read: Any) -> None:
    assert read(environ=environ).proxy == proxy
    given = {**CLUSTER, "proxy-url": "http://own:2"}
    assert read(given, environ=environ).proxy == "http://own:2"


def test_a_program_gives_credentials(read: Any) -> None:
    answer = {
        "kind": "ExecCredential",
        "apiVersion": "client.authentication.k8s.io/v1",
        "status": {"token": "of the program"},
    }
    program = {
        "apiVersion": answer["apiVersion"],
        "command": sys.executable,
        "args": ["-c", f"print({json.dumps(answer)!r})"],
    }
    assert read(user={"exec": program}).authorization == "Bearer of the program"
    program["args"] = ["-c", "import sys; sys.exit('log in')"]
    with pytest.raises(LocalError, match="log in") as error:
        read(user={"exec": program})
    assert "Without a terminal the program cannot ask" in str(error.value.finding.remedy)


def test_tls(read: Any, tmp_path: Path) -> None:
    made = make_certificate(tmp_path)
    encoded = base64.b64encode(made.authority.read_bytes()).decode()
    server = {"server": "https://one.example", "certificate-authority-data": encoded}
    found = read(server)
    assert found.tls.verify_mode is ssl.CERT_REQUIRED
    named = {"server": "https://one.example", "certificate-authority": str(made.authority)}
    assert read(named).tls is not None
    pair = {"client-certificate": str(made.authority), "client-key": str(made.key)}
    assert read(server, pair).tls is not None
    with pytest.raises(LocalError, match="cannot be used"):
        read(server, {**pair, "client-key-data": base64.b64encode(b"none").decode()})
    open_ = {**server, "insecure-skip-tls-verify": True, "tls-server-name": "other"}
    found = read(open_)
    assert found.tls.verify_mode is ssl.CERT_NONE
    assert found.tls_server_name == "other"


@pytest.mark.parametrize(
    ("words", "more"),
    [
        ("has no context 'other'; it has test", {"asked": "other"}),
        ("auth-provider", {"user": {"auth-provider": {"name": "gcp"}}}),
        ("cannot be used: KeyError", {"cluster": {}}),
        ("no base64", {"cluster": {"server": "https://x", "certificate-authority-data": "%"}}),
        ("No such file", {"cluster": {"server": "https://x", "certificate-authority": "/no"}}),
        ("No such file", {"user": {"tokenFile": "/no"}}),
    ],
)
def test_what_is_wrong_is_told(words: str, more: dict[str, Any], read: Any) -> None:
    with pytest.raises(LocalError, match=words) as error:
        read(**more)
    assert error.value.finding.reason == "KubeconfigInvalid"


@pytest.mark.parametrize(
    "text", ["", "[1, 2]", "a: [", "contexts: 3", "clusters: [{}]", "\x00", "a: " + "[" * 3000]
)
def test_a_file_that_is_none(text: str, tmp_path: Path) -> None:
    (tmp_path / "config").write_text(text)
    with pytest.raises(LocalError) as error:
        kubeconfig.access({"KUBECONFIG": str(tmp_path / "config")})
    assert error.value.finding.reason == "KubeconfigInvalid"


def test_one_that_is_nested_deeper_than_a_stack_holds(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("[" * 2**20)
    with pytest.raises(LocalError, match="nested too deep"):
        kubeconfig.access({"KUBECONFIG": str(tmp_path / "config")})


def test_what_is_written_once_and_named_again_counts(tmp_path: Path) -> None:
    text = "{clusters: [{name: a, cluster: &one {server: http://a}}, {name: b, cluster: *one}], "
    text += "contexts: [{name: b, context: {cluster: b}}], current-context: b}"
    (tmp_path / "config").write_text(text)
    assert kubeconfig.access({"KUBECONFIG": str(tmp_path / "config")}).server == "http://a"


def test_a_file_that_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kubeconfig, "MAX_FILE_BYTES", 2)
    (tmp_path / "config").write_text("a: 1")
    with pytest.raises(LocalError, match="too large"):
        kubeconfig.access({"KUBECONFIG": str(tmp_path / "config")})


def test_in_a_pod(tmp_path: Path) -> None:
    environ = {"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "6443"}
    with pytest.raises(LocalError, match="ServiceAccount cannot be read"):
        kubeconfig._service_account(environ, tmp_path)
    (tmp_path / "ca.crt").write_bytes(make_certificate(tmp_path).authority.read_bytes())
    (tmp_path / "token").write_text("t\n")
    found = kubeconfig._service_account(environ, tmp_path)
    assert (found.server, found.namespace) == ("https://[fd00::1]:6443", "default")
    (tmp_path / "namespace").write_text("team\n")
    assert kubeconfig._service_account(environ, tmp_path).namespace == "team"
    with pytest.raises(LocalError, match="ServiceAccount"):
        kubeconfig.access({**environ, "KUBECONFIG": str(tmp_path / "none")})
