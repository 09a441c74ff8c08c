"""The base image's Python: is there one, is it what the file asks for, can it be built upon?"""

import re
from dataclasses import dataclass

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.contract import EnvironmentRecipe
from fairlead.finding import Finding
from fairlead.images.layout import OLDEST_FRONT_PYTHON
from fairlead.inputs.match_spec import read_match_spec
from fairlead.inputs.python_version import (
    OLDEST_PYTHON,
    official_image,
    satisfies,
)
from fairlead.requirement import CondaRecipe


@dataclass(frozen=True)
class BasePython:
    """The Python that packages are installed for. ``version``: ``3.11.2``."""

    version: str
    makes_environments: bool
    """Whether ``python3 -m venv`` works; Debian has that in a package of its own."""
    libc: str = ""
    """``glibc 2.36``, ``musl``; empty where that is not known."""
    path: str = ""
    """Where the interpreter lies in the base image; empty where that is not known."""
    front: str = ""
    """Another interpreter, of the base image, that the scoring server can run on, as a label of the
    image names it: ``3.11.2 /usr/local/bin/python3``."""

    @property
    def is_musl(self) -> bool:
        """Whether it is Alpine's kind, for which neither conda nor our own Python is made."""
        return self.libc == MUSL


WITHOUT_PYTHON = (
    "Add python=3.11 to a conda file (spec.condaFile, with what pip installs under pip:), which "
    "brings it; or name an image that has it in spec.baseImage, such as python:3.11-slim."
)
MUSL = "musl"  # any C library but glibc
_PATH = re.compile(r"/[A-Za-z0-9._/-]{1,200}")


def front_of(base: BasePython | None) -> str:
    """The base image's own Python, where the server can run on it beside an environment that brings
    another one; empty where it cannot."""
    if base is None or _minor(base.version) < OLDEST_FRONT_PYTHON or not _PATH.fullmatch(base.path):
        return ""
    return f"{base.version} {base.path}"


def wants_conda(recipe: EnvironmentRecipe, python: BasePython | None) -> bool:
    """Whether the environment comes from conda's channels.

    A file whose only conda packages are python and pip is for the base image's Python, where that
    is what is asked for.
    """
    if recipe.conda is None:
        return False
    names = {read_match_spec(package.text).name for package in recipe.conda.packages}
    if names - {"python", "pip"}:
        return True
    if recipe.python is None:  # the file leaves it open, or says it as only conda reads it
        return python is None or _as_conda_reads_it(recipe.conda)
    return python is None or not satisfies(recipe.python, python.version)


def _as_conda_reads_it(conda: CondaRecipe) -> bool:
    specs = (read_match_spec(package.text) for package in conda.packages)
    return any(spec.name == "python" and spec.rest.strip(" =*") for spec in specs)


def usable_python(recipe: EnvironmentRecipe, python: BasePython | None) -> BasePython | Finding:
    """Return the base image's Python, or why the packages of ``recipe`` cannot go on it."""
    image, oldest = recipe.base_image, ".".join(map(str, OLDEST_PYTHON))
    if python is None:
        message = f"The base image {image} has no python3."
        return _finding(Reason.PYTHON_UNAVAILABLE, message, WITHOUT_PYTHON)
    if _minor(python.version) < OLDEST_PYTHON:
        has = f"The base image {image} has Python {python.version}: too old,"
        remedy = "Name another in spec.baseImage, such as python:3.11-slim."
        message = f"{has} scripts are run on Python {oldest} or newer."
        return _finding(Reason.PYTHON_UNSUPPORTED, message, remedy)
    if python.is_musl and _minor(python.version) < OLDEST_FRONT_PYTHON:
        return _too_old_for_musl(image, python.version)
    if recipe.python and not satisfies(recipe.python, python.version):
        return _another(recipe, recipe.python, python.version)
    if not python.makes_environments:
        message = f"python3 of the base image {image} cannot make environments (no venv)."
        remedy = "Add to spec.dockerFile: RUN apt-get update && apt-get install -y python3-venv"
        return _finding(Reason.PYTHON_UNAVAILABLE, message, remedy)
    return python


def _too_old_for_musl(image: str, has: str) -> Finding:
    """The Python that the server brings along elsewhere needs glibc."""
    needed, mine = (".".join(map(str, version)) for version in (OLDEST_FRONT_PYTHON, _minor(has)))
    message = f"The base image {image} has Python {has} and no glibc; there the scoring server "
    remedy = f"Name an image in spec.baseImage that has it, such as python:{needed}-alpine, or one "
    return _finding(
        Reason.PYTHON_UNSUPPORTED,
        f"{message}needs Python {needed} or newer.",
        f"{remedy}with glibc, such as python:{mine}-slim.",
    )


def _another(recipe: EnvironmentRecipe, asked: str, has: str) -> Finding:
    place = f"{recipe.file}:{recipe.python_line}"
    message = f"{place} asks for Python {asked}; the base image {recipe.base_image} has {has}."
    other = f"spec.baseImage: {official_image(asked)}"
    mine = ".".join(map(str, _minor(has)))
    remedy = f"Name a base image that has it, such as {other}, or ask for python={mine}."
    return _finding(Reason.PYTHON_UNAVAILABLE, message, remedy, place)


def _minor(version: str) -> tuple[int, int]:
    major, minor = version.split(".")[:2]
    return int(major), int(minor)


def _finding(reason: Reason, message: str, remedy: str, location: str | None = None) -> Finding:
    return Finding(reason, FailureClass.USER, message, remedy, location)
