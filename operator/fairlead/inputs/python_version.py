"""The Python that a conda file asks for: read, compared, and refused where it is too old.

``asked`` is everywhere either digits (``3``, ``3.11``, ``3.11.4``: that release or any below it, as
conda means ``python=3.11``) or PEP 440 specifiers (``>=3.9,<3.12``).
"""

import re

from packaging.specifiers import InvalidSpecifier, SpecifierSet

OLDEST_PYTHON = (3, 6)  # that user code runs on; the server brings its own
MAX_SPEC_CHARS = 100  # characters; each of some hundred releases is compared with it
_PLAIN = re.compile(  # 3.6, ==3.6.*, 3.6=0
    r"={0,2}\s*([0-9]{1,4}(?:\.[0-9]{1,4}){0,3})(?:\.?\*)?(?:(?:=|\s+)\S+)?"
)
_DIGITS = re.compile(r"[0-9]{1,4}(\.[0-9]{1,4}){0,3}")
_IMAGE = re.compile(r"(?:^|/)python:([0-9]{1,4})\.([0-9]{1,4})")
_MINORS = (*range(10, 31), *range(9, OLDEST_PYTHON[1] - 1, -1))  # those that get fixes come first
_RELEASES = [f"3.{minor}.{patch}" for minor in _MINORS for patch in range(31)]


def read_python(spec: str) -> str | None:
    """Return what ``spec``, conda's text after ``python``, asks for; None where it leaves it open.

    Raises ``ValueError`` where it cannot be read.
    """
    if not spec.strip() or spec.strip() == "*":
        return None
    if len(spec) > MAX_SPEC_CHARS:
        raise ValueError(f"it has more than {MAX_SPEC_CHARS} characters")
    if plain := _PLAIN.fullmatch(spec.strip()):
        return plain[1]
    try:
        return str(SpecifierSet(spec))
    except InvalidSpecifier as error:
        raise ValueError(f"{spec} is no version") from error


def satisfies(asked: str, version: str) -> bool:
    """Return whether the Python ``version`` (``3.11.2``) is what was asked for."""
    return _specifiers(asked).contains(version, prereleases=True)


def too_old(asked: str) -> bool:
    """Return whether no Python that user code runs on is what was asked for."""
    if _DIGITS.fullmatch(asked):
        release = tuple(int(part) for part in asked.split("."))
        return release[:2] < OLDEST_PYTHON[: len(release)]
    return not any(_specifiers(asked).contains(release) for release in _RELEASES)


def official_image(asked: str) -> str:
    """Return the official image whose Python is what was asked for: ``python:3.12-slim``."""
    if _DIGITS.fullmatch(asked):
        return f"python:{asked}-slim"
    found = (release for release in _RELEASES if satisfies(asked, release))
    version = minor_version(next(found, "3.11"))
    return "python:{}.{}-slim".format(*version) if version else "python:3-slim"


def python_of_image(image: str) -> tuple[int, int] | None:
    """Return ``(3, 12)`` for an image that says so in its name, such as ``python:3.12-slim``."""
    named = _IMAGE.search(image)
    return (int(named[1]), int(named[2])) if named else None


def minor_version(asked: str | None) -> tuple[int, int] | None:
    """Return ``(3, 11)`` where one minor version is asked for, else None."""
    if asked is None or not _DIGITS.fullmatch(asked) or "." not in asked:
        return None
    major, minor = asked.split(".")[:2]
    return int(major), int(minor)


def _specifiers(asked: str) -> SpecifierSet:
    return SpecifierSet(f"=={asked}.*" if _DIGITS.fullmatch(asked) else asked)
