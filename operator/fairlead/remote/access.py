"""Where the API server is, and what is shown to it."""

import ssl
from dataclasses import dataclass


@dataclass(frozen=True)
class Access:
    """``namespace`` is the one that is meant where none is named; ``source`` is for messages."""

    server: str
    namespace: str
    source: str
    authorization: str | None = None
    tls: ssl.SSLContext | None = None
    """None: plain HTTP."""
    tls_server_name: str | None = None
    proxy: str | None = None
