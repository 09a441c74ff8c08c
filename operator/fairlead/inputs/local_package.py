"""Packages that lie in the source: wheels and archives by their path, and folders. Pure.

In the text of a requirement such a path begins with ``./`` and is relative to the source.
"""

import posixpath
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from packaging.markers import InvalidMarker, Marker
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from fairlead.api.reasons import Reason
from fairlead.finding import Problem, quoted
from fairlead.inputs.copy_instruction import deletes
from fairlead.requirement import Requirement

LOCAL = "./"
MAX_PATH_CHARS = 512
PROJECT = ("pyproject.toml", "setup.py")
ARCHIVES = (".whl", ".zip", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
_LOCAL = re.compile(
    r"(?P<path>[A-Za-z0-9._+/-]{1,512}?)(?P<extras>\[[A-Za-z0-9._, -]{0,200}\])?\s{0,9}"
    r"(?:;(?P<marker>.{1,500}))?"
)
_PATH = re.compile(r"[A-Za-z0-9._+/-]{1,512}")
_REMEDY = "Name a file or a folder of the source by its path, such as ./a-1.0-py3-none-any.whl."


def read_local(text: str, line: int) -> Requirement | None:
    """Return the requirement that a path is, with ``./`` before it; None where it is none."""
    found = _LOCAL.fullmatch(text.strip())
    if found is None or found["path"].startswith("/"):
        return None
    try:
        marker = f" ; {Marker(found['marker'].strip())}" if found["marker"] else ""
    except (InvalidMarker, RecursionError):
        return None
    extras = "".join((found["extras"] or "").split())
    path = found["path"].removeprefix(LOCAL)
    return Requirement(text=f"{LOCAL}{path}{extras}{marker}", line=line)


def folder_of_source(text: str) -> str | None:
    """The path as it is written, if it can be one within a source."""
    return text if _PATH.fullmatch(text) and not text.startswith("/") else None


def within(folder: str, path: str) -> str | None:
    """``path`` seen from ``folder``, both of the source: "" for all of it, None for outside."""
    if path.startswith("/") or len(path) > MAX_PATH_CHARS or not path.isprintable():
        return None
    joined = posixpath.normpath(posixpath.join(folder, path))
    if joined == ".." or joined.startswith("../"):
        return None
    return "" if joined == "." else joined


def found_in(folders: Iterable[str], path: str, names: Collection[str]) -> str | None:
    """``path`` seen from the first of ``folders`` where something lies; else from the first that
    does not lead outside of the source. None where all do."""
    seen = _seen(folders, path)
    if len(seen) <= 1:
        return seen[0] if seen else None
    return next((one for one in seen if one in names or any(files_below(one, names))), seen[0])


def moved(
    requirement: Requirement, folders: Iterable[str], names: Collection[str]
) -> Requirement | Problem:
    """The same, with its path as seen from the source's own root: from the first of ``folders``
    where something lies that pip can install."""
    path, rest = _parts(requirement)
    places = [replace(requirement, text=f"{LOCAL}{one}{rest}") for one in _seen(folders, path)]
    if not places:
        message = f"{quoted(path)} is outside of the source"
        return Problem(Reason.ENVIRONMENT_FILE_INVALID, requirement.line, message, _REMEDY)
    if len(places) == 1:
        return places[0]
    fit = (one for one in places if not missing(one, names))
    there = (one for one in places if any(files_of([one], names)))
    return next(fit, None) or next(there, places[0])


def path_of(requirement: Requirement) -> str | None:
    """The path within the source, "" for all of it; None for what comes from elsewhere."""
    return _parts(requirement)[0] if requirement.text.startswith(LOCAL) else None


def missing(requirement: Requirement, names: Collection[str]) -> Problem | None:
    """What keeps pip from installing what lies there."""
    path = path_of(requirement)
    if path is None:
        return None
    if path in names:
        return _unfit_file(path, requirement.line)
    files = set(files_below(path, names))
    shown = quoted(f"{LOCAL}{path}")
    if not files:
        return _problem(requirement.line, f"the source has no {shown}", _REMEDY)
    prefix = f"{path}/" if path else ""
    if not files & {f"{prefix}{name}" for name in PROJECT}:
        message = f"the folder {shown} of the source has no pyproject.toml and no setup.py"
        remedy = "Add one, or leave the line out: modules beside the entry script need none."
        return _problem(requirement.line, message, remedy)
    return None


def files_of(requirements: Iterable[Requirement], names: Collection[str]) -> Iterator[str]:
    """Every file of the source that pip installs from."""
    for requirement in requirements:
        path = path_of(requirement)
        if path is not None:
            yield from [path] if path in names else files_below(path, names)


def files_below(path: str, names: Iterable[str]) -> Iterator[str]:
    """The files of a folder; "" means all. What would delete something of a layer is left out."""
    prefix = f"{path}/" if path else ""
    return (name for name in names if name.startswith(prefix) and not deletes(name))


def _seen(folders: Iterable[str], path: str) -> list[str]:
    found = (within(folder, path) for folder in dict.fromkeys(folders))
    return [one for one in found if one is not None]


def _parts(requirement: Requirement) -> tuple[str, str]:
    """The path, and the extras, the marker and the hashes after it."""
    bare = requirement.text.removeprefix(LOCAL)
    found = re.match(r"[A-Za-z0-9._+/-]*", bare)
    path = found[0] if found else ""
    return path, bare[len(path) :]


def _unfit_file(path: str, line: int) -> Problem | None:
    name = posixpath.basename(path)
    if not name.endswith(ARCHIVES):
        message = f"{quoted(path)} is no wheel and no archive of a package"
        return _problem(line, message, "Name a .whl, .tar.gz or .zip file; or -r before a list.")
    if name.endswith(".whl"):
        try:
            parse_wheel_filename(name)
        except InvalidWheelFilename:
            message = f"{quoted(name)} is not how a wheel is called"
            remedy = "Keep the name that the wheel was built with: a-1.0-py3-none-any.whl."
            return _problem(line, message, remedy)
    return None


def _problem(line: int, message: str, remedy: str) -> Problem:
    return Problem(Reason.ENVIRONMENT_FILE_INVALID, line, message, remedy)
