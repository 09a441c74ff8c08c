"""The environment as files: linked here, for its final path, and told as what does not depend on
the place or the time it was made.
"""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

import rattler
from rattler import Subdir
from rattler.exceptions import ExtractError, InstallerError, IoError, LinkError, TransactionError

from fairlead.conda.packages import Package
from fairlead.diagnosis.build.conda_causes import CondaError, PackageUnfit
from fairlead.images.layout import ENVIRONMENT

_OF_THIS_PLACE = ("extracted_package_dir", "link", "package_tarball_full_path", "requested_specs")
_FAULTS = (InstallerError, LinkError, ExtractError, IoError, TransactionError, OSError)
ANY = "the packages"


def link(packages: Sequence[Package], prefix: Path, work: Path) -> None:
    """Make the environment at ``prefix``, as it is to be at its final path.

    Nothing is fetched and nothing of theirs is run. Raises ``CondaError``.
    """
    for package in packages:
        package.record.url = package.path.absolute().as_uri()
    linking = rattler.install(
        [package.record for package in packages],
        target_prefix=prefix,
        cache_dir=work / "unpacked",
        platform=Subdir("linux-64"),
        execute_link_scripts=False,
        show_progress=False,
        alternative_target_prefix=f"/{ENVIRONMENT}",
    )
    try:
        asyncio.run(linking)
    except _FAULTS as error:
        raise CondaError(PackageUnfit(ANY, f"cannot be linked: {error}")) from error
    _tell_the_same(prefix, {package.record.file_name: package.address for package in packages})


def _tell_the_same(prefix: Path, addresses: dict[str, str]) -> None:
    """What conda itself notes of an environment, without paths and dates of this machine."""
    folder = prefix / "conda-meta"
    for path in sorted(folder.glob("*.json")):
        about = json.loads(path.read_bytes())
        for key in _OF_THIS_PLACE:
            about.pop(key, None)
        about["url"] = addresses[about["fn"]]
        path.write_text(json.dumps(about, indent=1, sort_keys=True) + "\n")
    (folder / "history").write_text("")
    (prefix / "CACHEDIR.TAG").unlink(missing_ok=True)
