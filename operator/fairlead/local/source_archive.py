"""The source of a service that runs elsewhere, as an archive that its container makes of it."""

import io
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from fairlead.api.reasons import Reason
from fairlead.finding import shown
from fairlead.images.layout import APP_ROOT
from fairlead.local.errors import LocalError, refusal
from fairlead.local.files import MAX_SOURCE_BYTES, MAX_SOURCE_FILES

MAX_ARCHIVE_BYTES = 2 * MAX_SOURCE_BYTES  # an archive has a head for each file
PACK = (
    "import os, sys, tarfile\n"
    "root = next(one for one in sys.argv[1:] if os.path.isdir(one))\n"
    "with tarfile.open(fileobj=sys.stdout.buffer, mode='w|') as archive:\n"
    "    for place, folders, files in os.walk(root):\n"
    "        folders[:] = [f for f in folders if f not in ('azureml-models', '__pycache__')]\n"
    "        for file in sorted(files):\n"
    "            path = os.path.join(place, file)\n"
    "            if os.path.isfile(path) and not os.path.islink(path):\n"
    "                archive.add(path, os.path.relpath(path, root), recursive=False)\n"
)
"""For the Python of a container: packs the first folder that is there, without its models."""


def source_of(pieces: Iterable[bytes], without: str = "") -> dict[str, bytes]:
    """The files of an archive that a container has made: it is foreign, and read within bounds.

    ``without``: a path in the container that is none of the source's. Raises ``LocalError``.
    """
    content = bytearray()
    for piece in pieces:
        content += piece
        if len(content) > MAX_ARCHIVE_BYTES:
            raise _unreadable("it is too large")
    try:
        # as it is: a compressed head of a few bytes may stand for as many as it likes
        with tarfile.open(fileobj=io.BytesIO(bytes(content)), mode="r:") as archive:
            return dict(_members(archive, without))
    except (tarfile.TarError, ValueError, EOFError) as error:
        raise _unreadable(str(error)) from error


def _members(archive: tarfile.TarFile, without: str) -> Iterator[tuple[str, bytes]]:
    size = 0
    for count, member in enumerate(archive):
        size += member.size
        if member.issparse():  # a few bytes that stand for as many as they like
            raise _unreadable("it has a file with holes")
        if count >= MAX_SOURCE_FILES or size > MAX_SOURCE_BYTES:
            raise _unreadable("it is too large")
        file = archive.extractfile(member) if member.isreg() else None
        parts = PurePosixPath(member.name).parts
        inside = bool(parts) and not member.name.startswith("/") and ".." not in parts
        inside = inside and "\0" not in member.name
        if file and inside and f"{APP_ROOT}/{member.name}" != without:
            yield PurePosixPath(member.name).as_posix(), file.read()


def _unreadable(why: str) -> LocalError:
    message = f"The source in the container cannot be read: {shown(why)}."
    remedy = "Look at it: fairlead shell NAME."
    return refusal(Reason.FILE_UNREADABLE, message, remedy)
