"""The wheels that lie in Fairlead itself: which of them a Python takes, and how they are laid out.

Laying one out is taking it out of its archive: of what pip does besides (programs, notes about its
own work) a runtime needs nothing, and pip takes a second to start. Their content was checked by its
digests when Fairlead's image was made.
"""

import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from packaging.tags import compatible_tags, cpython_tags
from packaging.utils import canonicalize_name, parse_wheel_filename

DATA_SUFFIX = ".data"  # of the folder of a wheel whose files have places of their own


def bundled_wheels(
    pins: Sequence[str], python: str, folder: Path, platforms: Sequence[str]
) -> list[Path] | None:
    """The wheels in ``folder`` for these pins (``click==8.5.1``), where all are there for that
    Python (``3.11``); of several for one pin that which it prefers. ``platforms`` are the parts of
    their names, as ``manylinux_2_28_x86_64``."""
    found = _fitting(python, folder, platforms)
    wanted = (pin.partition("==") for pin in pins)
    wheels = [found.get(f"{canonicalize_name(name)}=={version}") for name, _, version in wanted]
    there = [wheel for wheel in wheels if wheel is not None]
    return there if len(there) == len(wheels) else None


def _fitting(python: str, folder: Path, platforms: Sequence[str]) -> dict[str, Path]:
    """By pin."""
    release = [int(part) for part in python.split(".")]
    tags = [
        *cpython_tags(release, platforms=platforms),
        *compatible_tags(release, platforms=platforms),
    ]
    ranks = {tag: rank for rank, tag in enumerate(tags)}
    ranked = list[tuple[int, str, Path]]()
    for path in folder.glob("*.whl"):
        name, version, _, its_tags = parse_wheel_filename(path.name)
        if fitting := its_tags & ranks.keys():
            rank = min(ranks[tag] for tag in fitting)
            ranked.append((rank, f"{canonicalize_name(name)}=={version}", path))
    return {pin: path for _, pin, path in sorted(ranked, reverse=True)}  # the best comes last


def are_plain(wheels: Iterable[Path]) -> bool:
    """Whether all that is in them belongs where it lies in the archive."""
    return not any(map(_has_data, wheels))


def lay_out(wheels: Iterable[Path], folder: Path) -> None:
    """Take what is in them out into ``folder``."""
    for path in wheels:
        with zipfile.ZipFile(path) as wheel:
            wheel.extractall(folder)


def _has_data(path: Path) -> bool:
    with zipfile.ZipFile(path) as wheel:
        tops = {name.partition("/")[0] for name in wheel.namelist()}
    return any(top.endswith(DATA_SUFFIX) for top in tops)
