"""Files that another process may have put there: read only as far as allowed, and never waited for.

A path may turn out to be a link, a pipe that nobody writes to, a device or a folder.
"""

import json
import os
import stat
from pathlib import Path
from typing import BinaryIO


class NotARegularFileError(OSError):
    """There is something under that name, and it is no regular file."""


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file for reading. Raises ``OSError``: ``FileNotFoundError`` where there is
    nothing, ``NotARegularFileError`` where there is something else."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags)
    except FileNotFoundError:
        raise
    except OSError as error:  # ELOOP of a link, ENXIO of a socket
        raise NotARegularFileError(error.errno, error.strerror, str(path)) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NotARegularFileError(f"{path.name} is no regular file")
    return os.fdopen(descriptor, "rb")


def read_start(path: Path, max_bytes: int) -> bytes:
    """Return the first ``max_bytes`` of a regular file. Raises ``OSError``."""
    with open_regular(path) as file:
        return file.read(max_bytes)


def write_whole(path: Path, document: object) -> None:
    """Write JSON so that a reader finds the whole document or none. Raises ``OSError``."""
    draft = path.with_name(f"{path.name}.new")
    draft.write_text(json.dumps(document))
    draft.replace(path)
