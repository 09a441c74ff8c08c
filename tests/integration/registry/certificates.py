"""A private certificate authority, and a server's certificate from it."""

import ssl
import subprocess
from pathlib import Path

NAME = "registry.example"
NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1")


def make_certificates(folder: Path, name: str = NAME) -> Path:
    """Put ``ca.crt``, ``server.crt`` and ``server.key`` into a new folder; the certificate is for
    ``name`` and for this machine's own address."""
    folder.mkdir()
    _openssl(folder, *NEW_KEY, "-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=private ca")
    names = ("-addext", f"subjectAltName=DNS:{name},IP:127.0.0.1")
    signed = ("-CA", "ca.crt", "-CAkey", "ca.key", "-subj", f"/CN={name}", *names)
    _openssl(folder, *NEW_KEY, "-keyout", "server.key", "-out", "server.crt", *signed)
    return folder


def server_context(folder: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.crt", folder / "server.key")
    return context


def _openssl(folder: Path, *arguments: str) -> None:
    command = ["openssl", "req", "-x509", *arguments]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
