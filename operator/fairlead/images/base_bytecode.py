"""The layer with the bytecode of the base image's own modules: what ``compile_base.py`` has left.

The base image's Python has written it, and is the user's: anything may be there. Only bytecode is
taken, at the path where Python looks for it; of folders nothing but those that hold bytecode alone,
so that what the base image has stays as it is. Its bytes depend on the base image alone: the images
of a namespace that stand on the same one share the layer.
"""

import tarfile
from collections.abc import Iterator
from pathlib import Path

from fairlead.images.environment_layer import entry, file_member, header
from fairlead.images.environment_tree import (
    EnvironmentUnfitError,
    Limits,
    is_compiled,
    open_whole,
    walk,
)
from fairlead.images.layers import TAR_BLOCK_BYTES

LIMITS = Limits(files=20_000, size_bytes=64 * 1024 * 1024)
"""Of Python 3.13 it is 15 MB, in 700 files."""


def bytecode_tar(root: Path, limits: Limits = LIMITS) -> Iterator[bytes]:
    """Yield the archive of the bytecode below ``root``; nothing where there is none.

    Raises ``EnvironmentUnfitError``.
    """
    folder, size_bytes = "", 0
    for found in walk(root, limits):
        if found.is_folder or found.is_link or not is_compiled(found.path):
            continue
        size_bytes += found.about.st_size
        if size_bytes > limits.size_bytes:
            raise EnvironmentUnfitError(f"It is more than {limits.size_bytes:,} bytes.")
        if folder != (folder := found.path.rpartition("/")[0]):
            yield header(entry(folder, tarfile.DIRTYPE, 0o755))
        yield from file_member(found, found.path, open_whole(found))
    if folder:
        yield bytes(2 * TAR_BLOCK_BYTES)
