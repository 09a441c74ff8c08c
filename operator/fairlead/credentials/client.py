"""The Kubernetes library's client, which shows the newest credentials with each request."""

from http import HTTPStatus
from pathlib import Path
from typing import Any

from kubernetes.aio.client import ApiClient
from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.client.rest import RESTClientObject, RESTResponse

from fairlead.credentials.access import Access, Credentials


async def renewing_client(credentials: Credentials, connections: int) -> ApiClient:
    """A client of at most so many connections. Raises ``OperatorError`` without credentials."""
    access = await credentials.current()
    client = ApiClient(_configuration(access, connections))
    await client.rest_client.close()
    client.rest_client = RenewingTransport(credentials, access, connections)  # type: ignore[assignment]
    return client


class RenewingTransport:
    """In place of the library's ``RESTClientObject``: what is answered 401 is sent once more where
    there are newer credentials.

    Connections belong to a client certificate and a certificate authority. When these are replaced
    new connections are opened; the former ones serve who uses them, until the next replacement.
    """

    def __init__(self, credentials: Credentials, access: Access, connections: int) -> None:
        self._credentials, self._connections = credentials, connections
        self._access, self._tls = access, _tls(access)
        self._pool = RESTClientObject(_configuration(access, connections))
        self._former: RESTClientObject | None = None

    async def request(
        self, method: str, url: str, headers: dict[str, str], **more: Any
    ) -> RESTResponse:
        """Raises ``OperatorError`` where there are no credentials, beside what the library does."""
        access = await self._credentials.current()
        response = await self._send(access, method, url, headers, **more)
        if response.status != HTTPStatus.UNAUTHORIZED:
            return response
        await response.read()  # gives its connection back
        newer = await self._credentials.refused(access)
        return (
            response if newer is access else await self._send(newer, method, url, headers, **more)
        )

    async def close(self) -> None:
        for pool in (self._pool, self._former):
            if pool is not None:
                await pool.close()

    async def _send(
        self, access: Access, method: str, url: str, headers: dict[str, str], **more: Any
    ) -> RESTResponse:
        if access is not self._access:
            await self._use(access)
        shown = {"authorization": access.authorization} if access.authorization else {}
        answer: RESTResponse = await self._pool.request(
            method, url, headers={**headers, **shown}, **more
        )
        return answer

    async def _use(self, access: Access) -> None:
        tls, unused = _tls(access), None
        if tls != self._tls:
            newer = RESTClientObject(_configuration(access, self._connections))
            unused, self._former, self._pool = self._former, self._pool, newer
        self._access, self._tls = access, tls
        if unused is not None:
            await unused.close()


def _configuration(access: Access, connections: int) -> Configuration:
    configuration = Configuration(host=access.server)
    configuration.connection_pool_maxsize = connections
    configuration.ssl_ca_cert = access.ca_file
    configuration.cert_file, configuration.key_file = access.certificate_file, access.key_file
    configuration.verify_ssl = access.verify
    configuration.tls_server_name = access.tls_server_name
    configuration.proxy = access.proxy
    return configuration


def _tls(access: Access) -> tuple[bytes | None, ...]:
    """What connections are opened with: the files' content, for they are replaced in place."""
    files = (access.ca_file, access.certificate_file, access.key_file)
    return tuple(Path(file).read_bytes() if file else None for file in files)
