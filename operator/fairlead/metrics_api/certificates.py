"""The server's own certificate, and the authorities of the front proxy: both change in time."""

import asyncio
import random
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import structlog

from fairlead.cluster import Cluster
from fairlead.errors import OperatorError
from fairlead.metrics_api.front_proxy import SETTINGS, FrontProxy, front_proxy, tls

logger = structlog.get_logger("fairlead")
PERIOD_S = 60.0
FILES = ("tls.crt", "tls.key")
Use = Callable[[ssl.SSLContext], Awaitable[None]]


class Certificates:
    """``folder`` has ``tls.crt`` and ``tls.key``: a mounted Secret, which changes by itself."""

    def __init__(self, cluster: Cluster, folder: Path, proxy: FrontProxy) -> None:
        self._cluster = cluster
        self._folder = folder
        self.proxy = proxy
        self._content = self._read()

    def tls(self) -> ssl.SSLContext:
        return tls(self._folder, self.proxy)

    async def renew(self, use: Use) -> None:
        """Look now and then until cancelled, and have what changed be used; what cannot be used
        is said, and the one before goes on."""
        while True:
            await asyncio.sleep(PERIOD_S * random.uniform(0.8, 1.0))
            try:
                await self._look(use)
            except (OperatorError, OSError, ValueError) as error:
                logger.warning("certificates not renewed", why=str(error))

    async def _look(self, use: Use) -> None:
        proxy, content = front_proxy(await self._cluster.get(SETTINGS)), self._read()
        if (proxy, content) == (self.proxy, self._content):
            return
        await use(tls(self._folder, proxy))
        self.proxy, self._content = proxy, content
        logger.info("certificates renewed")

    def _read(self) -> tuple[bytes, ...]:
        return tuple((self._folder / name).read_bytes() for name in FILES)


async def certificates(cluster: Cluster, folder: Path) -> Certificates:
    """Raises ``OperatorError``, ``OSError`` or ``ValueError`` where something is missing."""
    return Certificates(cluster, folder, front_proxy(await cluster.get(SETTINGS)))
