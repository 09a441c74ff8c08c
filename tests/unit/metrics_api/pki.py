"""Certificates for tests: two authorities, a server, and clients."""

import subprocess
from pathlib import Path

NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def authority(folder: Path, name: str) -> None:
    _openssl(folder, *NEW_KEY, *_names(name), "-subj", f"/CN={name}", "-days", "2")


def signed(folder: Path, name: str, by: str, common_name: str) -> None:
    about = ("-subj", f"/CN={common_name}", "-CA", f"{by}.crt", "-CAkey", f"{by}.key")
    address = ("-addext", "subjectAltName=IP:127.0.0.1")
    _openssl(folder, *NEW_KEY, *_names(name), *about, "-days", "2", *address)


def _names(name: str) -> tuple[str, ...]:
    return "-keyout", f"{name}.key", "-out", f"{name}.crt"


def _openssl(folder: Path, *arguments: str) -> None:
    command = ["openssl", "req", "-x509", *arguments]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
