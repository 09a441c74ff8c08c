"""From a recipe to the files of its environment: channels, packages, links, an archive, a lock."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from fairlead.conda.channels import channels_of
from fairlead.conda.fetch import Access, Fetcher
from fairlead.conda.link import link
from fairlead.conda.packages import Package, check_links, fetch_packages, unpack_packages
from fairlead.conda.repodata import Repodata, fetch_repodata
from fairlead.conda.solve import Machine, solved
from fairlead.diagnosis.build.conda_causes import CondaError, PackageMissing
from fairlead.images.environment_layer import environment_tar
from fairlead.images.environment_tree import Limits
from fairlead.images.layout import ENVIRONMENT
from fairlead.inputs.match_spec import read_match_spec
from fairlead.requirement import CondaRecipe, Requirement


@dataclass(frozen=True)
class CondaEnvironment:
    """``archive``: a tar with the environment at its final path; ``python``: ``3.6.15``."""

    archive: Path
    python: str
    packages: tuple[str, ...]
    """conda's explicit lock: an address and a checksum each."""
    scripts: tuple[str, ...]
    """Packages whose link scripts were not run."""


@dataclass(frozen=True)
class Place:
    """Where an environment is made, and how channels are reached. ``mirrors`` by channel."""

    work: Path
    access: Access
    mirrors: Mapping[str, str]
    say: Callable[[str], None]


def make_environment(
    conda: CondaRecipe, machine: Machine, place: Place, *, with_pip: bool
) -> CondaEnvironment:
    """Solve, fetch and link. ``with_pip``: there is something for it to install.

    Raises ``CondaError`` or ``EnvironmentUnfitError``.
    """
    work, access, say = place.work, place.access, place.say
    channels = channels_of(conda, place.mirrors)
    with Fetcher(access) as fetcher:
        repodata = fetch_repodata(channels, fetcher, _folder(work, "repodata"), say)
    records = solved(_asked(conda, with_pip=with_pip), repodata, machine)
    python = next((r for r in records if r.name.normalized == "python"), None)
    if python is None:
        raise CondaError(_no_python(repodata))
    packages = fetch_packages(records, repodata, access, _folder(work, "packages"), say)
    for package in packages:
        say(f"{package.record.name.normalized} {package.record.version} {package.record.build}")
    lock = _explicit(packages)
    prefix, unpacked = work / "environment", _folder(work, "unpacked")
    contents = unpack_packages(packages, unpacked, Limits())
    scripts = tuple(one.record.name.normalized for one, held in contents if held.has_script)
    check_links(contents)
    link(contents, prefix, unpacked)
    archive = work / "environment.tar"
    with archive.open("wb") as file:
        for piece in environment_tar(prefix, ENVIRONMENT, Limits()):
            file.write(piece)
    for made in (prefix, unpacked, work / "packages"):
        shutil.rmtree(made)
    return CondaEnvironment(archive, str(python.version), lock, scripts)


def _folder(work: Path, name: str) -> Path:
    folder = work / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _asked(conda: CondaRecipe, *, with_pip: bool) -> list[Requirement]:
    """What the file asks for, and Python and pip where it does not say."""
    names = {read_match_spec(package.text).name for package in conda.packages}
    wanted = ["python", "pip"] if with_pip else ["python"]
    return [
        *conda.packages,
        *(Requirement(text=name, line=0) for name in wanted if name not in names),
    ]


def _no_python(repodata: Repodata) -> PackageMissing:
    channels = tuple(channel.address for channel in repodata.channels)
    return PackageMissing(Requirement(text="python", line=0), "python", channels)


def _explicit(packages: list[Package]) -> tuple[str, ...]:
    """Each as conda writes it into an explicit list: the address, and its checksum behind ``#``."""
    return tuple(f"{package.address}#{_checksum(package)}" for package in packages)


def _checksum(package: Package) -> str:
    record = package.record
    if record.md5:
        return record.md5.hex()
    return f"sha256:{record.sha256.hex()}" if record.sha256 else ""
