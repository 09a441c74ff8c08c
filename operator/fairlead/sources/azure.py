"""Azure Blob Storage: ``abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/PATH``, ``az://`` alike, and
the https addresses of blobs, with a SAS or without.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from urllib.parse import quote, unquote, urlencode, urlsplit

from fairlead.sources.addresses import refused, shown, split
from fairlead.sources.answers import Remedies, unreachable
from fairlead.sources.azure_signature import VERSION, http_date, key_bytes, shared_key_headers
from fairlead.sources.base import SourceError
from fairlead.sources.entra import EntraIdentity
from fairlead.sources.exchange import Asked, Authorize, Exchange, bounded_number
from fairlead.sources.remote import RemoteFile, SourceAccess, probe
from fairlead.sources.secret_keys import SecretKeys, endpoint, invalid
from fairlead.sources.xml_answer import each, parsed, text

KEYS = (
    *("AZURE_STORAGE_CONNECTION_STRING", "AZURE_STORAGE_ACCOUNT", "AZURE_STORAGE_KEY"),
    *("AZURE_STORAGE_SAS_TOKEN", "AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_CLIENT_SECRET"),
    "AZURE_AUTHORITY_HOST",
)
"""What the Secret of an Azure source may hold, under the names of the Azure CLI's variables."""
REMEDIES = Remedies(
    "See that the credentials in the Secret of spec.credentialsSecretRef, or the SAS in the "
    "address, are right, have not expired, and may read there, for a folder list too (role Storage "
    "Blob Data Reader); a container with public access needs none.",
)
MAX_PAGES = 1000
HOST = re.compile(
    r"([a-z0-9]{3,24})(?:\.z[0-9]{1,2})?\.(?:blob|dfs)\.(?:core\.windows\.net|"
    r"core\.chinacloudapi\.cn|core\.usgovcloudapi\.net|storage\.azure\.net)"
)
"""No other host is ever shown a credential, but one that the Secret itself names."""
_ACCOUNT = re.compile(r"[a-z0-9]{3,24}")


def is_blob_address(uri: str) -> bool:
    """Whether an https address is that of a blob or of a folder of blobs.

    Raises ``SourceError``.
    """
    parts = split(uri)
    return parts.scheme == "https" and HOST.fullmatch(parts.hostname or "") is not None


def stores(access: SourceAccess) -> Iterator["AzureStore"]:
    """As whom to ask, one after the other."""
    secret = SecretKeys.read(access.folder, KEYS, "Azure")
    place = _place(access.uri, secret)
    identity = EntraIdentity.of_pod(access.variables)
    if identity is not None and not place.sas:
        yield AzureStore(access.uri, place, identity)
    yield AzureStore(access.uri, place, EntraIdentity.of_secret(secret))


@dataclass(frozen=True)
class Place:
    """``endpoint`` is that of the account; ``key`` and ``sas`` are empty where there is none."""

    endpoint: str
    account: str
    container: str
    path: str
    key: bytes = field(default=b"", repr=False)
    sas: str = field(default="", repr=False)


@dataclass(frozen=True)
class AzureStore:
    """One container, as whoever the credentials are for."""

    uri: str
    place: Place
    identity: EntraIdentity | None

    @property
    def origin(self) -> str:
        return ""

    def files(self, exchange: Exchange) -> Iterator[RemoteFile]:
        path, authorize = self.place.path, self._authorized(exchange)
        if path and not path.endswith("/"):
            file = probe(exchange, self._asked(path, {}, authorize))
            if file is not None and file.size != 0:  # a folder may be an empty blob
                yield replace(file, name=path.rpartition("/")[2])
                return
        prefix = f"{path.rstrip('/')}/" if path else ""
        for name, size, tag in self._listed(exchange, prefix, authorize):
            asked = self._asked(prefix + name, {}, authorize, name)
            yield RemoteFile(name, replace(asked, tag=tag), size, may_be_folder=True)

    def _listed(
        self, exchange: Exchange, prefix: str, authorize: Authorize
    ) -> Iterator[tuple[str, int | None, str]]:
        """Path below the prefix, size and tag of each blob."""
        query = {"restype": "container", "comp": "list", "prefix": prefix}
        for _ in range(MAX_PAGES):
            asked = self._asked("", query, authorize)
            _, body = exchange.read(asked)
            root = parsed(body, asked.what)
            for item in each(root, "Blobs/Blob"):
                name = text(item, "Name").removeprefix(prefix)
                size = bounded_number(text(item, "Properties/Content-Length"))
                tag = text(item, "Properties/Etag").strip('"')
                folder = text(item, "Properties/ResourceType") == "directory"
                if name and not name.endswith("/") and not folder:
                    yield name, size, f'"{tag}"' if tag else ""
            query["marker"] = text(root, "NextMarker")
            if not query["marker"]:
                return
        raise unreachable(f"{shown(self.uri)} lists its files on more than {MAX_PAGES} pages.")

    def _asked(
        self, path: str, query: Mapping[str, str], authorize: Authorize, name: str = ""
    ) -> Asked:
        what = f"{shown(self.uri)}{f' ({name})' if name else ''}"
        pairs = "&".join(filter(None, (urlencode(query, quote_via=quote), self.place.sas)))
        url = f"{self.place.endpoint}/{self.place.container}"
        url += f"/{quote(path, safe='/~')}" if path else ""
        return Asked(what, f"{url}?{pairs}" if pairs else url, authorize, remedies=REMEDIES)

    def _authorized(self, exchange: Exchange) -> Authorize:
        place, identity = self.place, self.identity

        def authorize(method: str, url: str, headers: Mapping[str, str]) -> Mapping[str, str]:
            now = datetime.now(UTC)
            if place.key and not place.sas:
                return shared_key_headers(method, url, headers, place.account, place.key, now)
            mine = identity.headers(exchange) if identity and not place.sas else {}
            return {"x-ms-version": VERSION, "x-ms-date": http_date(now), **mine}

        return authorize


def _place(uri: str, secret: SecretKeys) -> Place:
    """Where an address leads. Raises ``SourceError``."""
    parts = split(uri)
    told = _connection(secret.get("AZURE_STORAGE_CONNECTION_STRING"))
    path, sas = parts.path.lstrip("/"), parts.query if parts.scheme == "https" else ""
    if parts.fragment or (parts.query and not sas):
        raise refused(uri, "has a query or a fragment", "Give the path alone, ? and # quoted.")
    host, container = parts.hostname or "", unquote(parts.username or "")
    if parts.scheme == "https":
        container, _, path = path.partition("/")
    elif not parts.username:  # az://CONTAINER/PATH
        container, host = parts.netloc, ""
    account, base = _account(uri, host, secret, told)
    given = secret.get("AZURE_STORAGE_KEY") or told.get("AccountKey", "")
    key = _key(given)
    sas = sas or secret.get("AZURE_STORAGE_SAS_TOKEN") or told.get("SharedAccessSignature", "")
    if not container:
        raise refused(uri, "names no container", "Give https://ACCOUNT.blob…/CONTAINER/PATH.")
    return Place(base, account, unquote(container), unquote(path), key, _checked_sas(sas))


def _account(uri: str, host: str, secret: SecretKeys, told: Mapping[str, str]) -> tuple[str, str]:
    """Name and endpoint of the account. Where there is a Secret it says whose its credentials are:
    they never go to another account, whatever the address says."""
    if host and not HOST.fullmatch(host):
        remedy = "Give CONTAINER@ACCOUNT.dfs.core.windows.net."
        raise refused(uri, "is not at a host of Azure Storage", remedy)
    if secret.values:
        account, base = _of_secret(secret, told)
        if host and not _leads_to(host, account, base):
            raise _another_account(uri)
        return account, base
    if not host:
        raise refused(
            uri,
            "names no storage account, and nor does a Secret",
            "Give CONTAINER@ACCOUNT.dfs.core.windows.net, or AZURE_STORAGE_ACCOUNT in the Secret.",
        )
    return _account_at(host), f"https://{_blob_host(host)}"


def _of_secret(secret: SecretKeys, told: Mapping[str, str]) -> tuple[str, str]:
    given = told.get("BlobEndpoint", "")
    base = endpoint(given, "AZURE_STORAGE_CONNECTION_STRING") if given else ""
    account = secret.get("AZURE_STORAGE_ACCOUNT") or told.get("AccountName", "")
    account = account or _account_at(urlsplit(base).hostname or "")
    if not _ACCOUNT.fullmatch(account):
        raise invalid(
            "does not say of which storage account its credentials are",
            "Put the account's name under AZURE_STORAGE_ACCOUNT beside them, or give a connection "
            "string.",
        )
    suffix = told.get("EndpointSuffix", "core.windows.net")
    made = endpoint(f"https://{account}.blob.{suffix}", "AZURE_STORAGE_CONNECTION_STRING")
    return account, base or made


def _leads_to(host: str, account: str, base: str) -> bool:
    """Whether the host of an address is that of the Secret's account; of the same name there may
    be another account in another cloud. Other servers than Azure's have hosts of their own."""
    at = urlsplit(base).hostname or ""
    return _account_at(host) == account and (not HOST.fullmatch(at) or at == _blob_host(host))


def _account_at(host: str) -> str:
    found = HOST.fullmatch(host)
    return found[1] if found else ""


def _blob_host(host: str) -> str:
    return host.replace(".dfs.", ".blob.")


def _another_account(uri: str) -> SourceError:
    return refused(
        uri,
        "is not in the storage account that the Secret of spec.credentialsSecretRef is for",
        "Correct spec.source.uri, or the account in the Secret (AZURE_STORAGE_ACCOUNT, or a "
        "connection string, with EndpointSuffix for another cloud than the public one).",
        retryable=True,
    )


def _connection(text_: str) -> Mapping[str, str]:
    pairs = (part.partition("=") for part in text_.split(";"))
    return {name.strip(): value.strip() for name, _, value in pairs if name.strip()}


def _key(key: str) -> bytes:
    try:
        return key_bytes(key)
    except ValueError as error:
        raise invalid(f"has an account key that is none: {error}", "Correct it.") from error


def _checked_sas(sas: str) -> str:
    sas = sas.lstrip("?")
    if not sas.isascii() or not sas.isprintable() or " " in sas or "#" in sas:
        raise invalid("has a SAS token that is none", "Correct AZURE_STORAGE_SAS_TOKEN.")
    return sas
