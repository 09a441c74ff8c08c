"""One question to one pod: bounded in time and bytes, whatever stands behind the address."""

import asyncio
from collections import defaultdict
from http import HTTPStatus

import httpx

MAX_BYTES = 256 * 1024
TIMEOUT_S = 2.0
NAMESPACE_AT_ONCE = 16  # questions; so that pods that do not answer hold up their own namespace


class Scraper:
    """Asks without credentials, past no proxy, and follows nothing."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self._shares: dict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(NAMESPACE_AT_ONCE)
        )

    async def text(self, namespace: str, url: str) -> str | None:
        """What is there; None where nothing is, or too much."""
        async with self._shares[namespace]:
            try:
                async with asyncio.timeout(TIMEOUT_S):
                    return await self._read(url)
            except (httpx.HTTPError, OSError):  # a time-out is an OSError
                return None

    def keep(self, namespaces: set[str]) -> None:
        """Forget the others."""
        for gone in self._shares.keys() - namespaces:
            del self._shares[gone]

    async def _read(self, url: str) -> str | None:
        content = bytearray()
        async with self._client.stream("GET", url) as response:
            if response.status_code != HTTPStatus.OK:
                return None
            async for piece in response.aiter_raw():  # as it came: nothing is unpacked
                content += piece
                if len(content) > MAX_BYTES:
                    return None
        return content.decode("ascii", errors="replace")


def client() -> httpx.AsyncClient:
    headers = {"Accept-Encoding": "identity"}
    return httpx.AsyncClient(
        headers=headers,
        trust_env=False,
        follow_redirects=False,
        timeout=TIMEOUT_S,
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=256),
    )
