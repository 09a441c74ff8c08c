"""``s3://BUCKET/KEY``: Amazon S3, and whatever speaks its protocol (MinIO, Ceph, …)."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from urllib.parse import unquote

from fairlead.sources.addresses import refused, shown, split
from fairlead.sources.answers import Remedies, unreachable
from fairlead.sources.aws_keys import WebIdentity, domain, keys_of
from fairlead.sources.aws_signature import Keys, s3_query, s3_quoted, signed_headers
from fairlead.sources.exchange import Asked, Authorize, Exchange, anonymous, bounded_number
from fairlead.sources.remote import RemoteFile, SourceAccess, probe
from fairlead.sources.s3_region import REGION, wrong_region
from fairlead.sources.secret_keys import SecretKeys, endpoint, invalid
from fairlead.sources.xml_answer import each, parsed, text

KEYS = (
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
    *("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"),
)
"""What the Secret of an s3:// source may hold, under the names of Amazon's own variables."""
DEFAULT_REGION = "us-east-1"
REMEDIES = Remedies(
    "See that the keys in the Secret of spec.credentialsSecretRef are right, have not expired, and "
    "may do s3:GetObject there, for a folder s3:ListBucket too; a public bucket needs no Secret.",
)
ANY_STATUS = frozenset(range(200, 600))
MAX_PAGES = 1000
_IN_HOST = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")


def stores(access: SourceAccess) -> Iterator["S3Store"]:
    """As whom to ask, one after the other."""
    secret = SecretKeys.read(access.folder, KEYS, "s3://")
    if WebIdentity.of(access.variables, ""):
        yield S3Store(access.uri, secret, access.variables)
    yield S3Store(access.uri, secret)


@dataclass
class S3Store:
    """One bucket, as whoever the credentials are for. ``variables``: of the pod's own identity."""

    uri: str
    secret: SecretKeys
    variables: Mapping[str, str] = field(default_factory=dict)
    _region: str = ""

    @property
    def origin(self) -> str:
        return ""

    def files(self, exchange: Exchange) -> Iterator[RemoteFile]:
        bucket, key = _split(self.uri)
        self._region = self._told_region() or self._found_region(exchange, bucket)
        authorize = self._authorized(exchange)
        base = self._base(bucket)
        if key and not key.endswith("/"):
            file = probe(exchange, self._asked(f"{base}/{s3_quoted(key)}", authorize))
            if file is not None:
                yield replace(file, name=key.rpartition("/")[2])
                return
        prefix = f"{key.rstrip('/')}/" if key else ""
        for name, size, tag in self._listed(exchange, base, prefix, authorize):
            asked = self._asked(f"{base}/{s3_quoted(prefix + name)}", authorize, name)
            yield RemoteFile(name, replace(asked, tag=tag), size)

    def _listed(
        self, exchange: Exchange, base: str, prefix: str, authorize: Authorize
    ) -> Iterator[tuple[str, int | None, str]]:
        """Path below the prefix, size and tag of each object."""
        query = {"list-type": "2", "prefix": prefix}
        for _ in range(MAX_PAGES):
            asked = self._asked(f"{base}/?{s3_query(query)}", authorize)
            _, body = exchange.read(asked)
            root = parsed(body, asked.what)
            for item in each(root, "Contents"):
                name, size = text(item, "Key").removeprefix(prefix), text(item, "Size")
                if name and not name.endswith("/"):  # consoles mark a folder by an empty object
                    yield name, bounded_number(size), text(item, "ETag")
            token = text(root, "NextContinuationToken")
            if not token:
                return
            query["continuation-token"] = token
        raise unreachable(f"{shown(self.uri)} lists its files on more than {MAX_PAGES} pages.")

    def _asked(self, url: str, authorize: Authorize, name: str = "") -> Asked:
        what = f"{shown(self.uri)}{f' ({name})' if name else ''}"
        explain = partial(wrong_region, self._region)
        return Asked(what, url, authorize, remedies=REMEDIES, explain=explain)

    def _authorized(self, exchange: Exchange) -> Authorize:
        keys = keys_of(self.secret)
        region = self.variables.get("AWS_REGION", "") or self._region
        identity = WebIdentity.of(self.variables, region)

        def signed(method: str, url: str, _: Mapping[str, str]) -> Mapping[str, str]:
            current: Keys = keys or identity.keys(exchange)  # type: ignore[union-attr]
            return signed_headers(method, url, current, self._region, datetime.now(UTC))

        return signed if keys or identity else anonymous

    def _endpoint(self) -> str:
        return self.secret.get("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")

    def _base(self, bucket: str) -> str:
        told = self._endpoint()
        if told:
            return f"{endpoint(told, 'AWS_ENDPOINT_URL')}/{bucket}"
        host = f"s3.{self._region}.{domain(self._region)}"
        in_host = _IN_HOST.fullmatch(bucket)
        return f"https://{bucket}.{host}" if in_host else f"https://{host}/{bucket}"

    def _told_region(self) -> str:
        region = self.secret.get("AWS_REGION", "AWS_DEFAULT_REGION")
        if region and not REGION.fullmatch(region):
            raise invalid("has an AWS_REGION that is none", "Correct it, such as eu-central-1.")
        return region or (DEFAULT_REGION if self._endpoint() else "")

    def _found_region(self, exchange: Exchange, bucket: str) -> str:
        """Amazon tells it to everybody, also to those whom it lets do nothing else."""
        asked = replace(self._asked(f"https://s3.amazonaws.com/{bucket}", anonymous), method="HEAD")
        region = exchange.head(asked, ANY_STATUS).headers.get("x-amz-bucket-region", "")
        return region if REGION.fullmatch(region) else DEFAULT_REGION


def _split(uri: str) -> tuple[str, str]:
    """Bucket and key. What comes after the bucket is the key, blanks quoted or not."""
    parts = split(uri)
    if parts.query or parts.fragment:
        raise refused(uri, "has a query or a fragment", "Give s3://BUCKET/KEY, ? and # quoted.")
    return parts.netloc, unquote(parts.path.removeprefix("/"))
