"""``gs://BUCKET/NAME``: Google Cloud Storage, by its JSON API.

Source: https://cloud.google.com/storage/docs/json_api/v1.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import quote, unquote, urlencode

from pydantic import Field

from fairlead.sources.addresses import refused, shown, split
from fairlead.sources.answers import Remedies, unreachable
from fairlead.sources.exchange import Asked, Authorize, Exchange, anonymous
from fairlead.sources.google_token import KEY, of_pod, of_secret
from fairlead.sources.json_answer import Lenient, read_as
from fairlead.sources.remote import RemoteFile, SourceAccess
from fairlead.sources.secret_keys import SecretKeys, endpoint, invalid

HOST = "STORAGE_EMULATOR_HOST"
KEYS = (KEY, "GOOGLE_OAUTH_ACCESS_TOKEN", HOST)
"""What the Secret of a gs:// source may hold, under the names of Google's own variables."""
STORAGE = "https://storage.googleapis.com"
MAX_PAGES = 1000
REMEDIES = Remedies(
    "See that the credentials in the Secret of spec.credentialsSecretRef are right, have not "
    "expired, and may read there, for a folder list too (role Storage Object Viewer); a public "
    "bucket needs no Secret.",
)
_TOKEN = re.compile(r"[\x21-\x7e]{1,8192}")


class _Object(Lenient):
    name: str
    size: int = Field(ge=0, le=2**60)
    generation: str = Field(pattern=r"^[0-9]{1,20}$")


class _Page(Lenient):
    items: tuple[_Object, ...] = ()
    next_page: str = Field(default="", alias="nextPageToken")


def stores(access: SourceAccess) -> Iterator["GcsStore"]:
    """As whom to ask, one after the other."""
    secret = SecretKeys.read(access.folder, KEYS, "gs://")
    if access.variables.get(KEY):
        yield GcsStore(access.uri, secret, access.variables)
    yield GcsStore(access.uri, secret)


@dataclass(frozen=True)
class GcsStore:
    """One bucket, as whoever the credentials are for."""

    uri: str
    secret: SecretKeys = field(repr=False)
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def origin(self) -> str:
        return ""

    def files(self, exchange: Exchange) -> Iterator[RemoteFile]:
        bucket, name = _split(self.uri)
        authorize = self._authorized(exchange)
        base = f"{self._endpoint()}/storage/v1/b/{quote(bucket, safe='')}/o"
        if name and not name.endswith("/"):
            file = self._one(exchange, base, name, authorize)
            if file is not None and file.size != 0:  # a folder may be an empty object
                yield file
                return
        prefix = f"{name.rstrip('/')}/" if name else ""
        for file in self._listed(exchange, base, prefix, authorize):
            yield replace(file, may_be_folder=True)

    def _one(
        self, exchange: Exchange, base: str, name: str, authorize: Authorize
    ) -> RemoteFile | None:
        asked = self._asked(f"{base}/{quote(name, safe='')}", authorize)
        answer, body = exchange.read(asked, frozenset({200, 404}))
        if answer.status != 200:  # noqa: PLR2004
            return None
        item = read_as(_Object, body, asked.what)
        return self._file(base, item, name.rpartition("/")[2], authorize)

    def _listed(
        self, exchange: Exchange, base: str, prefix: str, authorize: Authorize
    ) -> Iterator[RemoteFile]:
        query = {"prefix": prefix, "fields": "items(name,size,generation),nextPageToken"}
        for _ in range(MAX_PAGES):
            asked = self._asked(f"{base}?{urlencode(query)}", authorize)
            _, body = exchange.read(asked)
            page = read_as(_Page, body, asked.what)
            for item in page.items:
                name = item.name.removeprefix(prefix)
                if name and not name.endswith("/"):
                    yield self._file(base, item, name, authorize)
            if not page.next_page:
                return
            query["pageToken"] = page.next_page
        raise unreachable(f"{shown(self.uri)} lists its files on more than {MAX_PAGES} pages.")

    def _file(self, base: str, item: _Object, called: str, authorize: Authorize) -> RemoteFile:
        query = urlencode({"alt": "media", "ifGenerationMatch": item.generation})
        url = f"{base}/{quote(item.name, safe='')}?{query}"
        return RemoteFile(called, self._asked(url, authorize, called, pinned=True), item.size)

    def _asked(
        self, url: str, authorize: Authorize, name: str = "", *, pinned: bool = False
    ) -> Asked:
        what = f"{shown(self.uri)}{f' ({name})' if name else ''}"
        return Asked(what, url, authorize, remedies=REMEDIES, pinned=pinned)

    def _endpoint(self) -> str:
        return endpoint(self.secret.get(HOST) or STORAGE, HOST)

    def _authorized(self, exchange: Exchange) -> Authorize:
        token, key = self.secret.get("GOOGLE_OAUTH_ACCESS_TOKEN"), self.secret.get(KEY)
        if token and not _TOKEN.fullmatch(token):
            raise invalid("has a GOOGLE_OAUTH_ACCESS_TOKEN that is none", "Correct it.")
        if token:
            return lambda *_: {"authorization": f"Bearer {token}"}
        if key:
            return of_secret(key, exchange)
        return of_pod(self.variables, exchange) if self.variables else anonymous


def _split(uri: str) -> tuple[str, str]:
    parts = split(uri)
    if parts.query or parts.fragment:
        raise refused(uri, "has a query or a fragment", "Give gs://BUCKET/NAME, ? and # quoted.")
    return parts.netloc, unquote(parts.path.removeprefix("/"))
