"""How to reach the API server and what to show it, kept up to date for everybody who asks."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from kubernetes.aio.client.configuration import Configuration

from fairlead.errors import OperatorError

logger = structlog.get_logger("fairlead")
EARLY = timedelta(seconds=10)  # before it expires, something new is loaded
RELOAD_INTERVAL = timedelta(seconds=5)  # at the least, whatever is refused or fails meanwhile


@dataclass(frozen=True)
class Access:
    """One set of credentials. Paths are those of PEM files; ``authorization`` is the header.

    ``expires_at`` is what the issuer says; ``reload_at`` is when to look for something newer, if
    that is known before the API server refuses it.
    """

    server: str
    authorization: str | None = None
    ca_file: str | None = None
    certificate_file: str | None = None
    key_file: str | None = None
    verify: bool = True
    tls_server_name: str | None = None
    proxy: str | None = None
    expires_at: datetime | None = None
    reload_at: datetime | None = None

    @property
    def scheme_and_token(self) -> tuple[str | None, str | None]:
        scheme, _, token = (self.authorization or "").partition(" ")
        return scheme or None, token or None


def access_of(
    configuration: Configuration,
    expires_at: datetime | None = None,
    reload_at: datetime | None = None,
) -> Access:
    """What the Kubernetes library's loaders left in ``configuration``."""
    header = configuration.api_key.get("BearerToken")
    return Access(
        server=configuration.host,
        authorization=header.strip() if header else None,  # a token file may end with a newline
        ca_file=configuration.ssl_ca_cert,
        certificate_file=configuration.cert_file,
        key_file=configuration.key_file,
        verify=configuration.verify_ssl,
        tls_server_name=configuration.tls_server_name,
        proxy=configuration.proxy,
        expires_at=expires_at,
        reload_at=reload_at,
    )


def reload_before(expires_at: datetime, now: datetime) -> datetime:
    """When to load again: a little before the end, and not before half of a short life is over."""
    left = expires_at - now
    return now + max(left - EARLY, left / 2)


def utc_now() -> datetime:
    return datetime.now(UTC)


class Credentials:
    """The newest ``Access``. Many ask at once, one load answers them all."""

    def __init__(
        self, load: Callable[[], Awaitable[Access]], now: Callable[[], datetime] = utc_now
    ) -> None:
        self._load, self._now = load, now
        self._access: Access | None = None
        self._loaded_at = datetime.min.replace(tzinfo=UTC)
        self._lock = asyncio.Lock()

    async def current(self) -> Access:
        """What to show now. Raises ``OperatorError`` where there never was anything to show."""
        access = self._access
        if access is None:
            return await self._renewed(None)
        if access.reload_at is None or self._now() < access.reload_at:
            return access
        try:
            return await self._renewed(access)
        except OperatorError as error:  # the API server may take the old one for a while
            logger.warning("credentials not renewed", why=str(error))
            return access

    async def refused(self, access: Access) -> Access:
        """What to show after the API server has answered 401 to ``access``.

        The same again where something was loaded a moment ago. Raises ``OperatorError`` where
        nothing could be loaded.
        """
        return await self._renewed(access)

    async def _renewed(self, old: Access | None) -> Access:
        async with self._lock:
            if self._access is not None and self._access is not old:
                return self._access  # somebody else has loaded it meanwhile
            if old is not None and self._now() < self._loaded_at + RELOAD_INTERVAL:
                return old
            self._loaded_at = self._now()
            self._access = await self._load()
            return self._access
