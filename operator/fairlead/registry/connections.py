"""How tasks connect: to the very address that was checked, in bounded time, through the proxy.

One pool for registries and for models. TLS still proves the name, whatever address was chosen.
"""

import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Any, Self
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import httpcore

from fairlead.registry.addresses import (
    DEFAULT_PORTS,
    NamedHosts,
    check_beyond_proxy,
    check_protection,
    connectable,
)
from fairlead.registry.reference import is_loopback

MAX_ADDRESSES_TRIED = 4  # of one host
DEFAULT_BUDGET_S = 60.0
SLOWEST_BYTES_PER_S = 1024.0  # what keeps a long transfer alive


Trust = ssl.SSLContext | Callable[[], ssl.SSLContext]
"""Whom TLS trusts, or how to have it: reading the authorities takes longer than a call to a
registry, and is for TLS alone."""


class TimeBudget:
    """How long one exchange may take: some seconds, and more for each byte that passes."""

    def __init__(self) -> None:
        self.begin(DEFAULT_BUDGET_S)

    def begin(self, seconds: float, *, grows: bool = False) -> None:
        """Begin an exchange. ``grows``: a transfer of any size, but not of any slowness."""
        self._end = time.monotonic() + seconds
        self._grows = grows

    def passed(self, size: int) -> None:
        """Take note of ``size`` bytes, sent or received."""
        if self._grows:
            self._end += size / SLOWEST_BYTES_PER_S

    def bound(self, timeout: float | None) -> float | None:
        """The time-out of one step, in seconds. Raises ``httpcore.TimeoutException``."""
        left = self._end - time.monotonic()
        if left <= 0:
            slow = f"less than {SLOWEST_BYTES_PER_S:.0f} bytes a second"
            raise httpcore.ReadTimeout(slow if self._grows else "no whole answer in time")
        return left if timeout is None else min(timeout, left)


class GuardedPool(httpcore.ConnectionPool):
    """Connections to where the guard lets one go. Raises ``AddressRefusedError`` where not.

    For one thread: ``budget`` bounds the exchange that is under way. What the environment says of
    proxies when the first request is sent holds for all.
    """

    def __init__(self, trust: Trust, named: NamedHosts) -> None:
        self.budget = TimeBudget()
        super().__init__(network_backend=_Guarded(self.budget, named))  # without TLS
        self._trust, self._named = trust, named
        self._others: dict[str, httpcore.ConnectionPool] = {}  # by proxy; empty: TLS without one

    def __enter__(self) -> Self:
        super().__enter__()
        return self

    def handle_request(self, request: httpcore.Request) -> httpcore.Response:
        scheme, host = request.url.scheme.decode(), request.url.host.decode()
        port = request.url.port or DEFAULT_PORTS.get(scheme, 0)
        check_protection(scheme, host, port, self._named)
        proxy = _proxy_for(scheme, host, self._proxies)
        if proxy is not None:
            check_beyond_proxy(host, port, self._named)
        elif scheme == "http":
            return super().handle_request(request)
        return self._other(proxy or "").handle_request(request)

    def close(self) -> None:
        for pool in self._others.values():
            pool.close()
        super().close()

    @cached_property
    def _proxies(self) -> Mapping[str, str]:
        return getproxies()

    def _other(self, proxy: str) -> httpcore.ConnectionPool:
        if proxy not in self._others:
            trust = self._trust if isinstance(self._trust, ssl.SSLContext) else self._trust()
            guard = _Timed(self.budget) if proxy else _Guarded(self.budget, self._named)
            self._others[proxy] = httpcore.ConnectionPool(
                ssl_context=trust, proxy=_parsed(proxy) if proxy else None, network_backend=guard
            )
        return self._others[proxy]


def _proxy_for(scheme: str, host: str, proxies: Mapping[str, str]) -> str | None:
    """The proxy that the environment names for a host; none for what is on this machine."""
    proxy = proxies.get(scheme) or proxies.get("all")
    if proxy is None or is_loopback(host) or proxy_bypass(host):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _parsed(proxy: str) -> httpcore.Proxy:
    """Raises ``httpcore.UnsupportedProtocol`` for a kind that we do not speak."""
    try:
        parts, url = urlsplit(proxy), httpcore.URL(proxy)
    except ValueError as error:
        raise httpcore.UnsupportedProtocol("the environment's proxy is no address") from error
    if parts.scheme not in DEFAULT_PORTS:
        raise httpcore.UnsupportedProtocol(f"the environment names a {parts.scheme} proxy")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return httpcore.Proxy(url, auth=(user, password) if user else None)


class _Timed(httpcore.NetworkBackend):
    """Connects anywhere, within the budget."""

    def __init__(self, budget: TimeBudget) -> None:
        self._budget = budget
        self._network = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        bound = self._budget.bound(timeout)
        stream = self._network.connect_tcp(host, port, bound, local_address, socket_options)
        return _TimedStream(stream, self._budget)


class _Guarded(_Timed):
    """Connects only to addresses that were looked at: the name is resolved once, here."""

    def __init__(self, budget: TimeBudget, named: NamedHosts) -> None:
        super().__init__(budget)
        self._named = named

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        try:
            found = connectable(host, port, self._named)
        except OSError as error:
            raise httpcore.ConnectError(error.strerror or str(error)) from error
        *others, last = found[:MAX_ADDRESSES_TRIED]
        for address in others:
            try:
                return super().connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue  # the host has another one
        return super().connect_tcp(last, port, timeout, local_address, socket_options)


class _TimedStream(httpcore.NetworkStream):
    """A connection whose every step ends in time, however little comes in each."""

    def __init__(self, stream: httpcore.NetworkStream, budget: TimeBudget) -> None:
        self._stream, self._budget = stream, budget

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            content = self._stream.read(max_bytes, self._budget.bound(timeout))
        except httpcore.ReadTimeout:
            self._budget.bound(timeout)  # where the budget is spent this says so
            raise
        self._budget.passed(len(content))
        return content

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._budget.bound(timeout))
        self._budget.passed(len(buffer))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        bound = self._budget.bound(timeout)
        secured = self._stream.start_tls(ssl_context, server_hostname, bound)
        return _TimedStream(secured, self._budget)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
