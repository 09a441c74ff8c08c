"""A certificate of our own for the loopback, which is its own authority."""

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

SUBJECT = ("-subj", "/CN=fault-proxy", "-addext", "subjectAltName=IP:127.0.0.1")


@dataclass(frozen=True)
class Certificate:
    authority: Path
    """PEM: what a client has to trust."""
    key: Path

    def server_context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.authority, self.key)
        return context


def make_certificate(folder: Path) -> Certificate:
    """Write a new certificate and its key into ``folder``."""
    certificate = Certificate(folder / "proxy.crt", folder / "proxy.key")
    files = ("-keyout", str(certificate.key), "-out", str(certificate.authority))
    kind = ("-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")
    command = ("openssl", "req", *kind, "-nodes", "-days", "2", *SUBJECT, *files)
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    return certificate
