"""Whatever a registry sends as a document, it is read or is a fault told in a sentence."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairlead.images.assembly import About, Base, NotAnEnvironmentError, assembled
from fairlead.images.build_log import LOG_ARTIFACT_TYPE, read_log
from fairlead.images.environment_image import find_environment
from fairlead.images.environment_labels import PYTHON_LABEL
from fairlead.images.model_artifact import ANNOTATION_PREFIX, stored_model
from fairlead.redact import printable
from fairlead.registry import transport
from fairlead.registry.client import Registry
from fairlead.registry.errors import RegistryError, RegistryFaultError
from fairlead.registry.oci import OCI_INDEX, OCI_LAYER, OCI_MANIFEST, digest_of
from fairlead.registry.reference import Repository
from fairlead.settings import Settings

HERE = Repository("r.example.com", "team/x")
TEXT = st.text(max_size=20) | st.sampled_from(
    ["", "sha256:" + 64 * "a", "1", "-1", "../..", "a\nb", "\x1b[31m", OCI_MANIFEST, "null"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


def blob(content: bytes, media_type: str = OCI_LAYER) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest_of(content), "size": len(content)}


CONFIG: dict[str, Any] = {
    "architecture": "amd64",
    "os": "linux",
    "os.features": ["win32k"],
    "created": "2026-01-01T00:00:00Z",
    "config": {"Env": ["PATH=/bin", "A"], "Labels": {PYTHON_LABEL: "3.11.2"}},
    "rootfs": {"type": "layers", "diff_ids": ["sha256:" + 64 * "b"]},
    "history": [{"created": "2026-01-01T00:00:00Z", "created_by": "x", "empty_layer": True}],
}
ANNOTATIONS = {
    "modelName": "credit",
    "digest": "sha256:" + 64 * "c",
    "sizeBytes": "5",
    "files": "1",
    "source": "https://h/m",
    "path": "m.pkl",
    "registeredAt": "2026-01-01T00:00:00Z",
}
MANIFEST: dict[str, Any] = {
    "schemaVersion": 2,
    "mediaType": OCI_MANIFEST,
    "config": blob(b"{}"),
    "layers": [blob(b"layer")],
    "annotations": {f"{ANNOTATION_PREFIX}{name}": value for name, value in ANNOTATIONS.items()},
}
INDEX = {"manifests": [{**blob(b"{}"), "platform": {"architecture": "s390x", "os": "linux"}}]}


@st.composite
def damaged(draw: st.DrawFn, document: Any, depth: int = 0) -> Any:
    """The document with something in it that is missing, or something else."""
    if depth and draw(st.integers(0, 3)) == 0:
        return draw(JSON)
    if isinstance(document, dict):
        kept = {key: value for key, value in document.items() if draw(st.integers(0, 9))}
        chosen = draw(st.sampled_from(sorted(document)))
        return {
            key: draw(damaged(value, depth + 1)) if key == chosen else value
            for key, value in kept.items()
        }
    if isinstance(document, list):
        return [draw(damaged(value, depth + 1)) for value in document] * draw(st.integers(0, 2))
    return draw(JSON | st.just(document))


class Sent:
    """What the registry of these tests sends, whatever it is asked for."""

    manifest = b""
    content = b""
    media_type = OCI_MANIFEST
    status = 200

    def __call__(self, request: httpx.Request) -> httpx.Response:
        is_manifest = "/manifests/" in request.url.path
        headers = {"Content-Type": self.media_type}
        body = iter([self.manifest if is_manifest else self.content])
        return httpx.Response(self.status, content=body, headers=headers)


SENT = Sent()
CLIENT = Registry(Settings(), httpx.MockTransport(SENT))


@pytest.fixture(autouse=True, scope="module")
def _at_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transport, "RETRY_DELAYS_S", ())
        yield


def registry(
    manifest: bytes, content: bytes = b"{}", media_type: str = OCI_MANIFEST, status: int = 200
) -> Registry:
    """A registry that sends these."""
    SENT.manifest, SENT.content = manifest, content
    SENT.media_type, SENT.status = media_type, status
    return CLIENT


def encoded(document: object) -> bytes:
    return json.dumps(document).encode("utf-8", "surrogatepass")


def told(error: RegistryError) -> None:
    message = str(error)
    assert message.endswith(".") or len(message) == 2000
    assert message == printable(message)


@settings(max_examples=120, deadline=None)
@given(damaged(MANIFEST) | JSON)
def test_any_manifest(document: object) -> None:
    client = registry(encoded(document))
    for read in (
        lambda: client.manifest(HERE, "1"),
        lambda: stored_model(client, HERE, 1),
        lambda: read_log(client, HERE, "log-1-1"),
        lambda: find_environment(client, HERE, "h"),
    ):
        try:
            read()
        except RegistryError as error:
            told(error)


@settings(max_examples=120, deadline=None)
@given(damaged(CONFIG) | JSON)
def test_any_config(document: object) -> None:
    content = encoded(document)
    config = blob(content)
    client = registry(encoded({**MANIFEST, "config": config}), content)
    try:
        find_environment(client, HERE, "h")
        manifest, _ = client.manifest(HERE, "1")
        base = Base(manifest, client.config(HERE, manifest))
    except RegistryError as error:
        told(error)
        return
    try:
        image = assembled(base, (), About({"A": "b"}, {}))
    except NotAnEnvironmentError:
        return
    json.loads(image.config)


@settings(max_examples=60, deadline=None)
@given(damaged(INDEX) | JSON)
def test_any_index(document: object) -> None:
    try:
        registry(encoded(document), media_type=OCI_INDEX).manifest(HERE, "1")
    except RegistryError as error:
        told(error)


@settings(max_examples=60, deadline=None)
@given(JSON | st.fixed_dictionaries({"tags": JSON | st.lists(TEXT)}))
def test_any_list_of_tags(document: object) -> None:
    try:
        tags = registry(b"", encoded(document)).tags(HERE)
    except RegistryError as error:
        told(error)
        return
    assert all(tag and tag.isascii() and "/" not in tag for tag in tags)


@settings(max_examples=60, deadline=None)
@given(JSON, st.integers(400, 599))
def test_any_words_of_refusal(document: object, status: int) -> None:
    body = encoded({"errors": [document]})
    client = registry(b"", body, status=status)
    try:
        client.upload(HERE, (b"x",))
    except RegistryError as error:
        told(error)


@pytest.mark.parametrize(
    "content",
    [b"[" * 100_000, b'{"a":' * 100_000, b"\xff", b"", b"1" * 10_000, b'"\\ud800"', b"NaN"],
    ids=["lists", "objects", "no text", "nothing", "a number", "half a character", "NaN"],
)
def test_documents_that_break_parsers_are_faults(content: bytes) -> None:
    with pytest.raises(RegistryFaultError, match="is not a manifest"):
        registry(content).manifest(HERE, "1")
    described = {**MANIFEST, "config": blob(content)}
    client = registry(encoded(described), content)
    with pytest.raises(RegistryFaultError, match="is not an image's config"):
        find_environment(client, HERE, "h")


def artifact(**changed: Any) -> bytes:
    about: Mapping[str, Any] = {**ANNOTATIONS, **changed}
    annotations = {f"{ANNOTATION_PREFIX}{n}": v for n, v in about.items() if v is not None}
    return encoded({**MANIFEST, "annotations": annotations})


def test_a_model_version_is_read_from_its_annotations() -> None:
    version, (layer,) = stored_model(registry(artifact()), HERE, 1)
    assert (version.model_name, version.size_bytes, version.path) == ("credit", 5, "m.pkl")
    assert layer.digest == version.layer == digest_of(b"layer")


@pytest.mark.parametrize(
    "changed",
    [
        {"modelName": "../../etc"},
        {"modelName": "a\nb"},
        {"digest": "sha256:1"},
        {"sizeBytes": "99999999999999999999"},
        {"sizeBytes": "-1"},
        {"files": "0"},
        {"path": ".."},
        {"path": "a/b"},
        {"path": "a\x1b[31m"},
        {"path": ""},
        {"registeredAt": "yesterday"},
        {"source": None},
    ],
    ids=str,
)
def test_what_fairlead_never_wrote_is_no_model_version(changed: dict[str, Any]) -> None:
    with pytest.raises(RegistryFaultError, match="is no model version that Fairlead wrote"):
        stored_model(registry(artifact(**changed)), HERE, 1)


def test_the_source_of_a_model_version_is_shown_clean() -> None:
    said = "https://u:hunter2@h/m?sig=1\n\x1b[31m" + 5000 * "x"
    version, _ = stored_model(registry(artifact(source=said)), HERE, 1)
    assert version.source.startswith("https://***@h/m?sig=***")
    assert len(version.source) == 2048
    assert "\x1b" not in version.source


@pytest.mark.parametrize("python", ["3.11", "3.11.2; evil", "--index-url=x", ""])
def test_an_environment_whose_python_is_none_is_not_ours(python: str) -> None:
    config = encoded({**CONFIG, "config": {"Labels": {PYTHON_LABEL: python}}})
    client = registry(encoded({**MANIFEST, "config": blob(config)}), config)
    assert find_environment(client, HERE, "h") is None


def test_nulls_stand_for_what_is_empty() -> None:
    content = encoded({"config": {"Labels": None, "Env": None}, "rootfs": None, "history": None})
    document = {**MANIFEST, "config": blob(content), "annotations": None}
    client = registry(encoded(document), content)
    manifest, _ = client.manifest(HERE, "1")
    assert manifest.annotations == {}
    assert client.config(HERE, manifest).config.env == ()


def test_a_list_of_platforms_is_not_repeated_without_end() -> None:
    children = [
        {**blob(b"{}"), "platform": {"architecture": f"a{n}", "os": "x\x1b[31m"}}
        for n in range(5000)
    ]
    with pytest.raises(RegistryError, match=r"only for x/a0, .* and 49\d\d more") as missing:
        registry(encoded({"manifests": children}), media_type=OCI_INDEX).manifest(HERE, "1")
    assert "\x1b" not in str(missing.value)


def test_a_log_that_is_no_gzip_is_a_fault() -> None:
    document = {**MANIFEST, "artifactType": LOG_ARTIFACT_TYPE, "layers": [blob(b"not gzip")]}
    with pytest.raises(RegistryFaultError, match="is broken"):
        read_log(registry(encoded(document), b"not gzip"), HERE, "log-1-1")
