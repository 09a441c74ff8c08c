"""Which cluster is meant and as whom: the kubeconfig, or in a pod its ServiceAccount.

The Kubernetes library reads them too, but takes a second to be imported: longer than a whole
command may take to say something.
"""

import base64
import binascii
import ipaddress
import os
import ssl
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fairlead.api.failure_class import FailureClass
from fairlead.api.reasons import Reason
from fairlead.finding import shown
from fairlead.local.errors import LocalError, refusal
from fairlead.remote.access import Access

DEFAULT_FILE = "~/.kube/config"
SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
MAX_FILE_BYTES = 4 * 1024**2
MAX_DEPTH = 100  # libyaml does not say where the stack ends
LISTS = {"clusters": "cluster", "users": "user", "contexts": "context"}
LOG_IN = "Without a terminal the program cannot ask: run `kubectl get pods` at one, then try again."
LOG_IN_AGAIN = "See what the program says, and log in as it asks for."
Entry = Mapping[str, Any]


def access(environment: Mapping[str, str], context: str | None = None) -> Access:
    """Read what the environment names. Raises ``LocalError`` (KubeconfigInvalid)."""
    files = _files(environment)
    if not files and context is None and "KUBERNETES_SERVICE_HOST" in environment:
        return _service_account(environment)
    if not files:
        named = environment.get("KUBECONFIG") or DEFAULT_FILE
        raise invalid(f"There is no kubeconfig: {named} is not there.")
    where = ", ".join(map(str, files))
    try:
        return _of_context(files, context, environment)
    except (KeyError, TypeError, AttributeError, ValueError, OSError) as error:
        said = str(error) if isinstance(error, (OSError, ssl.SSLError)) else type(error).__name__
        raise invalid(f"The kubeconfig {where} cannot be used: {shown(said, 300)}.") from error


def invalid(message: str, remedy: str = "") -> LocalError:
    remedy = remedy or (
        "Let KUBECONFIG name the file of a cluster, and --context one of its contexts: "
        "`kubectl config get-contexts` shows them."
    )
    return refusal(Reason.KUBECONFIG_INVALID, message, remedy, FailureClass.AUTH)


def _files(environment: Mapping[str, str]) -> list[Path]:
    named = environment.get("KUBECONFIG") or DEFAULT_FILE
    paths = (Path(one).expanduser() for one in named.split(os.pathsep) if one)
    return [path for path in paths if path.is_file()]


def _of_context(files: Iterable[Path], asked: str | None, environment: Mapping[str, str]) -> Access:
    merged = _merged(files)
    name = asked or merged["current-context"]
    if not name:
        raise invalid("The kubeconfig has no current context.")
    context = _entry(merged, "contexts", name)
    cluster = _entry(merged, "clusters", context["cluster"])
    user = _entry(merged, "users", context["user"]) if context.get("user") else {}
    user = {**user, **_of_program(user, cluster)}
    server = str(cluster["server"]).rstrip("/")
    return Access(
        server=server,
        namespace=str(context.get("namespace") or "default"),
        source=f"context '{shown(str(name))}'",
        authorization=_authorization(user),
        tls=_tls(cluster, user) if server.startswith("https://") else None,
        tls_server_name=cluster.get("tls-server-name"),
        proxy=cluster.get("proxy-url") or _proxy(server, environment),
    )


def _merged(files: Iterable[Path]) -> dict[str, Any]:
    """Of the same name the first one counts, as for kubectl; paths are taken from their file."""
    merged: dict[str, Any] = {"current-context": None, **{name: {} for name in LISTS}}
    for path in files:
        content = _content(path) or {}
        merged["current-context"] = merged["current-context"] or content.get("current-context")
        for several, one in LISTS.items():
            for entry in content.get(several) or ():
                held = _absolute(entry.get(one) or {}, path.absolute().parent)
                merged[several].setdefault(str(entry["name"]), held)
    return merged


def _content(path: Path) -> Any:
    import yaml

    from fairlead.inputs.bounded_yaml import LOADER, excess

    if path.stat().st_size > MAX_FILE_BYTES:
        raise invalid(f"{path} is too large for a kubeconfig.")
    text = path.read_bytes()
    try:
        if excess(text, MAX_DEPTH, MAX_FILE_BYTES, aliases=True):
            raise invalid(f"{path} is nested too deep for a kubeconfig.")
        return yaml.load(text, Loader=LOADER)
    except yaml.YAMLError as error:
        raise invalid(f"{path} is no YAML: {shown(str(error), 300)}.") from error


def _absolute(entry: Entry, folder: Path) -> dict[str, Any]:
    paths = ("certificate-authority", "client-certificate", "client-key", "tokenFile")
    found = {name: str(folder / entry[name]) for name in paths if entry.get(name)}
    return {**entry, **found, "folder": folder}


def _entry(merged: Mapping[str, Any], several: str, name: str) -> dict[str, Any]:
    if name not in merged[several]:
        there = ", ".join(sorted(merged[several])) or "none"
        raise invalid(
            f"The kubeconfig has no {LISTS[several]} '{shown(name)}'; it has {shown(there, 300)}."
        )
    return dict(merged[several][name])


def _of_program(user: Entry, cluster: Entry) -> dict[str, Any]:
    """What the program of an ``exec`` section prints."""
    if user.get("auth-provider"):
        raise invalid("The kubeconfig logs in by an auth-provider, which kubectl has given up.")
    if not user.get("exec"):
        return {}
    import asyncio

    from fairlead.credentials.exec_plugin import ExecPluginError, run_exec_plugin

    terminal = sys.stdin.isatty() and sys.stderr.isatty()
    running = run_exec_plugin(user["exec"], user["folder"], cluster, terminal=terminal)
    try:
        given = asyncio.run(running)
    except ExecPluginError as error:
        message = f"The kubeconfig's program gave no credentials: {error}."
        raise invalid(message, LOG_IN_AGAIN if terminal else LOG_IN) from error
    pem = {"client-certificate-data": given.certificate, "client-key-data": given.key}
    encoded = {name: base64.b64encode(text.encode()) for name, text in pem.items() if text}
    return {**encoded, **({"token": given.token} if given.token else {})}


def _authorization(user: Entry) -> str | None:
    token = user.get("token")
    if user.get("tokenFile"):  # it counts before the other, as for kubectl
        token = Path(user["tokenFile"]).read_text()
    if token:
        return bearer(str(token), "kubeconfig's token")
    if user.get("username"):
        pair = f"{user['username']}:{user.get('password') or ''}"
        return f"Basic {base64.b64encode(pair.encode()).decode()}"
    return None


def bearer(token: str, what: str) -> str:
    """As a header. Raises ``LocalError``, which does not repeat the token."""
    text = token.strip()
    if not text or not text.isascii() or not text.isprintable():
        raise invalid(f"The {what} has characters that no token has, or several lines.")
    return f"Bearer {text}"


def _tls(cluster: Entry, user: Entry) -> ssl.SSLContext:
    authority = _pem(cluster, "certificate-authority")
    context = ssl.create_default_context(cadata=authority.decode() if authority else None)
    if cluster.get("insecure-skip-tls-verify"):
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    # Authorities of clusters are made without the extensions that Python 3.13 asks for.
    context.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
    certificate, key = _pem(user, "client-certificate"), _pem(user, "client-key")
    if certificate and key:
        _load_pair(context, certificate, key)
    return context


def _pem(entry: Entry, name: str) -> bytes | None:
    """The content, which is in the kubeconfig, or in a file that it names."""
    if entry.get(f"{name}-data"):
        try:
            content = entry[f"{name}-data"]
            text = content.decode() if isinstance(content, bytes) else str(content)
            return base64.b64decode("".join(text.split()), validate=True)
        except binascii.Error as error:
            raise invalid(f"The kubeconfig's {name}-data is no base64.") from error
    return Path(entry[name]).read_bytes() if entry.get(name) else None


def _load_pair(context: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    """Python takes files alone; this one is nobody else's, and gone at once."""
    with tempfile.NamedTemporaryFile() as file:  # of mode 0600
        file.write(certificate + b"\n" + key)
        file.flush()
        context.load_cert_chain(file.name)


def _proxy(server: str, environment: Mapping[str, str]) -> str | None:
    scheme = server.partition(":")[0]
    for name in (f"{scheme}_proxy", f"{scheme.upper()}_PROXY"):
        if environment.get(name):
            without = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
            return (
                None if _bypassed(urlsplit(server).hostname or "", without) else environment[name]
            )
    return None


def _bypassed(host: str, without: str) -> bool:
    """Whether a list such as `.cluster.local,10.0.0.0/8` names the host, a domain above it, or a
    range of addresses that it is in."""
    names = [one.strip().lstrip(".") for one in without.split(",")]
    named = any(host == one or host.endswith(f".{one}") for one in names if one)
    return "*" in names or named or any(_in_range(host, one) for one in names if "/" in one)


def _in_range(host: str, text: str) -> bool:
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(text, strict=False)
    except ValueError:  # a name, or no range
        return False


def _service_account(environment: Mapping[str, str], folder: Path = SERVICE_ACCOUNT) -> Access:
    host = environment["KUBERNETES_SERVICE_HOST"]
    port = environment.get("KUBERNETES_SERVICE_PORT", "443")
    try:
        token = (folder / "token").read_text().strip()
        tls = ssl.create_default_context(cafile=str(folder / "ca.crt"))
        namespace = folder / "namespace"
        inside = namespace.read_text().strip() if namespace.is_file() else "default"
    except (OSError, ValueError) as error:
        raise invalid(f"The pod's ServiceAccount cannot be read: {error}.") from error
    return Access(
        server=f"https://{f'[{host}]' if ':' in host else host}:{port}",
        namespace=inside,
        source="the pod's ServiceAccount",
        authorization=bearer(token, "token of the pod's ServiceAccount"),
        tls=tls,
    )
