"""A model as a ConfigMap can carry it: the file as it is, else an archive of it."""

import gzip
import io
import re
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fairlead.azureml.exceptions import WebserviceException
from fairlead.azureml.model_tree import files_of

MAX_BYTES = 1_000_000  # of a ConfigMap
MAX_READ_BYTES = 16 * 1024**2  # what may compress to that
COMPRESSION = 6  # 9 takes a hundred times as long for some contents
KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")
ARCHIVE = "model.tar.gz"


class TooLargeError(WebserviceException):
    """No object of the cluster holds it."""


@dataclass(frozen=True)
class Packed:
    """``unpack``: the one file is an archive, and its content is the model."""

    files: Mapping[str, bytes]
    unpack: bool


def packed(path: Path) -> Packed:
    """Raises ``TooLargeError``, and ``WebserviceException`` for a link that leads out of it."""
    files = files_of(path)
    size = sum(one.stat().st_size for one in files)
    if path.is_file() and size <= MAX_BYTES and KEY.fullmatch(path.name):
        return Packed({path.name: path.read_bytes()}, unpack=False)
    archive = _archive(path, files) if size <= MAX_READ_BYTES else b""
    if not archive or len(archive) > MAX_BYTES:
        raise too_large(path, size)
    return Packed({ARCHIVE: archive}, unpack=True)


def too_large(path: Path, size: int) -> TooLargeError:
    return TooLargeError(
        f"{path} has {size:,} bytes, and the cluster is given at most {MAX_BYTES:,} of a model "
        "with its object. Let it be pushed to a registry that the cluster can read: set "
        "FAIRLEAD_MODEL_REPOSITORY=REGISTRY/PATH (docker login before that). Or put it where the "
        "cluster can fetch it, and register the address: Model.register(model_path='https://…', "
        "'s3://…', 'abfss://…', 'gs://…', 'hf://…' or 'oci://…', …); docs/model-sources.md lists "
        "them."
    )


def _archive(path: Path, files: Sequence[Path]) -> bytes:
    """The same bytes for the same files, whenever it is made."""
    content = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=content, mode="wb", compresslevel=COMPRESSION, mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w") as archive,
    ):
        for one in files:
            entry = tarfile.TarInfo(one.relative_to(path.parent).as_posix())
            entry.size = one.stat().st_size
            with one.open("rb") as file:
                archive.addfile(entry, file)
    return content.getvalue()
