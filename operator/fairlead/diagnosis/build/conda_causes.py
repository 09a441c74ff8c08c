"""Why an environment could not be made from conda's channels: causes, as they were found. Pure."""

from dataclasses import dataclass

from fairlead.requirement import Requirement


@dataclass(frozen=True)
class SpecInvalid:
    """The solver does not read the spec; ``why`` are its words."""

    asked: Requirement
    why: str


@dataclass(frozen=True)
class PackageMissing:
    """No channel has a package of that name for this platform. ``near``: names that are like it."""

    asked: Requirement
    name: str
    channels: tuple[str, ...]
    near: tuple[str, ...] = ()


@dataclass(frozen=True)
class VersionMissing:
    """The package is there, and nothing of it is what the spec asks for. ``newest``: versions;
    ``builds``: of the version that is asked for, where it is there in another build."""

    asked: Requirement
    name: str
    channels: tuple[str, ...]
    newest: tuple[str, ...]
    builds: tuple[str, ...] = ()


@dataclass(frozen=True)
class Conflict:
    """Specs that exclude each other. ``needs``: what stands between, each ``x 1.0 needs y >=2``."""

    asked: Requirement
    needs: tuple[str, ...] = ()
    against: tuple[Requirement, ...] = ()
    said: str = ""
    """The solver's own words, where they are of another kind."""


@dataclass(frozen=True)
class ChannelMissing:
    channel: Requirement
    address: str


@dataclass(frozen=True)
class ChannelUnreachable:
    address: str
    why: str


@dataclass(frozen=True)
class ChannelDenied:
    address: str
    status: int


@dataclass(frozen=True)
class ChannelRefused:
    """The address guard lets nobody go there."""

    channel: Requirement
    address: str
    why: str
    remedy: str


@dataclass(frozen=True)
class ChannelBroken:
    """It answers, and what it sends is no channel's."""

    address: str
    why: str


@dataclass(frozen=True)
class ChecksumWrong:
    """A file is not what the channel's own list says of it."""

    file: str
    address: str


@dataclass(frozen=True)
class PackageUnfit:
    """A package that is not linked; ``why`` completes "the package x …"."""

    file: str
    why: str


@dataclass(frozen=True)
class LinkingFailed:
    """Packages that do not go into one folder; ``why`` are py-rattler's words."""

    why: str


@dataclass(frozen=True)
class NoGlibc:
    """The base image has another C library than the one that conda's packages are made for."""

    base: str


CondaCause = (
    SpecInvalid
    | PackageMissing
    | VersionMissing
    | Conflict
    | ChannelMissing
    | ChannelUnreachable
    | ChannelDenied
    | ChannelRefused
    | ChannelBroken
    | ChecksumWrong
    | PackageUnfit
    | LinkingFailed
    | NoGlibc
)


class CondaError(Exception):
    """The environment cannot be made. ``causes``: all that was found, at least one."""

    def __init__(self, *causes: CondaCause) -> None:
        super().__init__(", ".join(type(cause).__name__ for cause in causes))
        self.causes = causes
