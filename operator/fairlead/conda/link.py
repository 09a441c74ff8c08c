"""The environment as files: linked here, for its final path, and told as what does not depend on
the place or the time it was made.
"""

import asyncio
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import rattler
from rattler import Subdir
from rattler.exceptions import ExtractError, InstallerError, IoError, LinkError, TransactionError
from rattler.package_cache import PackageCache, PackageCacheLayer, ValidationMode

from fairlead.conda.channels import NATIVE
from fairlead.conda.contents import Contents
from fairlead.conda.packages import Package
from fairlead.conda.panics import RattlerPanicError, panics_told
from fairlead.conda.unpack import unfit
from fairlead.diagnosis.build.conda_causes import CondaError, LinkingFailed
from fairlead.finding import shown
from fairlead.images.layout import ENVIRONMENT

_OF_THIS_PLACE = ("extracted_package_dir", "link", "package_tarball_full_path", "requested_specs")
_FAULTS = (
    *(InstallerError, LinkError, ExtractError, IoError, TransactionError, OSError),
    RattlerPanicError,
)
NOWHERE = "file:///dev/null/"  # a package that is not there as we unpacked it is not had elsewhere


def link(packages: Sequence[tuple[Package, Contents]], prefix: Path, unpacked: Path) -> None:
    """Make the environment at ``prefix``, as it is to be at its final path, from ``unpacked``.

    Nothing is fetched and nothing of theirs is run. Links come last, so that nothing is written
    through one. Raises ``CondaError``.
    """
    layer = PackageCacheLayer(unpacked).with_validation_mode(ValidationMode.skip())
    for package, _ in packages:
        package.record.url = f"{NOWHERE}{package.record.file_name}"
    linking = rattler.install(
        [package.record for package, _ in packages],
        target_prefix=prefix,
        package_cache=PackageCache.from_layers([layer]),
        platform=Subdir(NATIVE),
        execute_link_scripts=False,
        show_progress=False,
        alternative_target_prefix=f"/{ENVIRONMENT}",
    )
    try:
        with panics_told():
            asyncio.run(linking)
    except _FAULTS as error:
        raise CondaError(LinkingFailed(_without_places(str(error), prefix, unpacked))) from error
    for package, contents in packages:
        _tell_the_same(prefix, package, contents.links)
    _write(prefix / "conda-meta" / "history", "")
    (prefix / "CACHEDIR.TAG").unlink(missing_ok=True)
    for package, contents in packages:
        for path, target in contents.links.items():
            _make_link(prefix, package, path, target)


def _tell_the_same(prefix: Path, package: Package, links: Mapping[str, str]) -> None:
    """What conda itself notes of a package, without paths and dates of this machine."""
    path = prefix / "conda-meta" / f"{package.stem}.json"
    about = json.loads(path.read_bytes())
    for key in _OF_THIS_PLACE:
        about.pop(key, None)
    about["url"] = package.address
    about["files"] = sorted([*about["files"], *links])
    about["paths_data"]["paths"] += [{"_path": one, "path_type": "softlink"} for one in links]
    _write(path, json.dumps(about, indent=1, sort_keys=True) + "\n")


def _write(path: Path, text: str) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
    with os.fdopen(os.open(path, flags, 0o644), "w") as file:
        file.write(text)


def _make_link(prefix: Path, package: Package, path: str, target: str) -> None:
    place = prefix / path
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(target)
    except (FileExistsError, NotADirectoryError) as error:
        why = f"has a link where another package has something else ({shown(path)})"
        raise unfit(package.record.file_name, why) from error


def _without_places(text: str, *places: Path) -> str:
    """What py-rattler says, without the folders of this machine."""
    for place in places:
        for prefix in (f"{place.absolute()}/", str(place.absolute())):
            text = text.replace(prefix, "")
    return text
