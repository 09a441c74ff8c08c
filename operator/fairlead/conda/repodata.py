"""What channels say that they have: ``repodata.json`` of the platform and of ``noarch``."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import zstandard
from rattler import Channel as RattlerChannel
from rattler import SparseRepoData

from fairlead.conda.channels import SUBDIRS, Channel
from fairlead.conda.fetch import Fetcher
from fairlead.conda.panics import RattlerPanicError, panics_told
from fairlead.diagnosis.build.conda_causes import (
    ChannelBroken,
    ChannelDenied,
    ChannelMissing,
    CondaError,
)
from fairlead.redact import redacted

MAX_REPODATA_BYTES = 4 * 1024**3  # of one, unpacked; conda-forge's largest is half a GiB
CHUNK_BYTES = 1024 * 1024


@dataclass
class Repodata:
    """Of all channels, in their order: the first counts most."""

    channels: tuple[Channel, ...]
    parts: list[SparseRepoData] = field(default_factory=list)

    def of(self, address: str | None) -> Iterable[SparseRepoData]:
        """Of one channel, or of all."""
        for channel, part in zip(self._owners, self.parts, strict=True):
            if address in (None, channel.address):
                yield part

    _owners: list[Channel] = field(default_factory=list)

    def add(self, channel: Channel, part: SparseRepoData) -> None:
        self._owners.append(channel)
        self.parts.append(part)

    def mirror_of(self, url: str) -> tuple[Channel, str]:
        """The channel that a package's address belongs to, and where it is fetched from."""
        for channel in self.channels:
            if url.startswith(f"{channel.address}/"):
                return channel, channel.mirror + url.removeprefix(channel.address)
        return self.channels[0], url


def fetch_repodata(
    channels: Iterable[Channel], fetcher: Fetcher, folder: Path, say: Callable[[str], None]
) -> Repodata:
    """Return what the channels have. Raises ``CondaError``."""
    found = Repodata(tuple(channels))
    for number, channel in enumerate(found.channels):
        before, denied = len(found.parts), list[CondaError]()
        for subdir in SUBDIRS:
            path = folder / f"{number}-{subdir}.json"
            try:
                is_there = _fetched(channel, subdir, path, fetcher)
            except CondaError as error:
                if not _is_denied(error):
                    raise
                denied.append(error)
                say(f"{channel.address}/{subdir} cannot be read.")
                continue
            if is_there:
                size = path.stat().st_size
                say(f"{channel.address}/{subdir}: {size:,} bytes of repodata.")
                found.add(channel, _read(channel, subdir, path))
        if len(found.parts) == before:
            raise denied[0] if denied else CondaError(_missing(channel))
    return found


def _missing(channel: Channel) -> ChannelMissing:
    return ChannelMissing(channel.asked, channel.address)


def _is_denied(error: CondaError) -> bool:
    """Stores such as S3 say so of what is not there, too."""
    return isinstance(error.causes[0], ChannelDenied)


def _fetched(channel: Channel, subdir: str, path: Path, fetcher: Fetcher) -> bool:
    address = f"{channel.mirror}/{subdir}/repodata.json"
    packed = path.with_suffix(".zst")
    try:
        if fetcher.fetch(f"{address}.zst", packed, MAX_REPODATA_BYTES, channel):
            _unpack(packed, path, redacted(channel.shown(address)))
            return True
    except CondaError as error:
        if not _is_denied(error):
            raise
    finally:
        packed.unlink(missing_ok=True)
    return fetcher.fetch(address, path, MAX_REPODATA_BYTES, channel)


def _unpack(packed: Path, path: Path, address: str) -> None:
    size = 0
    try:
        with packed.open("rb") as source, path.open("wb") as target:
            for piece in zstandard.ZstdDecompressor().read_to_iter(source, CHUNK_BYTES):
                size += len(piece)
                if size > MAX_REPODATA_BYTES:
                    raise CondaError(ChannelBroken(f"{address}.zst", "it is too large"))
                target.write(piece)
    except zstandard.ZstdError as error:
        raise CondaError(ChannelBroken(f"{address}.zst", str(error))) from error


def _read(channel: Channel, subdir: str, path: Path) -> SparseRepoData:
    try:
        with panics_told():
            return SparseRepoData(RattlerChannel(channel.address), subdir, path)
    except (OSError, RattlerPanicError) as error:  # OSError: JSON that is none
        address = f"{channel.address}/{subdir}/repodata.json"
        raise CondaError(ChannelBroken(address, str(error))) from error
