"""Image layouts: what goes to BuildKit, and what is taken of what comes back."""

import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from fairlead.images import oci_layout
from fairlead.images.environment_tree import EnvironmentUnfitError
from fairlead.images.oci_layout import LayoutArchive, LayoutFolder, new_layers
from fairlead.registry.oci import (
    OCI_CONFIG,
    OCI_LAYER,
    OCI_LAYER_GZIP,
    OCI_MANIFEST,
    Descriptor,
    Manifest,
    descriptor,
    digest_of,
    written,
)

BASE = descriptor(OCI_LAYER_GZIP, b"base")
STEPS = descriptor(OCI_LAYER_GZIP, b"steps")
CONFIG = b'{"architecture":"amd64"}'


def name(digest: str) -> str:
    return f"blobs/sha256/{digest.removeprefix('sha256:')}"


def image(*layers: Descriptor, **changed: bytes) -> dict[str, bytes]:
    """The files of an archive as BuildKit leaves it."""
    manifest = written(Manifest(config=descriptor(OCI_CONFIG, CONFIG), layers=layers))
    index = {"schemaVersion": 2, "manifests": [descriptor(OCI_MANIFEST, manifest).to_wire()]}
    return {
        "oci-layout": oci_layout.LAYOUT,
        "index.json": json.dumps(index).encode(),
        name(digest_of(manifest)): manifest,
        name(digest_of(CONFIG)): CONFIG,
        name(BASE.digest): b"base",
        name(STEPS.digest): b"steps",
        **changed,
    }


def archived(path: Path, files: Mapping[str, bytes], *links: str) -> Path:
    with tarfile.open(path, "w") as archive:
        for one, content in files.items():
            entry = tarfile.TarInfo(one)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
        for one in links:
            entry = tarfile.TarInfo(one)
            entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
            archive.addfile(entry)
    return path


def test_what_is_written_for_buildkit_is_a_layout(tmp_path: Path) -> None:
    layout = LayoutFolder(tmp_path)
    assert not layout.has(BASE.digest)
    layout.write(BASE.digest, (b"ba", b"se"))
    assert layout.has(BASE.digest)
    assert (tmp_path / name(BASE.digest)).read_bytes() == b"base"
    assert json.loads((tmp_path / "oci-layout").read_text()) == {"imageLayoutVersion": "1.0.0"}


def test_the_image_that_comes_back_is_read_whole(tmp_path: Path) -> None:
    with LayoutArchive.opened(archived(tmp_path / "i.tar", image(BASE, STEPS))) as archive:
        assert archive.config == CONFIG
        assert archive.manifest.layers == (BASE, STEPS)
        assert new_layers(archive.manifest, _manifest(BASE)) == (STEPS,)
        assert b"".join(archive.layer(STEPS)) == b"steps"


def _manifest(*layers: Descriptor) -> Manifest:
    return Manifest(config=descriptor(OCI_CONFIG, CONFIG), layers=layers)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "left no index.json"),
        ({"index.json": b"[]"}, "none of an image"),
        ({"index.json": b'{"manifests":[]}'}, "made 0 images, not one"),
        ({**image(BASE), name(digest_of(CONFIG)): b"{}"}, "left another thing than sha256:"),
        ({**image(BASE), "index.json": b" " * (4 * 1024 * 1024 + 1)}, "more than 4 MiB"),
    ],
)
def test_what_is_no_image_is_refused(tmp_path: Path, files: dict[str, bytes], said: str) -> None:
    path = archived(tmp_path / "i.tar", files)
    with pytest.raises(EnvironmentUnfitError, match=said), LayoutArchive.opened(path):
        raise AssertionError


def test_no_archive_at_all_is_told(tmp_path: Path) -> None:
    (tmp_path / "i.tar").write_bytes(b"x" * 2000)
    for path in (tmp_path / "i.tar", tmp_path / "none.tar"):
        with pytest.raises(EnvironmentUnfitError, match="no image that can be read"):
            LayoutArchive.opened(path).__enter__()


def test_a_link_is_no_blob(tmp_path: Path) -> None:
    files = image(BASE, STEPS)
    del files[name(STEPS.digest)]
    path = archived(tmp_path / "i.tar", files, name(STEPS.digest))
    with (
        LayoutArchive.opened(path) as archive,
        pytest.raises(EnvironmentUnfitError, match="left no blobs/sha256/"),
    ):
        list(archive.layer(STEPS))


def test_files_without_end_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oci_layout, "MAX_MEMBERS", 3)
    path = archived(tmp_path / "i.tar", image(BASE))
    with pytest.raises(EnvironmentUnfitError, match="more than 3 files"):
        LayoutArchive.opened(path).__enter__()


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        ((STEPS,), "does not lie on the base image"),
        ((), "does not lie on the base image"),
        ((BASE, descriptor(OCI_LAYER, b"x")), "a layer of another kind"),
    ],
)
def test_only_layers_on_the_base_image_are_taken(layers: Any, said: str) -> None:
    with pytest.raises(EnvironmentUnfitError, match=said):
        new_layers(_manifest(*layers), _manifest(BASE))
