"""Requests signed for S3 (AWS Signature Version 4), in headers. Pure.

botocore, which does this too, needs a python-dateutil that the Kubernetes client excludes, brings
connections that no guard of ours sees, and is larger than all of the operator.
Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

ALGORITHM = "AWS4-HMAC-SHA256"
NO_CONTENT = hashlib.sha256(b"").hexdigest()
SAFE = "-_.~"


@dataclass(frozen=True)
class Keys:
    """``token`` is that of temporary keys, else empty."""

    access: str
    secret: str = field(repr=False)
    token: str = field(default="", repr=False)


def s3_quoted(path: str) -> str:
    """A key as it stands in the path of an address: quoted once, ``/`` left."""
    return quote(path, safe=f"{SAFE}/")


def s3_query(parameters: Mapping[str, str]) -> str:
    """A query as it is signed: in order, quoted."""
    pairs = ((quote(name, safe=SAFE), quote(v, safe=SAFE)) for name, v in parameters.items())
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


def signed_headers(
    method: str,
    url: str,
    keys: Keys,
    region: str,
    now: datetime,
    others: Mapping[str, str] | None = None,
) -> Mapping[str, str]:
    """The headers that sign a request without a body; ``others`` are signed as well.

    The path and the query of ``url`` are quoted as ``s3_quoted`` and ``s3_query`` do.
    """
    parts = urlsplit(url)
    at = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    headers = {
        **{name.lower(): value for name, value in (others or {}).items()},
        "host": parts.netloc,
        "x-amz-content-sha256": NO_CONTENT,
        "x-amz-date": at,
        **({"x-amz-security-token": keys.token} if keys.token else {}),
    }
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name].strip()}\n" for name in sorted(headers))
    request = "\n".join((method, parts.path or "/", parts.query, lines, names, NO_CONTENT))
    scope = f"{at[:8]}/{region}/s3/aws4_request"
    hashed = hashlib.sha256(request.encode()).hexdigest()
    signature = _signature(f"{ALGORITHM}\n{at}\n{scope}\n{hashed}", keys.secret, at[:8], region)
    said = f"Credential={keys.access}/{scope},SignedHeaders={names},Signature={signature}"
    sent = {name: value for name, value in headers.items() if name != "host"}
    return {**sent, "authorization": f"{ALGORITHM} {said}"}


def _signature(text: str, secret: str, date: str, region: str) -> str:
    key = f"AWS4{secret}".encode()
    for step in (date, region, "s3", "aws4_request"):
        key = _hmac(key, step)
    return _hmac(key, text).hex()


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
