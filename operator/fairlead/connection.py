"""Connections that tasks open: whom they trust, and, when one fails, why in words."""

import re
import ssl
from functools import lru_cache
from pathlib import Path

from fairlead.redact import redacted

MAX_MESSAGE_CHARS = 300  # characters of an error's own words
_NUMBERS = re.compile(r"\[(?:Errno|SSL)[^\]]{0,64}\] ?| ?\(_ssl\.c:\d+\)")


@lru_cache(maxsize=4)
def trust(ca_bundle: Path | None) -> ssl.SSLContext:
    """Return the TLS context: the system's certificate authorities and those of ``ca_bundle``.

    Reading them takes longer than a call to a registry: once for each bundle and process, and
    processes that connect are tasks.
    Raises ``OSError`` (which an ``ssl.SSLError`` is) where the bundle cannot be read.
    """
    context = ssl.create_default_context()
    if ca_bundle is not None:
        context.load_verify_locations(cafile=ca_bundle)
    return context


def why(error: BaseException) -> str:
    """Return why there was no answer: ``Connection refused``, ``timed out``, …"""
    said = str(error)
    words = redacted(_NUMBERS.sub("", said), MAX_MESSAGE_CHARS).strip()
    if "CERTIFICATE_VERIFY_FAILED" in said:
        return (
            f"its certificate is not trusted: {words.removeprefix('certificate verify failed: ')}"
        )
    return words or type(error).__name__
