"""The files of the packages: fetched, compared with what the channel says of them, looked through.

What is linked is written where its own list says. So the lists are read before anything is linked:
a package that names a path outside of the environment, or one beyond a link, is refused.
"""

import asyncio
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from rattler import RepoDataRecord as Record
from rattler.package_streaming import PackageArchive

from fairlead.conda.fetch import Access, Fetcher
from fairlead.conda.repodata import Repodata
from fairlead.diagnosis.build.conda_causes import (
    ChannelBroken,
    ChecksumWrong,
    CondaError,
    PackageUnfit,
)

AT_ONCE = 4
MAX_PACKAGE_BYTES = 8 * 1024**3
CHUNK_BYTES = 1024 * 1024
LINK_SCRIPT = re.compile(r"bin/\.[^/]+-(?:post-link|pre-link|pre-unlink)\.(?:sh|py)")
_FILE = re.compile(r"[A-Za-z0-9_.!+-]{1,250}\.(?:conda|tar\.bz2)")
_WORD = re.compile(r"[A-Za-z0-9_.!+-]{1,128}")
_COMMAND = re.compile(r"[A-Za-z0-9_.+-]{1,128}")


@dataclass(frozen=True)
class Package:
    """``address``: the one that stands for it, whatever it was fetched from."""

    record: Record
    address: str
    path: Path


def fetch_packages(
    records: Sequence[Record],
    repodata: Repodata,
    access: Access,
    folder: Path,
    say: Callable[[str], None],
) -> list[Package]:
    """Fetch all, some at a time. Raises ``CondaError``."""

    def one(record: Record) -> Package:
        with Fetcher(access) as fetcher:
            return _fetched(record, repodata, fetcher, folder)

    pool = ThreadPoolExecutor(AT_ONCE)
    try:
        found = list(pool.map(one, records))
    finally:  # of a task that nobody wants any more the rest is not fetched
        pool.shutdown(wait=False, cancel_futures=True)
    size = sum(package.path.stat().st_size for package in found)
    say(f"{len(found)} packages fetched, {size:,} bytes.")
    return found


def _fetched(record: Record, repodata: Repodata, fetcher: Fetcher, folder: Path) -> Package:
    _check_record(record)
    address = str(record.url)
    channel, mirror = repodata.mirror_of(address)
    path = folder / f"{record.subdir}-{record.file_name}"
    path.parent.mkdir(exist_ok=True)
    if not fetcher.fetch(mirror, path, MAX_PACKAGE_BYTES, channel.asked):
        raise CondaError(ChannelBroken(mirror, "its list names the file, and it is not there"))
    kind, wanted = ("sha256", record.sha256) if record.sha256 else ("md5", record.md5)
    if wanted is None or _digest(path, kind) != wanted:
        raise CondaError(ChecksumWrong(record.file_name, mirror))
    return Package(record, address, path)


def _check_record(record: Record) -> None:
    words = (str(record.version), str(record.build), record.subdir)
    site = PurePosixPath(record.python_site_packages_path or "lib")
    if (
        not _FILE.fullmatch(record.file_name)
        or not all(map(_WORD.fullmatch, words))
        or site.is_absolute()
        or ".." in site.parts
    ):
        raise CondaError(PackageUnfit(record.file_name[:200], "has a name that no package may"))


def _digest(path: Path, kind: str) -> bytes:
    found = hashlib.new(kind, usedforsecurity=False)
    with path.open("rb") as file:
        while piece := file.read(CHUNK_BYTES):
            found.update(piece)
    return found.digest()


def check_packages(packages: Iterable[Package]) -> tuple[str, ...]:
    """Return the names of those that have a link script, which is not run.

    Raises ``CondaError``.
    """
    return asyncio.run(_checked(list(packages)))


async def _checked(packages: Sequence[Package]) -> tuple[str, ...]:
    with_script, links, paths = list[str](), set[str](), list[tuple[Package, str]]()
    for package in packages:
        found = await _paths(package)
        links |= {path for path, is_link in found if is_link}
        paths += [(package, path) for path, _ in found]
        if any(LINK_SCRIPT.fullmatch(path) for path, _ in found):
            with_script.append(package.record.name.normalized)
    for package, path in paths:
        above = (str(folder) for folder in PurePosixPath(path).parents)
        if any(folder in links for folder in above):
            raise _unfit(package, f"has a file beyond a link ({path[:200]})")
    return tuple(with_script)


async def _paths(package: Package) -> list[tuple[str, bool]]:
    """What is to be linked, and whether it is a link."""
    try:
        archive = await PackageArchive.from_path(package.path)
        files = await archive.read_files(["info/paths.json", "info/link.json"])
        listed = json.loads(files["info/paths.json"] or b"{}")
        entries = [(str(one["_path"]), one["path_type"] == "softlink") for one in listed["paths"]]
        commands = _commands(json.loads(files["info/link.json"] or b"{}"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _unfit(package, "cannot be read, or is older than the format that we read") from error
    for path, _ in entries:
        parts = PurePosixPath(path).parts
        if not path or path.startswith("/") or ".." in parts or "\0" in path:
            raise _unfit(package, f"has a file outside of the environment ({path[:200]})")
    for command in commands:
        if not _COMMAND.fullmatch(command) or command in (".", ".."):
            raise _unfit(package, f"has a command of an impossible name ({command[:200]})")
    return entries


def _commands(link: dict[str, object]) -> list[str]:
    noarch = link.get("noarch")
    entries = noarch.get("entry_points", []) if isinstance(noarch, dict) else []
    return [str(entry).partition("=")[0].strip() for entry in entries]


def _unfit(package: Package, why: str) -> CondaError:
    return CondaError(PackageUnfit(package.record.file_name, why))
