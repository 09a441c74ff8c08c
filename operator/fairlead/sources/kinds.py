"""One table of where a model may come from, keyed by the fields of ``spec.source``.

What decides reads how a source is described, the ingest task how it is opened. A test compares the
table with the fields. What opens a source is imported where it is opened: the operator only reads
how one is described.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from fairlead.api.code_source import GitSource
from fairlead.api.model import ModelSource
from fairlead.connection import trust
from fairlead.contract import IngestRequest
from fairlead.job_request import CREDENTIALS_FOLDER, SOURCE, VOLUME_FOLDER
from fairlead.redact import redacted
from fairlead.registry.addresses import NamedHosts
from fairlead.settings import Settings
from fairlead.sources.addresses import shown
from fairlead.sources.base import Source
from fairlead.sources.files import FilesSource

if TYPE_CHECKING:
    from fairlead.sources.remote import SourceAccess, Store

OCI = "oci://"


@dataclass(frozen=True)
class SourceKind:
    """``describe`` is for status, log and messages; ``open`` gets the folder of files that were
    handed over with the request."""

    describe: Callable[[ModelSource], str]
    open: Callable[[IngestRequest, Path, Settings], Source]


def describe(source: ModelSource) -> str:
    """Where the model comes from: the address, or ``configmap/<name>``."""
    return SOURCE_KINDS[source.given].describe(source)


def open_source(request: IngestRequest, files: Path, settings: Settings) -> Source:
    return SOURCE_KINDS[request.source.given].open(request, files, settings)


def _address(source: ModelSource) -> str:
    return redacted(str(source.uri))  # a signed address is a key


def _config_map(source: ModelSource) -> str:
    return f"configmap/{source.config_map.name}" if source.config_map else ""


@dataclass(frozen=True)
class Address:
    """An address, and as whom to ask there. ``name`` is what to call a file where it does not say.

    ``secret``: a Secret with credentials is mounted; ``identity``: else the task may ask as its
    pod's own identity.
    """

    uri: str
    name: str
    secret: bool
    identity: bool


def open_address(address: Address, settings: Settings) -> Source:
    """The source at an address. Raises ``SourceError``."""
    from fairlead.sources.remote import RemoteSource, SourceAccess
    from fairlead.sources.uri import UriSource

    uri, trusted, named = address.uri, partial(trust, settings.ca_bundle), NamedHosts.of(settings)
    folder = Path(CREDENTIALS_FOLDER, SOURCE) if address.secret else None
    if uri.startswith(OCI):
        return _open_registry(uri, folder, settings)
    opener = store_at(uri)
    if opener is not None:
        variables = os.environ if address.identity and folder is None else {}
        access = SourceAccess(uri, folder, variables)
        return RemoteSource(shown(uri), lambda: opener(access), trusted, named)
    return UriSource(uri, address.name, trusted, named)


def open_repository(git: GitSource, *, secret: bool, settings: Settings) -> Source:
    """A folder of a git repository. Raises ``SourceError``."""
    from fairlead.sources.git import GitFolder

    folder = Path(CREDENTIALS_FOLDER, SOURCE) if secret else None
    trusted, named = partial(trust, settings.ca_bundle), NamedHosts.of(settings)
    return GitFolder(git.url, git.ref or "", git.path or "", folder, trusted, named)


def _open_address(request: IngestRequest, _: Path, settings: Settings) -> Source:
    uri, secret = str(request.source.uri), bool(request.credentials)
    return open_address(Address(uri, request.model_name, secret, request.identity), settings)


def _open_registry(uri: str, secret: Path | None, settings: Settings) -> Source:
    from fairlead.sources.oci import OciSource

    return OciSource(shown(uri), uri.removeprefix(OCI), settings, secret)


def _open_files(request: IngestRequest, files: Path, _: Settings) -> Source:
    return FilesSource(files, describe(request.source))


def _s3(access: "SourceAccess") -> "Iterable[Store]":
    from fairlead.sources import s3

    return s3.stores(access)


def _azure(access: "SourceAccess") -> "Iterable[Store]":
    from fairlead.sources import azure

    return azure.stores(access)


def _hub(access: "SourceAccess") -> "Iterable[Store]":
    from fairlead.sources import huggingface

    return huggingface.stores(access)


def _gcs(access: "SourceAccess") -> "Iterable[Store]":
    from fairlead.sources import gcs

    return gcs.stores(access)


OpenStore = Callable[["SourceAccess"], "Iterable[Store]"]
STORES: Mapping[str, OpenStore] = {
    "s3": _s3,
    "abfs": _azure,
    "abfss": _azure,
    "az": _azure,
    "gs": _gcs,
    "hf": _hub,
}
"""The schemes of addresses at which files have names."""


def store_at(uri: str) -> OpenStore | None:
    """What opens the store at an address; None where that is one file of a web server.

    Raises ``SourceError``.
    """
    from fairlead.sources.azure import is_blob_address

    return _azure if is_blob_address(uri) else STORES.get(uri.partition("://")[0])


def _claim(source: ModelSource) -> str:
    claim = source.persistent_volume_claim
    path = f"/{claim.path}" if claim and claim.path else ""
    return f"persistentvolumeclaim/{claim.claim_name}{path}" if claim else ""


def _open_volume(request: IngestRequest, _: Path, __: Settings) -> Source:
    from fairlead.sources.volume import VolumeSource

    claim = request.source.persistent_volume_claim
    path = (claim.path if claim else None) or ""
    return VolumeSource(Path(VOLUME_FOLDER), path, describe(request.source))


SOURCE_KINDS: Mapping[str, SourceKind] = {
    "uri": SourceKind(_address, _open_address),
    "config_map": SourceKind(_config_map, _open_files),
    "persistent_volume_claim": SourceKind(_claim, _open_volume),
}
