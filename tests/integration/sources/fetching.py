"""Models fetched from addresses as the ingest task does it, with what a Secret would hold."""

import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from fairlead.api.model import ModelSource
from fairlead.connection import trust
from fairlead.contract import IngestRequest
from fairlead.registry.addresses import NamedHosts
from fairlead.sources.base import Digests, Limits, SourceError
from fairlead.sources.kinds import store_at
from fairlead.sources.remote import RemoteSource, SourceAccess

MOST_BYTES, MOST_FILES = 5_000_000, 50


def secret(folder: Path, **keys: str) -> Path:
    """A folder as the kubelet mounts a Secret; a line end is easily put into one."""
    folder.mkdir(exist_ok=True)
    for name, value in keys.items():
        (folder / name).write_text(f"{value}\n")
    return folder


def fetch(
    uri: str,
    into: Path,
    *hosts: str,
    keys: Path | None = None,
    variables: Mapping[str, str] | None = None,
    seconds: float = 60.0,
) -> Digests:
    """``hosts`` are those that the admin's settings name; ``into`` is made."""
    into.mkdir()
    access = SourceAccess(uri, keys, variables or {})
    opener = store_at(uri)
    assert opener is not None
    named = NamedHosts.insecurely(hosts)
    source = RemoteSource(uri, lambda: opener(access), trust(None), named)
    return source.fetch(into, Limits(MOST_BYTES, MOST_FILES, time.monotonic() + seconds))


def refused(
    uri: str,
    into: Path,
    *hosts: str,
    keys: Path | None = None,
    variables: Mapping[str, str] | None = None,
    seconds: float = 60.0,
) -> SourceError:
    with pytest.raises(SourceError) as told:
        fetch(uri, into, *hosts, keys=keys, variables=variables, seconds=seconds)
    return told.value


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def request(uri: str, **others: str) -> IngestRequest:
    return IngestRequest(
        repository="r/demo/m", model_name="credit", source=ModelSource(uri=uri), **others
    )
