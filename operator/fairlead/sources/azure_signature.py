"""Requests signed with an Azure storage account's key (Shared Key). Pure.

Source: https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlsplit

VERSION = "2021-12-02"  # of the protocol
SIGNED_FIRST = (
    *("content-encoding", "content-language", "content-length", "content-md5", "content-type"),
    *("date", "if-modified-since", "if-match", "if-none-match", "if-unmodified-since", "range"),
)


def http_date(now: datetime) -> str:
    return now.astimezone(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")


def key_bytes(key: str) -> bytes:
    """An account's key as Azure shows it. Raises ``ValueError``."""
    try:
        return base64.b64decode(key, validate=True)
    except binascii.Error as error:
        raise ValueError("it is not base64") from error


def shared_key_headers(
    method: str, url: str, headers: Mapping[str, str], account: str, key: bytes, now: datetime
) -> Mapping[str, str]:
    """The headers that sign a request which has these other ``headers``."""
    ours = {"x-ms-date": http_date(now), "x-ms-version": VERSION}
    lower = {name.lower(): value for name, value in headers.items()} | ours
    first = "".join(f"{lower.get(name, '')}\n" for name in SIGNED_FIRST)
    extra = sorted(name for name in lower if name.startswith("x-ms-"))
    named = "".join(f"{name}:{lower[name].strip()}\n" for name in extra)
    text = f"{method}\n{first}{named}{_resource(url, account)}"
    signature = base64.b64encode(hmac.new(key, text.encode(), hashlib.sha256).digest()).decode()
    return {**ours, "authorization": f"SharedKey {account}:{signature}"}


def _resource(url: str, account: str) -> str:
    parts = urlsplit(url)
    pairs = sorted(
        (name.lower(), value) for name, value in parse_qsl(parts.query, keep_blank_values=True)
    )
    return f"/{account}{parts.path or '/'}" + "".join(f"\n{n}:{v}" for n, v in pairs)
