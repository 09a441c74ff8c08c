"""Images as folders and archives of the OCI image layout: what goes to BuildKit, and comes back.

What comes back was made where foreign code ran, so it is read as foreign: within bounds, nothing
but what an image needs, each blob as what its digest says.
"""

import tarfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Self, TypeVar

from pydantic import ValidationError

from fairlead.images.environment_tree import EnvironmentUnfitError
from fairlead.registry.oci import OCI_LAYER_GZIP, Descriptor, Index, Manifest, digest_of

LAYOUT_FILE, INDEX_FILE = "oci-layout", "index.json"
LAYOUT = b'{"imageLayoutVersion":"1.0.0"}'
MAX_DOCUMENT_BYTES = 4 * 1024 * 1024  # bytes of a manifest or a config
MAX_MEMBERS = 10_000
READ_BYTES = 1024 * 1024
Document = TypeVar("Document", Index, Manifest)


class LayoutFolder:
    """An image layout on disk; blobs that are there already are not written again."""

    def __init__(self, folder: Path) -> None:
        self._blobs = folder / "blobs/sha256"
        self._blobs.mkdir(parents=True, exist_ok=True)
        (folder / LAYOUT_FILE).write_bytes(LAYOUT)
        (folder / INDEX_FILE).write_bytes(b'{"schemaVersion":2,"manifests":[]}')

    def has(self, digest: str) -> bool:
        return self._path(digest).exists()

    def write(self, digest: str, pieces: Iterable[bytes]) -> None:
        path = self._path(digest)
        with path.with_suffix(".new").open("wb") as file:
            for piece in pieces:
                file.write(piece)
        path.with_suffix(".new").rename(path)

    def _path(self, digest: str) -> Path:
        return self._blobs / digest.removeprefix("sha256:")


class LayoutArchive:
    """The archive of one image. Everything raises ``EnvironmentUnfitError``."""

    def __init__(self, archive: tarfile.TarFile) -> None:
        self._archive = archive
        self._members = dict(_regular(archive))
        self.manifest_body = self._document(self._image().digest)
        self.manifest = _parsed(Manifest, self.manifest_body)
        self.config = self._document(self.manifest.config.digest)

    @classmethod
    @contextmanager
    def opened(cls, path: Path) -> Iterator[Self]:
        try:
            with tarfile.open(path, "r:") as archive:
                yield cls(archive)
        except (tarfile.TarError, OSError) as error:
            raise EnvironmentUnfitError(
                f"BuildKit left no image that can be read: {error}"
            ) from error

    def layer(self, layer: Descriptor) -> Iterator[bytes]:
        """The bytes of one layer; whoever takes them proves the digest."""
        with self._blob(layer.digest) as file:
            while piece := file.read(READ_BYTES):
                yield piece

    def _image(self) -> Descriptor:
        index = _parsed(Index, self._read(INDEX_FILE))
        if len(index.manifests) != 1:
            raise EnvironmentUnfitError(f"BuildKit made {len(index.manifests)} images, not one.")
        return index.manifests[0]

    def _document(self, digest: str) -> bytes:
        body = self._read(_name(digest))
        if digest_of(body) != digest:
            raise EnvironmentUnfitError(f"BuildKit left another thing than {digest}.")
        return body

    def _read(self, name: str) -> bytes:
        with self._open(name) as file:
            body = file.read(MAX_DOCUMENT_BYTES + 1)
        if len(body) > MAX_DOCUMENT_BYTES:
            raise EnvironmentUnfitError(f"BuildKit left a {name} of more than 4 MiB.")
        return body

    def _blob(self, digest: str) -> IO[bytes]:
        return self._open(_name(digest))

    def _open(self, name: str) -> IO[bytes]:
        member = self._members.get(name)
        file = self._archive.extractfile(member) if member else None
        if file is None:
            raise EnvironmentUnfitError(f"BuildKit left no {name}.")
        return file


def new_layers(manifest: Manifest, base: Manifest) -> tuple[Descriptor, ...]:
    """Those above the base image's. Raises ``EnvironmentUnfitError``."""
    below = [layer.digest for layer in base.layers]
    found = manifest.layers[len(below) :]
    if [layer.digest for layer in manifest.layers[: len(below)]] != below:
        raise EnvironmentUnfitError("What BuildKit made does not lie on the base image.")
    other = next((one.media_type for one in found if one.media_type != OCI_LAYER_GZIP), None)
    if other:
        raise EnvironmentUnfitError(f"BuildKit made a layer of another kind ({other}).")
    return found


def _regular(archive: tarfile.TarFile) -> Iterator[tuple[str, tarfile.TarInfo]]:
    for number, member in enumerate(archive):
        if number >= MAX_MEMBERS:
            raise EnvironmentUnfitError(f"BuildKit left more than {MAX_MEMBERS:,} files.")
        if member.isreg():
            yield member.name, member


def _name(digest: str) -> str:
    return f"blobs/sha256/{digest.removeprefix('sha256:')}"


def _parsed(kind: type[Document], body: bytes) -> Document:
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        raise EnvironmentUnfitError("BuildKit left a document that is none of an image.") from error
