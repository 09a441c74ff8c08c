"""A model at an address: streamed to disk, each hop of the way checked before a byte is sent."""

import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from itertools import chain
from pathlib import Path
from urllib.parse import unquote, urlsplit

import httpcore

from fairlead.connection import why
from fairlead.registry.addresses import AddressRefusedError, NamedHosts
from fairlead.registry.connections import GuardedPool
from fairlead.sources.addresses import checked, next_hop, not_reached, refused, shown
from fairlead.sources.answers import (
    MAX_ANSWER_BYTES,
    is_page,
    may_be_page,
    not_a_file,
    page,
    unreachable,
)
from fairlead.sources.base import Digests, Limits, Meter

MAX_REDIRECTS = 5
REDIRECT_STATUSES = {301, 302, 303, 307, 308}
PAGE_SUFFIXES = {".html", ".htm", ".xhtml"}
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
MAX_NAME_BYTES = 200


def file_name(uri: str, otherwise: str) -> str:
    """The name of the file at an address: the last part of its path, if that is fit for one."""
    last = unquote(urlsplit(uri).path.rpartition("/")[2]).strip()
    hidden = last.startswith(".") or any(c in last for c in "/\\\ufffd")
    fits = last.isprintable() and len(last.encode()) <= MAX_NAME_BYTES
    return last if last and fits and not hidden else otherwise


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
                    said = _refusal(answer)
                    kind = headers.get("content-type", "")
                    raise not_a_file(what, answer.status, kind, said)
                return _store(answer, headers, target, Meter(limits, what), what)
        except AddressRefusedError as error:
            raise not_reached(uri, error, via) from error
        except BROKEN as error:
            message = f"{what} does not answer as it should: {why(error)}."
            raise unreachable(message) from error


@dataclass(frozen=True)
class _Stored:
    digest: str


def _store(
    answer: httpcore.Response, headers: Mapping[str, str], target: Path, meter: Meter, what: str
) -> _Stored:
    length = headers.get("content-length", "")
    meter.expect(int(length) if length.isdecimal() else 0)
    body = answer.iter_stream()
    if may_be_page(headers.get("content-type", "")) and target.suffix not in PAGE_SUFFIXES:
        beginning = _beginning(body, MAX_ANSWER_BYTES)
        if is_page(beginning):
            raise page(what, beginning)
        body = chain([beginning], body)
    return _Stored(meter.store(body, target))


def _beginning(body: Iterator[bytes], size: int) -> bytes:
    """The first pieces of a body: ``size`` bytes or a little more, or all that there are."""
    pieces, missing = [], size
    while missing > 0 and (piece := next(body, None)) is not None:
        pieces.append(piece)
        missing -= len(piece)
    return b"".join(pieces)


def _refusal(answer: httpcore.Response) -> bytes:
    """How the body of a refusal begins; nothing where it does not come: the status says enough."""
    try:
        return _beginning(answer.iter_stream(), MAX_ANSWER_BYTES)
    except BROKEN:
        return b""


def _headers(answer: httpcore.Response) -> dict[str, str]:
    return {name.decode("latin-1").lower(): v.decode("latin-1") for name, v in answer.headers}
