"""A model at an address: streamed to disk, each hop of the way checked before a byte is sent."""

import re
import socket
import ssl
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import httpcore

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.connection import why
from fairlead.sources.addresses import allowed, checked, is_forbidden, next_hop, refused, shown
from fairlead.sources.base import Digests, Limits, Meter, SourceError

MAX_REDIRECTS = 5
REDIRECT_STATUSES = {301, 302, 303, 307, 308}
TRANSIENT_STATUSES = {408, 425, 429}  # and every 5xx
READ_TIMEOUT_S = 60.0  # seconds without a byte
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
    insecure_hosts: Collection[str]

    def fetch(self, into: Path, limits: Limits) -> Digests:
        guard = _Guard(self.insecure_hosts)
        with httpcore.ConnectionPool(ssl_context=self.trust, network_backend=guard) as pool:
            uri, via = self.uri, None
            for _ in range(MAX_REDIRECTS + 1):
                checked(uri, self.insecure_hosts, via)
                name = file_name(self.uri, self.model_name)
                answer = self._get(pool, uri, via, into / name, limits)
                if isinstance(answer, _Stored):
                    return {name: answer.digest}
                uri, via = next_hop(uri, answer), self.uri
        raise refused(
            self.uri, f"redirects more than {MAX_REDIRECTS} times", "Give the last address."
        )

    def _get(
        self, pool: httpcore.ConnectionPool, uri: str, via: str | None, target: Path, limits: Limits
    ) -> "_Stored | str":
        """Store what is at ``uri``, or return where it leads."""
        what = shown(uri) if via is None else f"{shown(uri)} (where {shown(via)} leads)"
        seconds = max(min(READ_TIMEOUT_S, limits.seconds_left), 1.0)
        timeout = {"connect": 10.0, "read": seconds, "write": seconds, "pool": seconds}
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
        except _ForbiddenAddressError as error:
            words = f"is at {error}, an address that only the operator's own machine or cloud uses"
            remedy = "Offer the file elsewhere, or add its host to FAIRLEAD_INSECURE_HOSTS."
            raise refused(uri, words, remedy, via) from error
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


class _ForbiddenAddressError(Exception):
    """The name stands for an address that nobody may be sent to; the text is the address."""


class _Guard(httpcore.NetworkBackend):
    """Connects only to addresses that were looked at: the name is resolved once, here."""

    def __init__(self, insecure_hosts: Collection[str]) -> None:
        self._insecure_hosts = insecure_hosts
        self._network = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        *others, last = self._addresses(host, port)
        for address in others:
            try:
                return self._network.connect_tcp(address, port, timeout)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue  # the host has another one
        return self._network.connect_tcp(last, port, timeout, local_address, socket_options)

    def _addresses(self, host: str, port: int) -> list[str]:
        """The addresses of a host that may be connected to, at least one."""
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise httpcore.ConnectError(error.strerror or str(error)) from error
        addresses = list(dict.fromkeys(str(address[0]) for *_, address in found))
        if allowed(host, port, self._insecure_hosts):
            return addresses
        fit = [address for address in addresses if not is_forbidden(address)]
        if not fit:
            raise _ForbiddenAddressError(addresses[0])
        return fit
