"""The base image's Python: is there one, is it what the file asks for, can it be built upon?"""

from dataclasses import dataclass

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.contract import EnvironmentRecipe
from fairlead.finding import Finding
from fairlead.inputs.python_version import OLDEST_PYTHON, official_image, satisfies


@dataclass(frozen=True)
class BasePython:
    """The Python that packages are installed for. ``version``: ``3.11.2``."""

    version: str
    makes_environments: bool
    """Whether ``python3 -m venv`` works; Debian has that in a package of its own."""


def usable_python(recipe: EnvironmentRecipe, python: BasePython | None) -> BasePython | Finding:
    """Return the base image's Python, or why the packages of ``recipe`` cannot go on it."""
    image, oldest = recipe.base_image, ".".join(map(str, OLDEST_PYTHON))
    if python is None:
        message = f"The base image {image} has no python3."
        remedy = "Install it in spec.dockerFile, or name an image that has it in spec.baseImage, "
        return _finding(Reason.PYTHON_UNAVAILABLE, message, f"{remedy}such as python:3.11-slim.")
    if _minor(python.version) < OLDEST_PYTHON:
        message = f"The base image {image} has Python {python.version}, and Fairlead's server needs"
        remedy = "Name another in spec.baseImage, such as python:3.11-slim."
        return _finding(Reason.PYTHON_UNSUPPORTED, f"{message} {oldest} or newer.", remedy)
    if recipe.python and not satisfies(recipe.python, python.version):
        return _another(recipe, recipe.python, python.version)
    if not python.makes_environments:
        message = f"python3 of the base image {image} cannot make environments (no venv)."
        remedy = "Add to spec.dockerFile: RUN apt-get update && apt-get install -y python3-venv"
        return _finding(Reason.PYTHON_UNAVAILABLE, message, remedy)
    return python


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
