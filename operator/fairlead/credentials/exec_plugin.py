"""Programs that a kubeconfig names to get credentials from (``exec``), as client-go runs them.

The Kubernetes library's own runner has no time limit, leaves the terminal to every program, and
takes requests without any credentials for the best it can do when the program fails.
"""

import asyncio
import json
import os
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from fairlead.redact import redacted

TIMEOUT_S = 60.0
TERMINAL_TIMEOUT_S = 900.0  # where a person types a password, or logs in with a browser
MAX_WORDS_CHARS = 500  # of what a program says on standard error
CLUSTER_KEYS = (
    *("server", "tls-server-name", "insecure-skip-tls-verify", "proxy-url"),
    "certificate-authority-data",
)


class ExecPluginError(Exception):
    """The program gave no credentials; the text says why, and what to do."""


@dataclass(frozen=True)
class ExecCredential:
    """``status`` of what the program printed: a token, a certificate with its key, or both."""

    token: str | None
    certificate: str | None
    key: str | None
    expires_at: datetime | None


async def run_exec_plugin(
    exec_: Mapping[str, Any],
    folder: Path,
    cluster: Mapping[str, Any],
    *,
    terminal: bool = False,
) -> ExecCredential:
    """Run the program that ``exec_`` describes and return what it gave.

    ``folder`` is the kubeconfig's: a relative path begins there. ``terminal``: a person sits at
    one, and the program may have it, unless its ``interactiveMode`` is Never: it reads what is
    typed, and its questions are on standard error. Raises ``ExecPluginError``.
    """
    command = str(exec_.get("command") or "")
    version = str(exec_.get("apiVersion") or "")
    if not command or not version:
        raise ExecPluginError("its exec section has no command or no apiVersion")
    mode = exec_.get("interactiveMode")
    if mode == "Always" and not terminal:
        raise ExecPluginError(f"{command} wants a terminal (interactiveMode: Always)")
    asks = terminal and mode != "Never"
    variables = {v["name"]: str(v["value"]) for v in exec_.get("env") or ()}
    told = cluster if exec_.get("provideClusterInfo") else None
    info = _info(version, told, interactive=asks)
    program = str(folder / command) if "/" in command else command
    try:
        process = await asyncio.create_subprocess_exec(
            *(program, *map(str, exec_.get("args") or ())),
            env={**os.environ, **variables, "KUBERNETES_EXEC_INFO": json.dumps(info)},
            stdin=None if asks else DEVNULL,
            stdout=PIPE,
            stderr=None if asks else PIPE,
        )
    except OSError as error:
        hint = " ".join(str(exec_.get("installHint") or "").split())
        raise ExecPluginError(f"{command} cannot be run ({error.strerror}). {hint}") from error
    limit_s = TERMINAL_TIMEOUT_S if asks else TIMEOUT_S
    return _read(command, version, await _output(command, process, limit_s))


def _info(version: str, cluster: Mapping[str, Any] | None, *, interactive: bool) -> dict[str, Any]:
    """``KUBERNETES_EXEC_INFO``, as client-go sets it."""
    spec: dict[str, Any] = {"interactive": interactive}
    if cluster is not None:
        spec["cluster"] = {key: cluster[key] for key in CLUSTER_KEYS if key in cluster}
    return {"apiVersion": version, "kind": "ExecCredential", "spec": spec}


async def _output(command: str, process: asyncio.subprocess.Process, limit_s: float) -> bytes:
    try:
        async with asyncio.timeout(limit_s):
            output, words = await process.communicate()
    except TimeoutError as error:
        raise ExecPluginError(f"{command} did not end within {limit_s:g} seconds") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        said = redacted((words or b"").decode(errors="replace"), MAX_WORDS_CHARS).strip()
        none = "no words" if words is not None else "it says above why"
        raise ExecPluginError(f"{command} ended with {process.returncode}: {said or none}")
    return output


def _read(command: str, version: str, output: bytes) -> ExecCredential:
    try:
        answer = json.loads(output)
        if (answer["kind"], answer["apiVersion"]) != ("ExecCredential", version):
            raise ExecPluginError(f"{command} printed a {answer['kind']} of another version")
        status = answer["status"]
        expiry = status.get("expirationTimestamp")
        given = ExecCredential(
            token=status.get("token"),
            certificate=status.get("clientCertificateData"),
            key=status.get("clientKeyData"),
            expires_at=datetime.fromisoformat(expiry) if expiry else None,
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ExecPluginError(f"{command} printed no ExecCredential") from error
    if not given.token and not (given.certificate and given.key):
        raise ExecPluginError(f"{command} printed neither a token nor a certificate with its key")
    return given
