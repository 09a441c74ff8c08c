"""A folder or a file of a PersistentVolumeClaim, which is mounted into the task, read-only.

Whoever may write to the volume may change it while it is read, and may put links into it: nothing
is followed, so that nothing else that the task has is ever read in its place.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.sources.answers import changed
from fairlead.sources.base import Digests, Limits, Meter, SourceError, chunks
from fairlead.sources.names import shown_name
from fairlead.sources.remote import place_of

BELOW = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a pipe must not hold us up
FOLDER = BELOW | os.O_DIRECTORY


@dataclass(frozen=True)
class VolumeSource:
    """What lies at ``path`` in the ``folder`` where the volume is mounted; empty for all of it."""

    folder: Path
    path: str
    what: str

    @property
    def origin(self) -> str:
        return ""

    def fetch(self, into: Path, limits: Limits) -> Digests:
        meter, digests = Meter(limits, self.what), Digests()
        for name, descriptor in self._files(meter):
            target = place_of(into, name, self.what)
            with os.fdopen(descriptor, "rb") as file:
                before = os.fstat(descriptor)
                meter.expect(before.st_size)
                digests[name] = meter.store(chunks(file), target)
                after = os.fstat(descriptor)
            if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
                raise changed(f"{self.what} ({shown_name(name)})")
        return digests

    def _files(self, meter: Meter) -> Iterator[tuple[str, int]]:
        """Path below the folder, and an open descriptor, of each file."""
        with self._told(), _opened(str(self.folder), FOLDER) as root:
            *parents, last = PurePosixPath(self.path or ".").parts or (".",)
            with _descended(root, parents) as parent:
                if last != "." and stat.S_ISREG(os.lstat(last, dir_fd=parent).st_mode):
                    meter.count_file()
                    yield last, os.open(last, BELOW, dir_fd=parent)
                    return
                with _opened(last, FOLDER, parent) as top:
                    yield from self._below(top, meter)

    def _below(self, top: int, meter: Meter) -> Iterator[tuple[str, int]]:
        for folder, folders, files, here in os.fwalk(".", dir_fd=top, follow_symlinks=False):
            for name in sorted((*folders, *files)):
                called = (PurePosixPath(folder) / name).as_posix()
                mode = os.lstat(name, dir_fd=here).st_mode
                meter.count_file()
                if stat.S_ISREG(mode):
                    yield called, os.open(name, BELOW, dir_fd=here)
                elif not stat.S_ISDIR(mode):
                    raise self._refused(called)

    def _refused(self, name: str) -> SourceError:
        return SourceError(
            Reason.MODEL_SOURCE_REFUSED,
            f"{self.what} has {shown_name(name)}, which is a link or a special file.",
            "Put the file itself there: what lies elsewhere is not read.",
        )

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (FileNotFoundError, NotADirectoryError) as error:
            raise SourceError(
                Reason.MODEL_SOURCE_NOT_FOUND,
                f"{self.what} is neither a file nor a folder, or lies behind a link.",
                "Correct spec.source.persistentVolumeClaim.path, or put the files there.",
                retryable=True,
            ) from error
        except PermissionError as error:
            raise SourceError(
                Reason.MODEL_SOURCE_DENIED,
                f"{self.what} may not be read by the task, which runs as user {os.getuid()}.",
                "Let everybody read the files, or that user or group.",
                FailureClass.AUTH,
                retryable=True,
            ) from error


@contextmanager
def _opened(name: str, flags: int, folder: int | None = None) -> Iterator[int]:
    descriptor = os.open(name, flags, dir_fd=folder)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _descended(root: int, parts: list[str]) -> Iterator[int]:
    """The folder that ``parts`` lead to, one after the other, and no link among them."""
    if not parts:
        yield root
        return
    with _opened(parts[0], FOLDER, root) as below, _descended(below, parts[1:]) as end:
        yield end
