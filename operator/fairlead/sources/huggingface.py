"""``hf://ORG/NAME[@REVISION][/PATH]``: a model of Hugging Face's hub, or of a mirror.

The revision is pinned to a commit before anything is fetched, and told in status.
Source: https://huggingface.co/docs/hub/api.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs, quote, unquote, urlencode

from pydantic import Field

from fairlead.sources.addresses import refused, shown, split
from fairlead.sources.answers import Remedies, unreachable
from fairlead.sources.exchange import Asked, Exchange
from fairlead.sources.json_answer import Lenient, read_as
from fairlead.sources.remote import RemoteFile, SourceAccess
from fairlead.sources.secret_keys import SecretKeys, endpoint, invalid

KEYS = ("HF_TOKEN", "HF_ENDPOINT")
"""What the Secret of an hf:// source may hold, under the names of the hub's own variables."""
HUB = "https://huggingface.co"
MAIN = "main"
MAX_PAGES = 1000
REMEDIES = Remedies(
    "See that the name is right, and that the HF_TOKEN in the Secret of spec.credentialsSecretRef "
    "is right and may read it; a gated model wants its terms accepted first. The hub answers so to "
    "names that it does not know, too.",
    "Correct ORG/NAME, the revision or the path in spec.source.uri.",
)
_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}")
_TOKEN = re.compile(r"[\x21-\x7e]{1,4096}")
_NEXT = re.compile(r'<([^<>]{1,4096})>; ?rel="next"')
COMMIT = r"^[0-9a-f]{40}([0-9a-f]{24})?$"
OTHER_KINDS = {"datasets", "spaces"}


class _Revision(Lenient):
    sha: str = Field(pattern=COMMIT)


class _Large(Lenient):
    oid: str = Field(pattern=r"^[0-9a-f]{64}$")


class _Entry(Lenient):
    type: str
    path: str
    size: int = Field(default=0, ge=0, le=2**60)
    lfs: _Large | None = None

    @property
    def digest(self) -> str:
        """A large file is known by the sha256 of its content, a small one by git's."""
        return f"sha256:{self.lfs.oid}" if self.lfs else ""


def stores(access: SourceAccess) -> Iterator["HubStore"]:
    """As whom to ask."""
    yield HubStore(access.uri, SecretKeys.read(access.folder, KEYS, "hf://"))


@dataclass
class HubStore:
    """One model of the hub, as whoever the token is for."""

    uri: str
    secret: SecretKeys = field(repr=False)
    origin: str = ""

    def files(self, exchange: Exchange) -> Iterator[RemoteFile]:
        name, revision, path = _split(self.uri)
        commit = self._pinned(exchange, name, revision)
        self.origin = f"hf://{name}@{commit}{f'/{path}' if path else ''}"
        folder = f"{path.rstrip('/')}/" if path else ""
        for entry in self._listed(exchange, name, commit):
            if entry.path == path:
                yield self._file(name, commit, entry, path.rpartition("/")[2])
            elif entry.path.startswith(folder):
                yield self._file(name, commit, entry, entry.path.removeprefix(folder))

    def _pinned(self, exchange: Exchange, name: str, revision: str) -> str:
        url = f"api/models/{name}/revision/{quote(revision, safe='')}"
        asked = self._asked(url)
        _, body = exchange.read(asked)
        return read_as(_Revision, body, asked.what).sha

    def _listed(self, exchange: Exchange, name: str, commit: str) -> Iterator[_Entry]:
        query = {"recursive": "true"}
        for _ in range(MAX_PAGES):
            asked = self._asked(f"api/models/{name}/tree/{commit}?{urlencode(query)}")
            answer, body = exchange.read(asked)
            entries = read_as(list[_Entry], body, asked.what)
            yield from (entry for entry in entries if entry.type == "file")
            cursor = _cursor(answer.headers.get("link", ""))
            if not cursor:
                return
            query["cursor"] = cursor
        raise unreachable(f"{shown(self.uri)} lists its files on more than {MAX_PAGES} pages.")

    def _file(self, name: str, commit: str, entry: _Entry, called: str) -> RemoteFile:
        asked = self._asked(f"{name}/resolve/{commit}/{quote(entry.path)}", called, pinned=True)
        return RemoteFile(called, asked, entry.size, entry.digest)

    def _asked(self, path: str, name: str = "", *, pinned: bool = False) -> Asked:
        hub = endpoint(self.secret.get("HF_ENDPOINT") or HUB, "HF_ENDPOINT")
        what = f"{shown(self.uri)}{f' ({name})' if name else ''}"
        url = f"{hub}/{path}"
        return Asked(what, url, self._authorized, remedies=REMEDIES, pinned=pinned)

    def _authorized(self, *_: object) -> Mapping[str, str]:
        token = self.secret.get("HF_TOKEN")
        if token and not _TOKEN.fullmatch(token):
            raise invalid("has an HF_TOKEN that is none", "Correct it.")
        return {"authorization": f"Bearer {token}"} if token else {}


def _split(uri: str) -> tuple[str, str, str]:
    """Name, revision and path; the revision's own slashes are quoted."""
    parts = split(uri)
    org, _, rest = parts.path.lstrip("/").partition("/")
    name, _, revision = org.partition("@")
    good = _PART.fullmatch(parts.netloc) and _PART.fullmatch(name) and ".." not in name
    if not good or parts.query or parts.fragment or parts.netloc in OTHER_KINDS:
        raise refused(uri, "is no hf://ORG/NAME@REVISION/PATH of a model", "Correct it.")
    return f"{parts.netloc}/{name}", unquote(revision) or MAIN, unquote(rest).strip("/")


def _cursor(link: str) -> str:
    """Where a listing goes on; of the address that the hub gives only this is taken."""
    found = _NEXT.search(link)
    query: str = found[1].partition("?")[2] if found else ""
    return parse_qs(query).get("cursor", [""])[0]
