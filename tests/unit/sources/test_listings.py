"""Listings of stores that lie: whatever a page holds, a fetch ends in time and stays small."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, NoReturn

import pytest

from fairlead.api.reasons import Reason
from fairlead.connection import trust
from fairlead.registry.addresses import NamedHosts
from fairlead.registry.oci import Descriptor, digest_of
from fairlead.registry.reference import parse_repository
from fairlead.settings import Settings
from fairlead.sources import azure, gcs, huggingface, s3
from fairlead.sources.base import Limits, Meter, SourceError
from fairlead.sources.exchange import Asked, Exchange
from fairlead.sources.oci import TITLE, OciSource, _Blobs
from fairlead.sources.remote import (
    RemoteFile,
    RemoteSource,
    SourceAccess,
    Store,
    without_folders,
)
from fairlead.sources.secret_keys import SecretKeys
from fairlead.sources.xml_answer import each, parsed, text
from tests.unit.sources.scripted import ScriptedExchange

NESTED = 20_000  # elements: walking each one's own subtree takes minutes, looking at them does not
FAST_S = 5.0
S3_URI = "s3://models/m/"
AZURE_URI = "az://c@models.blob.core.windows.net/m/"


def s3_store(answers: dict[str, Any]) -> tuple[Store, ScriptedExchange]:
    return s3.S3Store(S3_URI, SecretKeys({"AWS_REGION": "eu-west-1"})), ScriptedExchange(answers)


def s3_files(page: bytes) -> list[RemoteFile]:
    store, exchange = s3_store({"https://models.s3.eu-west-1.amazonaws.com/?": (200, {}, page)})
    return list(store.files(exchange))  # type: ignore[arg-type]


def azure_files(page: bytes) -> list[RemoteFile]:
    exchange = ScriptedExchange({"https://models.blob.core.windows.net/c?": (200, {}, page)})
    store = next(iter(azure.stores(SourceAccess(AZURE_URI, None, {}))))
    return list(store.files(exchange))  # type: ignore[arg-type]


@pytest.mark.parametrize(("listed", "name"), [(s3_files, b"Contents"), (azure_files, b"Blob")])
def test_nested_elements_cost_no_more_than_others(
    listed: Callable[[bytes], list[RemoteFile]], name: bytes
) -> None:
    before = time.process_time()
    opened, closed = b"<%s>" % name * NESTED, b"</%s>" % name * NESTED
    assert listed(b"<L><Blobs>%s%s</Blobs>%s%s</L>" % (opened, closed, opened, closed)) == []
    assert time.process_time() - before < FAST_S


def test_only_children_are_looked_at() -> None:
    root = parsed(
        b"<r xmlns='urn:x'><a><b>1</b><a><b>2</b></a></a><a><b>3</b></a><b>4</b></r>", "h"
    )
    assert [element.text for element in each(root, "a/b")] == ["1", "3"]
    assert (text(root, "b"), text(root, "a/b"), text(root, "a/a/b")) == ("4", "1", "2")
    assert text(root, "c/b") == ""


@pytest.mark.parametrize("size", ["9" * 5000, "", "-1", "1e3"])
def test_a_size_that_is_none_is_not_known(size: str) -> None:
    page = f"<L><Contents><Key>m/a</Key><Size>{size}</Size></Contents></L>"
    assert [(file.name, file.size) for file in s3_files(page.encode())] == [("a", None)]
    blob = f"<Name>m/a</Name><Properties><Content-Length>{size}</Content-Length></Properties>"
    page = f"<L><Blobs><Blob>{blob}</Blob></Blobs></L>"
    assert [(file.name, file.size) for file in azure_files(page.encode())] == [("a", None)]


def test_an_azure_blob_is_read_with_its_properties() -> None:
    blob = (
        b"<Name>m/a</Name><Metadata><Etag>no</Etag><Name>m/b</Name></Metadata><Properties>"
        b"<Etag>0x1</Etag><Content-Length>3</Content-Length></Properties>"
    )
    folder = b"<Name>m/d</Name><Properties><ResourceType>directory</ResourceType></Properties>"
    page = b"<L><Blobs><Blob>%s</Blob><Blob>%s</Blob></Blobs><NextMarker/></L>" % (blob, folder)
    [file] = azure_files(page)
    assert (file.name, file.size, file.asked.tag) == ("a", 3, '"0x1"')


class LateExchange(Exchange):
    """Knows the time as the real one does, and sends nothing."""

    def _sent(self, *_: object) -> NoReturn:
        raise AssertionError("a request was sent after the end of the time")


@pytest.mark.parametrize(
    "opener", [s3.stores, azure.stores, gcs.stores, huggingface.stores], ids=lambda o: o.__module__
)
def test_no_page_is_asked_for_when_the_time_is_over(opener: Any) -> None:
    uri = {s3: S3_URI, azure: AZURE_URI, gcs: "gs://b/m/", huggingface: "hf://o/n"}
    [place] = [uri for module, uri in uri.items() if module.stores is opener]
    limits = Limits(10, 10, time.monotonic() - 1.0)
    with LateExchange(trust(None), NamedHosts(), limits) as exchange:
        store = next(iter(opener(SourceAccess(place, None, {}))))
        with pytest.raises(SourceError, match="did not arrive in time") as told:
            list(store.files(exchange))
    assert told.value.reason is Reason.TASK_TIMED_OUT


class EndlessStore:
    """A store that never stops to list files."""

    origin = ""

    def __init__(self, name: Callable[[int], str]) -> None:
        self.name, self.listed = name, 0

    def files(self, _: Exchange) -> Iterator[RemoteFile]:
        while True:
            yield RemoteFile(self.name(self.listed), Asked("h", "https://h"), 0)
            self.listed += 1


def told_of(store: EndlessStore, into: Path) -> SourceError:
    source = RemoteSource("h", lambda: [store], trust(None), NamedHosts())
    with pytest.raises(SourceError) as told:
        source.fetch(into, Limits(10**6, 10, time.monotonic() + 60.0))
    return told.value


def test_files_are_counted_while_they_are_listed(tmp_path: Path) -> None:
    store = EndlessStore(str)
    assert told_of(store, tmp_path).reason is Reason.MODEL_TOO_LARGE
    assert store.listed == 10


def test_a_name_is_looked_at_before_anything_is_made_of_it(tmp_path: Path) -> None:
    store = EndlessStore(lambda number: "a/" * 1_000_000 + str(number))
    assert told_of(store, tmp_path).reason is Reason.MODEL_SOURCE_REFUSED
    assert store.listed == 0


@pytest.mark.parametrize("module", [azure, gcs])
def test_pages_are_asked_for_as_files_are_taken(module: Any) -> None:
    pages = {
        azure: b"<L><Blobs><Blob><Name>m/a</Name></Blob></Blobs><NextMarker>x</NextMarker></L>",
        gcs: json.dumps(
            {"items": [{"name": "m/a", "size": 1, "generation": "1"}], "nextPageToken": "x"}
        ).encode(),
    }
    uri = {azure: AZURE_URI, gcs: "gs://b/m/"}[module]
    exchange = ScriptedExchange({"https://": (200, {}, pages[module])})
    files = next(iter(module.stores(SourceAccess(uri, None, {})))).files(exchange)
    assert [next(files).name for _ in range(3)] == ["a", "a", "a"]
    assert len(exchange.asked) == 3


def file(name: str, size: int | None, *, may_be_folder: bool = True) -> RemoteFile:
    return RemoteFile(name, Asked("h", "https://h"), size, may_be_folder=may_be_folder)


def test_an_empty_file_that_is_a_folder_is_none() -> None:
    listed = [file("a", 0), file("a-b", 0), file("a/b", 1), file("c", 0)]
    assert [found.name for found in without_folders(listed)] == ["a-b", "a/b", "c"]
    for kept in (file("a", None), file("a", 0, may_be_folder=False)):
        assert without_folders([kept, file("a/b", 1)])[0] is kept


def test_what_came_is_told() -> None:
    meter = Meter(Limits(10, 10, time.monotonic() - 1.0), "It", size=3, files=1)
    with pytest.raises(SourceError, match=r"It did not arrive in time: 3 bytes came\."):
        meter.check_time()


class TwoFiles:
    """A registry with two blobs of six bytes."""

    content: ClassVar = {digest_of(blob): blob for blob in (b"first!", b"second")}

    @contextmanager
    def open_blob(self, _: object, digest: str, got: int) -> Iterator[Iterator[bytes]]:
        yield iter([self.content[digest][got:]])


@pytest.mark.parametrize(("most_bytes", "most_files"), [(10, 10), (100, 1)])
def test_the_layers_of_an_artifact_count_together(
    tmp_path: Path, most_bytes: int, most_files: int
) -> None:
    layers = tuple(
        Descriptor(media_type="a/b", digest=digest, size=6, annotations={TITLE: digest[7:]})
        for digest in TwoFiles.content
    )
    limits = Limits(most_bytes, most_files, time.monotonic() + 60.0)
    registry: Any = TwoFiles()
    blobs = _Blobs(registry, parse_repository("r.example.com/m"), "h", limits)
    source = OciSource("h", "r.example.com/m:1", Settings(), None)
    with pytest.raises(SourceError) as told:
        source._artifact(list(layers), tmp_path, blobs, limits)
    assert told.value.reason is Reason.MODEL_TOO_LARGE
    assert f"more than {most_files} " in str(told.value) or f"{most_bytes} bytes" in str(told.value)
