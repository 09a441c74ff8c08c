"""Connections to a pod through the API server: over WebSocket, in the protocol that the kubelet
speaks. Each message begins with a byte that says what it is of."""

import ssl
from typing import Any
from urllib.parse import urlsplit

import websocket

from fairlead.api.failure_class import FailureClass
from fairlead.api.reasons import Reason
from fairlead.finding import shown
from fairlead.local.errors import LocalError, refusal
from fairlead.remote.access import Access
from fairlead.remote.answers import said_of

PROTOCOL = "v4.channel.k8s.io"
CONNECT_TIMEOUT_S = 10.0
PIECE_BYTES = 32 * 1024
FAILURES = (websocket.WebSocketException, OSError)


def opened(access: Access, path: str, what: str, right: str) -> websocket.WebSocket:
    """``what`` is connected to, for messages; ``right``: what it takes. Raises ``LocalError``."""
    scheme, _, rest = access.server.partition("://")
    address = f"{'wss' if scheme == 'https' else 'ws'}://{rest}{path}"
    try:
        return websocket.create_connection(address, **_options(access))
    except websocket.WebSocketBadStatusException as error:
        raise _refused(what, right, error) from error
    except FAILURES as error:
        message = f"There is no way to {what}: {shown(str(error), 300)}."
        remedy = "See whether the pod runs: fairlead get services."
        raise refusal(Reason.API_UNREACHABLE, message, remedy, FailureClass.NETWORK) from error


def _options(access: Access) -> dict[str, Any]:
    tls: dict[str, Any] = {"context": access.tls} if access.tls else {}
    if access.tls_server_name:
        tls["server_hostname"] = access.tls_server_name
    proxy = urlsplit(access.proxy or "")
    through = {
        "http_proxy_host": proxy.hostname,
        "http_proxy_port": proxy.port or (443 if proxy.scheme == "https" else 80),
        "proxy_type": "http",
    }
    header = {"Authorization": access.authorization} if access.authorization else {}
    if access.tls and access.tls.verify_mode == ssl.CERT_NONE:
        tls["cert_reqs"] = ssl.CERT_NONE
    return {
        "subprotocols": [PROTOCOL],
        "header": header,
        "sslopt": tls,
        "timeout": CONNECT_TIMEOUT_S,
        "suppress_origin": True,
        **(through if proxy.hostname else {"http_no_proxy": ["*"]}),
        "enable_multithread": True,
    }


def _refused(what: str, right: str, error: websocket.WebSocketBadStatusException) -> LocalError:
    body = error.resp_body if isinstance(error.resp_body, bytes) else b""
    said = shown(said_of(body), 300) or f"status {error.status_code}"
    return refusal(
        Reason.FORBIDDEN if error.status_code in (401, 403) else Reason.API_UNAVAILABLE,
        f"The API server lets nobody through to {what}: {said}.",
        right,
        FailureClass.AUTH,
    )
