"""Which packages there are to be: what is asked for is looked up, spec by spec, and then solved.

What no channel has is found before the solver is asked: it would say so of the first only, and not
what there is instead.
"""

import asyncio
import difflib
import platform
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cmp_to_key

from rattler import ChannelPriority, GenericVirtualPackage, MatchSpec, PackageName, Version
from rattler import RepoDataRecord as Record
from rattler.exceptions import (
    InvalidMatchSpecError,
    InvalidPackageNameError,
    SolverError,
)
from rattler.package import BuildString
from rattler.solver.solver import solve_with_sparse_repodata

from fairlead.conda.channels import channel_address
from fairlead.conda.panics import RattlerPanicError, panics_told
from fairlead.conda.repodata import Repodata
from fairlead.diagnosis.build.conda_causes import (
    ChannelBroken,
    CondaCause,
    CondaError,
    PackageMissing,
    SpecInvalid,
    VersionMissing,
)
from fairlead.diagnosis.build.conda_explanation import conflict
from fairlead.inputs.match_spec import read_match_spec
from fairlead.requirement import Requirement

MAX_NEAR, MAX_NEWEST = 3, 5
OLDEST_GLIBC = "2.17"  # what conda-forge's packages need at least
GLIBC = re.compile(r"glibc ([0-9]{1,3}(?:\.[0-9]{1,5}){1,3})")


@dataclass(frozen=True)
class Machine:
    """What the packages will run on: the versions of the C library and of the CUDA driver."""

    glibc: str = OLDEST_GLIBC
    cuda: str = ""

    def virtual_packages(self) -> list[GenericVirtualPackage]:
        versions = {"__glibc": self.glibc, "__linux": "5.10", "__unix": "0", "__cuda": self.cuda}
        found = {name: version for name, version in versions.items() if version}
        packages = [_virtual(name, version, "0") for name, version in found.items()]
        return [*packages, _virtual("__archspec", "1", platform.machine())]


def solved(asked: Sequence[Requirement], repodata: Repodata, machine: Machine) -> list[Record]:
    """Return the packages of the environment, by name. Raises ``CondaError``."""
    try:
        with panics_told():
            return _solved(asked, repodata, machine)
    except RattlerPanicError as error:
        raise CondaError(ChannelBroken(_all(repodata)[0], str(error))) from error


def _solved(asked: Sequence[Requirement], repodata: Repodata, machine: Machine) -> list[Record]:
    found = [_looked_up(one, repodata) for one in asked]
    causes = [one for one in found if not isinstance(one, MatchSpec)]
    if causes:
        raise CondaError(*causes)
    specs = [one for one in found if isinstance(one, MatchSpec)]
    solving = solve_with_sparse_repodata(
        specs=specs,
        sparse_repodata=repodata.parts,
        virtual_packages=machine.virtual_packages(),
        channel_priority=ChannelPriority.Flexible,
    )
    try:
        records = asyncio.run(solving)
    except SolverError as error:
        named = {str(spec): one for spec, one in zip(specs, asked, strict=True)}
        raise CondaError(conflict(str(error), named)) from error
    except OSError as error:
        raise CondaError(ChannelBroken(_all(repodata)[0], str(error))) from error
    return sorted(records, key=lambda record: record.name.normalized)


def _looked_up(asked: Requirement, repodata: Repodata) -> MatchSpec | CondaCause:
    """The spec as the solver has it, or why nothing fits it."""
    spec = read_match_spec(asked.text)
    address = channel_address(spec.channel) if spec.channel else None
    text = f"{address}::{spec.name}{spec.rest}" if address else spec.text
    try:
        wanted = MatchSpec(text)
        records = _records(spec.name, address, repodata)
    except (InvalidMatchSpecError, InvalidPackageNameError) as error:
        return SpecInvalid(asked, str(error))
    channels = (address,) if address else _all(repodata)
    if not records:
        names = {name for part in repodata.of(address) for name in part.package_names()}
        near = difflib.get_close_matches(spec.name, names, MAX_NEAR)
        return PackageMissing(asked, spec.name, channels, tuple(near))
    bare = MatchSpec(f"{spec.name}{spec.rest}")
    if any(bare.matches(record) for record in records):
        return wanted
    return _no_version(asked, spec.name, channels, bare, records)


def _records(name: str, address: str | None, repodata: Repodata) -> list[Record]:
    try:
        return [record for part in repodata.of(address) for record in part.load_records(name)]
    except OSError as error:
        raise CondaError(ChannelBroken(_all(repodata)[0], str(error))) from error


def _no_version(
    asked: Requirement,
    name: str,
    channels: tuple[str, ...],
    wanted: MatchSpec,
    records: Iterable[Record],
) -> VersionMissing:
    found = {str(record.version): record for record in records}
    newest = sorted(found.values(), key=cmp_to_key(_by_version), reverse=True)
    versions = tuple(str(record.version) for record in newest[:MAX_NEWEST])
    builds: tuple[str, ...] = ()
    if wanted.build and wanted.version:
        version = MatchSpec(f"{name} {wanted.version}")
        fits = (str(record.build) for record in records if version.matches(record))
        builds = tuple(sorted(set(fits), reverse=True)[:MAX_NEWEST])
    return VersionMissing(asked, name, channels, versions, builds)


def _by_version(one: Record, other: Record) -> int:
    return (one.version > other.version) - (one.version < other.version)


def _all(repodata: Repodata) -> tuple[str, ...]:
    return tuple(channel.address for channel in repodata.channels)


def _virtual(name: str, version: str, build: str) -> GenericVirtualPackage:
    return GenericVirtualPackage(PackageName(name), Version(version), BuildString(build))


def glibc_of(libc: str) -> str | None:
    """``2.36`` of ``glibc 2.36``; None where it is another C library."""
    found = GLIBC.fullmatch(libc)
    return found[1] if found else None
