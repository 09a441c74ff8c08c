"""Bearer tokens of Google Cloud, by google-auth, which asks through our exchange and no other.

The library is in the image of tasks alone, and only imported where there are credentials.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.connection import why
from fairlead.sources.base import SourceError
from fairlead.sources.exchange import Asked, Authorize, Exchange
from fairlead.sources.secret_keys import invalid

if TYPE_CHECKING:
    from google.auth.credentials import Credentials

SCOPE = "https://www.googleapis.com/auth/devstorage.read_only"
KEY = "GOOGLE_APPLICATION_CREDENTIALS"
IN_SECRET = ("service_account", "authorized_user")
"""The kinds of credentials that a Secret may hold: others name files and programs of the task."""
ANSWERS = frozenset(range(200, 500)) - {408, 425, 429}


def of_secret(content: str, exchange: Exchange) -> Authorize:
    """As whom the Secret's credentials are for. Raises ``SourceError``."""
    try:
        info = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise invalid(f"has a key {KEY} that is no JSON", "Put the key file there.") from error
    return _authorize(_loaded(info, IN_SECRET), exchange)


def of_pod(environ: Mapping[str, str], exchange: Exchange) -> Authorize:
    """As the identity that the file of the pod's variable stands for. Raises ``SourceError``."""
    try:
        info = json.loads(Path(environ[KEY]).read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise _refused(f"{KEY} of the task cannot be read: {why(error)}.") from error
    return _authorize(_loaded(info, (*IN_SECRET, "external_account")), exchange)


def _loaded(info: Any, kinds: tuple[str, ...]) -> "Credentials":
    """The credentials, if they are of one of these kinds. Raises ``SourceError``."""
    from google.auth.exceptions import GoogleAuthError

    kind = str(info.get("type")) if isinstance(info, dict) else ""
    if kind not in kinds:
        raise _refused(f"The credentials in {KEY} are none of {', '.join(kinds)}.")
    try:
        return _KINDS[kind](info)
    except (GoogleAuthError, ValueError, TypeError, KeyError, AttributeError) as error:
        said = f"The credentials in {KEY} are not what they should be: {why(error)}."
        raise _refused(said) from error


def _service_account(info: Any) -> "Credentials":
    from google.oauth2 import service_account

    found: Credentials = service_account.Credentials.from_service_account_info(info, scopes=[SCOPE])
    return found


def _authorized_user(info: Any) -> "Credentials":
    from google.oauth2 import credentials

    found: Credentials = credentials.Credentials.from_authorized_user_info(info, scopes=[SCOPE])
    return found


def _external_account(info: Any) -> "Credentials":
    from google.auth import identity_pool

    found: Credentials = identity_pool.Credentials.from_info(info, scopes=[SCOPE])
    return found


_KINDS = {
    "service_account": _service_account,
    "authorized_user": _authorized_user,
    "external_account": _external_account,
}


def _authorize(credentials: "Credentials", exchange: Exchange) -> Authorize:
    from google.auth.exceptions import GoogleAuthError

    def authorize(*_: object) -> Mapping[str, str]:
        try:
            if not credentials.valid:
                credentials.refresh(_through(exchange))
        except (GoogleAuthError, ValueError, TypeError) as error:
            raise _refused(f"Google Cloud gives no token: {why(error)}.") from error
        return {"authorization": f"Bearer {credentials.token}"}

    return authorize


def _through(exchange: Exchange) -> Any:
    """google-auth's connection: our own, with its guard and its bounds."""
    from google.auth import transport

    class Response(transport.Response):
        def __init__(self, status: int, headers: Mapping[str, str], data: bytes) -> None:
            self._status, self._headers, self._data = status, headers, data

        @property
        def status(self) -> int:
            return self._status

        @property
        def headers(self) -> Mapping[str, str]:
            return self._headers

        @property
        def data(self) -> bytes:
            return self._data

    def request(
        url: str,
        method: str = "GET",
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
        **_: object,
    ) -> Response:
        content = body.encode() if isinstance(body, str) else body

        def own(*_: object) -> Mapping[str, str]:
            return headers or {}  # they may let one in: a redirect does not get them

        asked = Asked("Google Cloud", url, own, method, content=content)
        answer, data = exchange.read(asked, ANSWERS)
        return Response(answer.status, answer.headers, data)

    return request


def _refused(message: str) -> SourceError:
    return SourceError(
        Reason.MODEL_SOURCE_DENIED,
        message,
        "See that the key file in the Secret of spec.credentialsSecretRef is whole, and that its "
        "key was not deleted; it is tried again.",
        FailureClass.AUTH,
        retryable=True,
    )
