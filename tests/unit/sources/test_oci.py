"""oci:// against a registry of the test's own; ``tests/integration/registry`` has the real one."""

import hashlib
import io
import json
import re
import tarfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from fairlead.api.reasons import Reason
from fairlead.registry.blobs import CHUNK_BYTES
from fairlead.registry.errors import RegistryError, RegistryFaultError, RegistryUnreachableError
from fairlead.registry.oci import OCI_CONFIG, OCI_EMPTY, OCI_MANIFEST, digest_of
from fairlead.settings import Settings
from fairlead.sources.base import Digests, Limits, SourceError
from fairlead.sources.oci import TITLE, UNPACK, OciSource
from tests.integration.registry.server import WebServer, reply
from tests.integration.sources.fetching import contents

MODEL = b"a trained model" * 1000


@dataclass
class FakeRegistry:
    """One repository, ``team/m``; blobs are sent ``cut`` bytes at a time."""

    web: WebServer
    blobs: dict[str, bytes] = field(default_factory=dict)
    cut: int | None = None
    ranges: bool = True

    def put(self, *layers: tuple[bytes, Mapping[str, str]], config: str = OCI_EMPTY) -> None:
        found = [self._blob(content, "application/x", notes) for content, notes in layers]
        manifest = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "layers": found}
        body = json.dumps({**manifest, "config": self._blob(b"{}", config, {})}).encode()
        self.blobs["1"] = self.blobs[digest_of(body)] = body
        self.web.otherwise = self.answer

    def _blob(self, content: bytes, kind: str, notes: Mapping[str, str]) -> dict[str, object]:
        self.blobs[digest_of(content)] = content
        named = {"mediaType": kind, "digest": digest_of(content), "size": len(content)}
        return {**named, "annotations": dict(notes)}

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        kind, _, name = request.path.removeprefix("/v2/team/m/").partition("/")
        if name not in self.blobs:
            reply(request, 404, b"{}")
        elif kind == "manifests":
            reply(request, 200, self.blobs[name], Content_Type=OCI_MANIFEST)
        else:
            self._send(request, self.blobs[name])

    def _send(self, request: BaseHTTPRequestHandler, content: bytes) -> None:
        asked = request.headers.get("Range") if self.ranges else None
        first = int(re.findall(r"\d+", asked)[0]) if asked else 0
        request.send_response(206 if asked else 200)
        request.send_header("Content-Length", str(len(content) - first))
        request.send_header("Content-Range", f"bytes {first}-/{len(content)}")
        request.end_headers()
        request.wfile.write(content[first:][: self.cut])
        request.close_connection = True


@pytest.fixture
def registry(web: WebServer) -> FakeRegistry:
    return FakeRegistry(web)


def fetch(
    registry: FakeRegistry, into: Path, most: int = 10**6, name: str = "team/m:1"
) -> tuple[Digests, OciSource]:
    into.mkdir()
    settings = Settings(insecure_hosts=(registry.web.host,))
    source = OciSource("oci://m", f"{registry.web.host}/{name}", settings, None)
    return source.fetch(into, Limits(most, 20, time.monotonic() + 60)), source


def refused(registry: FakeRegistry, into: Path, most: int = 10**6) -> SourceError:
    with pytest.raises(SourceError) as told:
        fetch(registry, into, most)
    return told.value


def packed(files: Mapping[str, bytes], mode: str = "w:gz", link: str = "") -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode=mode) as tar:  # type: ignore[call-overload]
        for name, body in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(body)
            tar.addfile(member, io.BytesIO(body))
        if link:
            member = tarfile.TarInfo(link)
            member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
            tar.addfile(member)
    return content.getvalue()


def test_the_files_of_an_artifact_have_their_names(registry: FakeRegistry, tmp_path: Path) -> None:
    folder = packed({"data/a.txt": b"a", "data/b/c.txt": b"c"})
    registry.put(
        (MODEL, {TITLE: "model.pkl"}),
        (b"{}", {TITLE: "x/c.json"}),
        (folder, {TITLE: "data", UNPACK: "true"}),
    )
    into = tmp_path / "into"
    digests, source = fetch(registry, into)
    expected = {"model.pkl": MODEL, "x/c.json": b"{}", "data/a.txt": b"a", "data/b/c.txt": b"c"}
    assert contents(into) == expected
    assert digests == {name: digest_of(content) for name, content in expected.items()}
    pinned = hashlib.sha256(registry.blobs["1"]).hexdigest()
    assert source.origin == f"oci://{registry.web.host}/team/m@sha256:{pinned}"


def test_of_an_image_there_is_what_lies_in_models(registry: FakeRegistry, tmp_path: Path) -> None:
    odd = "etc/systemd/a\\x2d.slice"  # what lies elsewhere is not even looked at
    lower = packed({odd: b"x", "models/m.pkl": b"old", "models/old.txt": b"1", "models/d/x": b"1"})
    upper = packed(
        {
            "./models/m.pkl": MODEL,
            "models/.wh.old.txt": b"",
            "models/d/.wh..wh..opq": b"",
            "models/d/y": b"2",
        },
        link="usr/bin/python",
    )
    registry.put((lower, {}), (upper, {}), config=OCI_CONFIG)
    into = tmp_path / "into"
    digests, _ = fetch(registry, into)
    assert contents(into) == {"m.pkl": MODEL, "d/y": b"2"}
    assert digests.keys() == {"m.pkl", "d/y"}


@pytest.mark.parametrize("ranges", [True, False])
def test_what_is_cut_off_goes_on(registry: FakeRegistry, tmp_path: Path, *, ranges: bool) -> None:
    large = bytes(5 * CHUNK_BYTES)
    registry.put((large, {TITLE: "m"}))
    registry.ranges, registry.cut = ranges, 2 * CHUNK_BYTES + 1
    if not ranges:  # a server that begins again comes no further
        with pytest.raises(RegistryUnreachableError):
            fetch(registry, tmp_path / "into", most=2 * len(large))
        return
    fetch(registry, tmp_path / "into", most=2 * len(large))
    assert contents(tmp_path / "into") == {"m": large}


def test_a_blob_with_another_content_is_refused(registry: FakeRegistry, tmp_path: Path) -> None:
    registry.put((MODEL, {TITLE: "m"}))
    registry.blobs[digest_of(MODEL)] = b"x" * len(MODEL)
    with pytest.raises(RegistryFaultError, match="another content"):
        fetch(registry, tmp_path / "into")


def test_what_is_not_there_is_not_found(registry: FakeRegistry, tmp_path: Path) -> None:
    registry.web.otherwise = registry.answer
    assert refused(registry, tmp_path / "into").reason is Reason.MODEL_SOURCE_NOT_FOUND


def test_what_is_too_large_is_not_begun(registry: FakeRegistry, tmp_path: Path) -> None:
    registry.put((MODEL, {TITLE: "m"}))
    assert refused(registry, tmp_path / "into", most=100).reason is Reason.MODEL_TOO_LARGE
    assert not any("blobs" in request for request in registry.web.requests)


def test_layers_are_too_large_together(registry: FakeRegistry, tmp_path: Path) -> None:
    none: dict[str, str] = {}
    layers = [(packed({f"models/{n}": bytes(600)}), none) for n in range(2)]
    registry.put(*layers, config=OCI_CONFIG)
    assert refused(registry, tmp_path / "into", most=1000).reason is Reason.MODEL_TOO_LARGE


@pytest.mark.parametrize(
    ("layer", "notes", "config", "reason"),
    [
        (MODEL, {}, OCI_EMPTY, Reason.MODEL_SOURCE_REFUSED),
        (packed({"app/m": b"x"}), {}, OCI_CONFIG, Reason.MODEL_SOURCE_REFUSED),
        (packed({}, link="models/m"), {}, OCI_CONFIG, Reason.ARCHIVE_UNSAFE),
        (packed({"models/../../m": b"x"}), {}, OCI_CONFIG, Reason.ARCHIVE_UNSAFE),
        (b"(\xb5/\xfdzstd", {}, OCI_CONFIG, Reason.ARCHIVE_INVALID),
        (MODEL, {TITLE: "../m"}, OCI_EMPTY, Reason.MODEL_SOURCE_REFUSED),
        (MODEL, {TITLE: "/etc/m"}, OCI_EMPTY, Reason.MODEL_SOURCE_REFUSED),
        (packed({"/etc/m": b"x"}), {TITLE: "d", UNPACK: "true"}, OCI_EMPTY, Reason.ARCHIVE_UNSAFE),
    ],
    ids=("nameless", "elsewhere", "link", "above", "zstd", "title-above", "title-root", "root"),
)
def test_what_holds_no_model_is_refused(
    registry: FakeRegistry,
    tmp_path: Path,
    layer: bytes,
    notes: dict[str, str],
    config: str,
    reason: Reason,
) -> None:
    registry.put((layer, notes), config=config)
    assert refused(registry, tmp_path / "into").reason is reason
    assert contents(tmp_path / "into") == {}


def test_a_registry_is_no_way_to_this_machine(web: WebServer, tmp_path: Path) -> None:
    source = OciSource("oci://m", f"{web.host}/team/m:1", Settings(registry="r:5000"), None)
    with pytest.raises(RegistryError):
        source.fetch(tmp_path, Limits(100, 1, time.monotonic() + 60))
    assert web.requests == []


def test_a_name_that_is_none_is_refused(tmp_path: Path) -> None:
    source = OciSource("oci://m", "Not A Name", Settings(), None)
    with pytest.raises(SourceError, match="is no name in a registry"):
        source.fetch(tmp_path, Limits(100, 1, time.monotonic() + 60))


def test_a_secret_is_asked_for_alone(tmp_path: Path) -> None:
    (tmp_path / ".dockerconfigjson").write_text("{")
    source = OciSource("oci://m", "r.example.com/team/m:1", Settings(), tmp_path)
    with pytest.raises(RegistryError, match=r"spec\.credentialsSecretRef"):
        source.fetch(tmp_path, Limits(100, 1, time.monotonic() + 60))
