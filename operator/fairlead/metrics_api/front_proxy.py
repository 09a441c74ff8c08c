"""Who may ask: the API server, by the certificate of its front proxy, and nobody else.

It has authenticated and authorised whoever asked it before it passes a request on.
https://kubernetes.io/docs/tasks/extend-kubernetes/configure-aggregation-layer/
"""

import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fairlead.api.refs import Manifest, Ref

SETTINGS = Ref("v1", "configmaps", "kube-system", "extension-apiserver-authentication")
CA_KEY, NAMES_KEY = "requestheader-client-ca-file", "requestheader-allowed-names"


@dataclass(frozen=True)
class FrontProxy:
    """``authorities``: PEM; ``names``: common names that are allowed, none: any of them."""

    authorities: str
    names: frozenset[str]

    def admits(self, certificate: Mapping[str, Any] | None) -> bool:
        """Whether this certificate, which the authorities have signed, is the front proxy's."""
        if not certificate:
            return False
        pairs = [pair for part in certificate.get("subject", ()) for pair in part]
        names = [value for key, value in pairs if key == "commonName"]
        return not self.names or any(name in self.names for name in names)


def front_proxy(settings: Manifest | None) -> FrontProxy:
    """As the API server publishes it. Raises ``ValueError``, with a sentence, where it does not."""
    data = (settings or {}).get("data") or {}
    authorities = str(data.get(CA_KEY) or "")
    if not authorities.strip():
        raise ValueError(
            f"{SETTINGS.namespace}/{SETTINGS.name} names no authority of a front proxy ({CA_KEY}): "
            "the API server has no aggregation layer"
        )
    names = json.loads(data.get(NAMES_KEY) or "[]")
    if not isinstance(names, list):
        raise ValueError(f"{NAMES_KEY} is no list")  # noqa: TRY004  (of what was read)
    return FrontProxy(authorities, frozenset(map(str, names)))


def tls(folder: Path, proxy: FrontProxy) -> ssl.SSLContext:
    """A server's, with ``tls.crt`` and ``tls.key`` of the folder. Without a certificate that these
    authorities have signed nobody gets as far as a request.

    Raises ``OSError``, which an ``ssl.SSLError`` is.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(folder / "tls.crt", folder / "tls.key")
    context.load_verify_locations(cadata=proxy.authorities)
    context.verify_mode = ssl.CERT_REQUIRED
    return context
