"""How kopf gets the credentials that the operator's own client shows."""

import asyncio
from typing import Any

import kopf

from fairlead.credentials.access import RELOAD_INTERVAL, Access, Credentials
from fairlead.errors import OperatorError

RETRY_DELAY_S = 15.0  # after a login without credentials; kopf's requests wait meanwhile


class Login:
    """What kopf is given each time that it asks: at first, when it expires, and after a 401.

    kopf ends the operator when it is given what it was refused before. So each answer differs from
    the last one, if only in its priority, and comes ``RELOAD_INTERVAL`` after it at the earliest.
    """

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self._given: Access | None = None
        self._times = 0

    async def connection(self, *, trust_env: bool) -> kopf.ConnectionInfo:
        """Raises ``OperatorError`` where there are no credentials."""
        access = await self._credentials.current()
        while access is self._given:
            newer = await self._credentials.refused(access)
            if newer is access:
                await asyncio.sleep(RELOAD_INTERVAL.total_seconds())
            access = newer
        self._given, self._times = access, self._times + 1
        scheme, token = access.scheme_and_token
        return kopf.ConnectionInfo(
            server=access.server,
            ca_path=access.ca_file,
            insecure=not access.verify,
            scheme=scheme,
            token=token,
            certificate_path=access.certificate_file,
            private_key_path=access.key_file,
            proxy_url=access.proxy,
            trust_env=trust_env,
            priority=self._times,
            expiration=access.expires_at,
        )


@kopf.on.login()
async def login(*, memo: Any, settings: kopf.OperatorSettings, **_: Any) -> kopf.ConnectionInfo:
    try:
        connection: kopf.ConnectionInfo = await memo.login.connection(
            trust_env=settings.networking.trust_env
        )
    except OperatorError as error:
        raise kopf.TemporaryError(str(error), delay=RETRY_DELAY_S) from error
    return connection
