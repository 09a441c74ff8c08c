"""The files of the packages: fetched, compared with what the channel says of them, unpacked and
looked through. Whatever reaches outside of the environment is refused before anything is linked.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from rattler import RepoDataRecord as Record

from fairlead.conda.contents import SITE_PACKAGES, Contents, contents_of
from fairlead.conda.fetch import Access, Fetcher
from fairlead.conda.repodata import Repodata
from fairlead.conda.unpack import Meter, unfit, unpack
from fairlead.diagnosis.build.conda_causes import (
    ChannelBroken,
    ChecksumWrong,
    CondaError,
    PackageUnfit,
)
from fairlead.finding import shown
from fairlead.images.environment_tree import Limits
from fairlead.redact import redacted

AT_ONCE = 4
MAX_PACKAGE_BYTES = 8 * 1024**3
CHUNK_BYTES = 1024 * 1024
_FILE = re.compile(r"[A-Za-z0-9_.!+-]{1,250}\.(?:conda|tar\.bz2)")
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,128}")
_WORD = re.compile(r"[A-Za-z0-9_.!+]{1,128}")  # without a dash: each package has its own stem


@dataclass(frozen=True)
class Package:
    """``address``: the one that stands for it, whatever it was fetched from."""

    record: Record
    address: str
    path: Path

    @property
    def stem(self) -> str:
        """What conda calls its folder, and the file about it in an environment."""
        record = self.record
        return f"{record.name.normalized}-{record.version}-{record.build}"


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
    shown_at = redacted(channel.shown(mirror))
    path = folder / f"{record.subdir}-{record.file_name}"
    path.parent.mkdir(exist_ok=True)
    if not fetcher.fetch(mirror, path, MAX_PACKAGE_BYTES, channel):
        raise CondaError(ChannelBroken(shown_at, "its list names the file, and it is not there"))
    kind, wanted = ("sha256", record.sha256) if record.sha256 else ("md5", record.md5)
    if wanted is None or _digest(path, kind) != wanted:
        raise CondaError(ChecksumWrong(record.file_name, shown_at))
    return Package(record, address, path)


def _check_record(record: Record) -> None:
    site = record.python_site_packages_path or "lib"
    fits = (
        _FILE.fullmatch(record.file_name)
        and all(map(_NAME.fullmatch, (record.name.normalized, record.subdir)))
        and all(map(_WORD.fullmatch, (str(record.version), str(record.build))))
        and PurePosixPath(site).as_posix() == site
        and PurePosixPath(site).parts[0] == "lib"
        and ".." not in PurePosixPath(site).parts
    )
    if not fits:
        raise CondaError(PackageUnfit(record.file_name[:200], "has a name that no package may"))


def _digest(path: Path, kind: str) -> bytes:
    found = hashlib.new(kind, usedforsecurity=False)
    with path.open("rb") as file:
        while piece := file.read(CHUNK_BYTES):
            found.update(piece)
    return found.digest()


def unpack_packages(
    packages: Sequence[Package], folder: Path, limits: Limits
) -> list[tuple[Package, Contents]]:
    """Take all apart, some at a time, each into ``folder`` as py-rattler's cache has it; the
    archives are deleted. Raises ``CondaError``."""
    meter, site = Meter(limits), _site_packages(packages)

    def one(package: Package) -> tuple[Package, Contents]:
        name = package.record.file_name
        found = unpack(name, package.path, folder / package.stem, meter)
        package.path.unlink()
        contents = contents_of(name, found, site)
        for name, content in contents.info.items():
            path = found.tree / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
        return package, contents

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(one, packages))


def _site_packages(packages: Iterable[Package]) -> str:
    for package in packages:
        record = package.record
        if record.name.normalized == "python":
            minor = ".".join(str(record.version).split(".")[:2])
            return record.python_site_packages_path or f"lib/python{minor}/site-packages"
    return SITE_PACKAGES.rstrip("/")


def _unfit(package: Package, why: str) -> CondaError:
    return unfit(package.record.file_name, why)


def check_links(packages: Sequence[tuple[Package, Contents]]) -> None:
    """See that no link lies beyond another, or where another is. Raises ``CondaError``."""
    owners = dict[str, Package]()
    for package, contents in packages:
        for path in contents.links:
            if path in owners:
                raise _unfit(package, f"has a link where another package has one ({shown(path)})")
            owners[path] = package
    for path, package in owners.items():
        if any(str(folder) in owners for folder in PurePosixPath(path).parents):
            raise _unfit(package, f"has a file beyond a link ({shown(path)})")
