"""Where things lie on this machine: what services there are, and what can be made again.

Both follow the XDG base directories: https://specifications.freedesktop.org/basedir-spec/.
"""

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

PRIVATE_FOLDER, PRIVATE_FILE, ANYBODY_ELSE = 0o700, 0o600, 0o077


@dataclass(frozen=True)
class Places:
    """``state``: a folder for each service. ``cache``: environments, runtimes, fetched models."""

    state: Path
    cache: Path

    def service(self, name: str) -> Path:
        return self.state / name

    @property
    def environments(self) -> Path:
        return self.cache / "environments"

    @property
    def runtimes(self) -> Path:
        return self.cache / "runtimes"

    @property
    def models(self) -> Path:
        return self.cache / "models"


def places(environ: Mapping[str, str]) -> Places:
    home = Path(environ.get("HOME") or Path.home())
    state = Path(environ.get("XDG_STATE_HOME") or home / ".local/state")
    cache = Path(environ.get("XDG_CACHE_HOME") or home / ".cache")
    return Places(state / "fairlead/local", cache / "fairlead/local")


def make_private(folder: Path) -> None:
    """Others of this machine do not look into it: variables, logs and models may be secret."""
    folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
    if folder.stat().st_mode & ANYBODY_ELSE:
        folder.chmod(PRIVATE_FOLDER)


def new_private(path: Path) -> Path:
    """The file, empty, and this user's alone; what was there before is gone."""
    path.unlink(missing_ok=True)
    path.touch(mode=PRIVATE_FILE, exist_ok=False)
    return path


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Let one command at a time work on what lies in ``folder``; the others wait."""
    make_private(folder.parent)
    path = folder.with_name(f".{folder.name}.lock")
    lock = _locked(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(lock)


def _locked(path: Path) -> int:
    """The file, held; one that somebody has removed meanwhile holds nobody."""
    while True:
        lock = os.open(path, os.O_RDWR | os.O_CREAT, PRIVATE_FILE)
        fcntl.flock(lock, fcntl.LOCK_EX)
        with suppress(FileNotFoundError):
            if path.stat().st_ino == os.fstat(lock).st_ino:
                return lock
        os.close(lock)
