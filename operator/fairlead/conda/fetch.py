"""Files of channels, fetched past the address guard: each hop is looked at before a byte is sent.

What a server does not manage is tried again a few times. For one thread.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urljoin, urlsplit

import httpcore

from fairlead.conda.channels import Channel
from fairlead.connection import why
from fairlead.diagnosis.build.conda_causes import (
    ChannelBroken,
    ChannelDenied,
    ChannelRefused,
    ChannelUnreachable,
    CondaError,
)
from fairlead.redact import redacted
from fairlead.registry.addresses import AddressRefusedError, NamedHosts
from fairlead.registry.connections import GuardedPool, Trust

MAX_REDIRECTS = 5
ATTEMPTS = 3
FIRST_PAUSE_S = 1.0
CONNECT_TIMEOUT_S = 10.0
READ_TIMEOUT_S = 60.0
REDIRECTS = {301, 302, 303, 307, 308}
ABSENT = {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}
DENIED = {
    *(HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.PAYMENT_REQUIRED),
    HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS,
}
AGAIN = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}
MAX_URL_CHARS = 2048
BROKEN = (
    httpcore.NetworkError,
    httpcore.TimeoutException,
    httpcore.ProtocolError,
    httpcore.UnsupportedProtocol,
)


@dataclass(frozen=True)
class Access:
    """How channels are reached. ``headers``: of an address, what is sent to its host only."""

    trust: Trust
    named: NamedHosts
    headers: Callable[[str], dict[bytes | str, bytes | str]] = lambda _: {}


class _AgainError(Exception):
    """It may work the next time."""


class Fetcher:
    """Connections for one thread."""

    def __init__(self, access: Access, pause: Callable[[float], None] = time.sleep) -> None:
        self._access, self._pause = access, pause
        self._pool = GuardedPool(access.trust, access.named)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pool.close()

    def fetch(self, address: str, target: Path, most_bytes: int, channel: Channel) -> bool:
        """Store what is at ``address``; return False where there is nothing.

        Raises ``CondaError``.
        """
        for attempt in range(ATTEMPTS):
            try:
                return self._once(address, target, most_bytes, channel)
            except _AgainError as error:
                said = str(error)
            if attempt < ATTEMPTS - 1:
                self._pause(FIRST_PAUSE_S * 2**attempt)
        raise CondaError(ChannelUnreachable(_shown(channel, address), said))

    def _once(self, address: str, target: Path, most_bytes: int, channel: Channel) -> bool:
        shown, hop = _shown(channel, address), address
        for _ in range(MAX_REDIRECTS + 1):
            found = self._get(hop, shown, target, most_bytes, channel)
            if isinstance(found, bool):
                return found
            try:
                hop = urljoin(hop, found)
            except ValueError as error:
                raise CondaError(ChannelBroken(shown, "it leads to no address")) from error
        raise CondaError(ChannelBroken(shown, "it leads from one address to another"))

    def _get(
        self, hop: str, shown: str, target: Path, most_bytes: int, channel: Channel
    ) -> "bool | str":
        _check(hop, channel)
        headers: dict[bytes | str, bytes | str] = {
            "User-Agent": "fairlead",
            "Accept-Encoding": "identity",
            **self._access.headers(hop),
        }
        self._pool.budget.begin(READ_TIMEOUT_S, grows=True)
        timeout = {"connect": CONNECT_TIMEOUT_S, "read": READ_TIMEOUT_S, "pool": READ_TIMEOUT_S}
        try:
            with self._pool.stream(
                "GET", hop, headers=headers, extensions={"timeout": timeout}
            ) as answer:
                return _taken(answer, shown, target, most_bytes)
        except AddressRefusedError as error:
            raise CondaError(
                ChannelRefused(channel.asked, _leads(channel, hop), str(error), error.remedy)
            ) from error
        except BROKEN as error:
            raise _AgainError(why(error)) from error


def _taken(answer: httpcore.Response, shown: str, target: Path, most_bytes: int) -> "bool | str":
    status = answer.status
    if status in REDIRECTS:
        for name, value in answer.headers:
            if name.lower() == b"location":
                return str(value.decode("latin-1"))
    if status in ABSENT:
        return False
    if status != HTTPStatus.OK:
        raise _failure(status, shown)
    with target.open("wb") as file:
        for piece in _bounded(answer.iter_stream(), most_bytes, shown):
            file.write(piece)
    return True


def _failure(status: int, shown: str) -> Exception:
    if status in DENIED:
        return CondaError(ChannelDenied(shown, status))
    if status in AGAIN or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return _AgainError(f"it answers {status}")
    return CondaError(ChannelBroken(shown, f"it answers {status}"))


def _bounded(pieces: Iterator[bytes], most_bytes: int, shown: str) -> Iterator[bytes]:
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > most_bytes:
            words = f"it is longer than {most_bytes:,} bytes"
            raise CondaError(ChannelBroken(shown, words))
        yield piece


def _check(address: str, channel: Channel) -> None:
    """What an address may look like. Raises ``CondaError``."""
    try:
        parts = urlsplit(address)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fits = False
    if not fits or not address.isascii() or not address.isprintable() or " " in address:
        words = "is no https:// address"
    elif len(address) > MAX_URL_CHARS:
        words = "is too long"
    elif parts.username is not None or parts.password is not None:
        words = "carries a user name or password"
    else:
        return
    remedy = "Name a channel by an https:// address without secrets, or by its name."
    raise CondaError(ChannelRefused(channel.asked, _leads(channel, address), words, remedy))


def _shown(channel: Channel, address: str) -> str:
    return redacted(channel.shown(address))[:512]


def _leads(channel: Channel, hop: str) -> str:
    """Where we are led, where that may be shown."""
    shown = _shown(channel, hop)
    elsewhere = shown == redacted(channel.address) and hop != channel.mirror
    return f"{shown} leads to a place that" if elsewhere else shown
