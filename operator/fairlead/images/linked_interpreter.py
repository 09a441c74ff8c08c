"""The interpreter of an environment that is linked, apart from it: for a base image without one.

It unpacks the environment there, as the base image's own Python does elsewhere. What is written
comes from packages of strangers: each entry is a new file, folder or link within the folder.
"""

import re
import shutil
import tarfile
from pathlib import Path, PurePosixPath

from fairlead.images.layout import ENVIRONMENT

MAX_LIBRARY_BYTES = 64 * 1024 * 1024  # of those that Python itself needs, none is near it
_NEEDED = re.compile(r"bin/python[0-9.]*|lib/[^/]+\.so[0-9.]*|lib/python[0-9.]+/.+")
_NOT_NEEDED = re.compile(r"lib/[^/]+/(?:site-packages|test|idlelib|ensurepip|config-[^/]+)/.+")


def unpack_interpreter(archive: Path, folder: Path) -> None:
    """Unpack what Python itself needs of the ``archive`` into ``folder``, which is new."""
    folder.mkdir()
    with tarfile.open(archive) as content:
        for entry in content:
            path = entry.name.removeprefix(f"{ENVIRONMENT}/")
            if _NEEDED.fullmatch(path) and not _NOT_NEEDED.fullmatch(path):
                _unpack(content, entry, folder, PurePosixPath(path))


def _unpack(
    content: tarfile.TarFile, entry: tarfile.TarInfo, folder: Path, path: PurePosixPath
) -> None:
    target = _within(folder, path)
    if target is None:
        return
    if entry.issym():
        if "/" not in entry.linkname:  # to what lies beside it: nothing is written through a link
            target.symlink_to(entry.linkname)
    elif entry.isreg() and entry.size <= MAX_LIBRARY_BYTES:
        source = content.extractfile(entry)
        if source is not None:
            with source, target.open("xb") as file:
                shutil.copyfileobj(source, file)
            target.chmod(entry.mode & 0o755)


def _within(folder: Path, path: PurePosixPath) -> Path | None:
    """Where it goes; None where that is not a folder of ours."""
    parent = folder
    for part in path.parent.parts:
        parent /= part
        if part == ".." or parent.is_symlink() or (parent.exists() and not parent.is_dir()):
            return None
        parent.mkdir(exist_ok=True)
    target = parent / path.name
    return None if path.name == ".." or target.is_symlink() or target.exists() else target
