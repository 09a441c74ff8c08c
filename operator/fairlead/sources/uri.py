"""A model at an address: streamed to disk, each hop of the way checked before a byte is sent."""

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from urllib.parse import unquote, urlsplit

import httpcore

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.connection import why
from fairlead.registry.addresses import AddressRefusedError, NamedHosts
from fairlead.registry.connections import GuardedPool
from fairlead.sources.addresses import checked, next_hop, not_reached, refused, shown
from fairlead.sources.base import Digests, Limits, Meter, SourceError

MAX_REDIRECTS = 5
REDIRECT_STATUSES = {301, 302, 303, 307, 308}
TRANSIENT_STATUSES = {408, 425, 429}  # and every 5xx
CONNECT_TIMEOUT_S = 10.0
READ_TIMEOUT_S = 60.0  # seconds without a byte, and with hardly any
HEADERS: Mapping[bytes | str, bytes | str] = {
    "User-Agent": "fairlead",
    "Accept": "*/*",
    "Accept-Encoding": "identity",
}
BROKEN = (
    httpcore.NetworkError,
    httpcore.TimeoutException,
    httpcore.ProtocolError,
    httpcore.UnsupportedProtocol,
)
RETRY_REMEDY = "Nothing to change if the address is right: it is tried again."
_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+=@ -]{0,199}")


def file_name(uri: str, otherwise: str) -> str:
    """The name of the file at an address: the last part of its path, if that is fit for one."""
    last = unquote(urlsplit(uri).path.rpartition("/")[2])
    return last if _FILE_NAME.fullmatch(last) else otherwise


@dataclass(frozen=True)
class UriSource:
    """One file at an ``https://`` address."""

    uri: str
    model_name: str
    """What to call the file where the address does not."""
    trust: ssl.SSLContext
    named: NamedHosts

    def fetch(self, into: Path, limits: Limits) -> Digests:
        with GuardedPool(self.trust, self.named) as pool:
            uri, via = self.uri, None
            for _ in range(MAX_REDIRECTS + 1):
                checked(uri, self.named, via)
                name = file_name(self.uri, self.model_name)
                answer = self._get(pool, uri, via, into / name, limits)
                if isinstance(answer, _Stored):
                    return {name: answer.digest}
                uri, via = next_hop(uri, answer), self.uri
        raise refused(
            self.uri, f"redirects more than {MAX_REDIRECTS} times", "Give the last address."
        )

    def _get(
        self, pool: GuardedPool, uri: str, via: str | None, target: Path, limits: Limits
    ) -> "_Stored | str":
        """Store what is at ``uri``, or return where it leads."""
        what = shown(uri) if via is None else f"{shown(uri)} (where {shown(via)} leads)"
        seconds = max(min(READ_TIMEOUT_S, limits.seconds_left), 1.0)
        pool.budget.begin(seconds, grows=True)
        timeout = {"connect": CONNECT_TIMEOUT_S, "read": seconds, "write": seconds, "pool": seconds}
        try:
            with pool.stream(
                "GET", uri, headers=HEADERS, extensions={"timeout": timeout}
            ) as answer:
                headers = _headers(answer)
                if answer.status in REDIRECT_STATUSES and "location" in headers:
                    return headers["location"]
                if answer.status != HTTPStatus.OK:
                    raise _not_a_file(what, answer.status)
                return _store(answer, headers, target, Meter(limits, what))
        except AddressRefusedError as error:
            raise not_reached(uri, error, via) from error
        except BROKEN as error:
            message = f"{what} does not answer as it should: {why(error)}."
            raise _unreachable(message) from error


@dataclass(frozen=True)
class _Stored:
    digest: str


def _store(
    answer: httpcore.Response, headers: Mapping[str, str], target: Path, meter: Meter
) -> _Stored:
    length = headers.get("content-length", "")
    meter.expect(int(length) if length.isdecimal() else 0)
    body = answer.iter_stream()
    return _Stored(meter.store(body, target))


def _headers(answer: httpcore.Response) -> dict[str, str]:
    return {name.decode("latin-1").lower(): v.decode("latin-1") for name, v in answer.headers}


def _not_a_file(what: str, status: int) -> SourceError:
    """The error for an answer that is not 200."""
    if status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
        return SourceError(
            Reason.MODEL_SOURCE_NOT_FOUND,
            f"{what} answers {status}: there is no such file.",
            "Correct spec.source.uri, or put the file there.",
            retryable=True,
        )
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return SourceError(
            Reason.MODEL_SOURCE_DENIED,
            f"{what} answers {status}: it does not let us read the file.",
            "Fairlead sends no credentials: let the file be read without, or give an address that "
            "is signed; if this one is, it may have expired.",
            FailureClass.AUTH,
            retryable=True,
        )
    phrase = f" ({HTTPStatus(status).phrase})" if status in set(HTTPStatus) else ""
    if status in TRANSIENT_STATUSES or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return _unreachable(f"{what} answers {status}{phrase}.")
    return _unreachable(f"{what} answers {status}{phrase}, which is not a file.")


def _unreachable(message: str) -> SourceError:
    return SourceError(
        Reason.MODEL_SOURCE_UNREACHABLE, message, RETRY_REMEDY, FailureClass.NETWORK, retryable=True
    )
