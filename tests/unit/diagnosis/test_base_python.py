"""What is said of the base image's Python."""

import pytest

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.contract import EnvironmentRecipe
from fairlead.diagnosis.build.base_python import (
    MUSL,
    BasePython,
    front_of,
    usable_python,
    wants_conda,
)
from fairlead.engines.python_probe import told_python
from fairlead.finding import Finding
from fairlead.inputs.python_version import (
    minor_version,
    official_image,
    python_of_image,
    satisfies,
)
from fairlead.requirement import CondaRecipe, Requirement

PYTHON = BasePython("3.11.2", makes_environments=True)


def recipe(python: str | None = None) -> EnvironmentRecipe:
    return EnvironmentRecipe(
        base_image="python:3.11-slim", python=python, python_line=4, file="myenv.yml"
    )


@pytest.mark.parametrize("asked", [None, "3", "3.11", "3.11.2", ">=3.8", "<3.13,>=3.10"])
def test_a_python_that_is_what_was_asked_for(asked: str | None) -> None:
    assert usable_python(recipe(asked), PYTHON) == PYTHON


@pytest.mark.parametrize(
    ("asked", "image"),
    [
        ("3.12", "python:3.12-slim"),
        ("3.11.4", "python:3.11.4-slim"),
        (">=3.12", "python:3.12-slim"),
        ("<3.11,>=3.9", "python:3.10-slim"),
        ("3.1", "python:3.1-slim"),
    ],
)
def test_another_python_is_told_with_an_image_that_has_it(asked: str, image: str) -> None:
    assert usable_python(recipe(asked), PYTHON) == Finding(
        reason=Reason.PYTHON_UNAVAILABLE,
        class_=FailureClass.USER,
        message=f"myenv.yml:4 asks for Python {asked}; the base image python:3.11-slim has 3.11.2.",
        remedy=f"Name a base image that has it, such as spec.baseImage: {image}, or ask for "
        "python=3.11.",
        location="myenv.yml:4",
    )


def test_alpine_is_built_upon_where_its_own_python_runs_the_server() -> None:
    alpine = BasePython("3.11.2", makes_environments=True, libc=MUSL)
    assert usable_python(recipe("3.11"), alpine) == alpine
    older = BasePython("3.10.4", makes_environments=True, libc=MUSL)
    assert usable_python(recipe("3.10"), older) == Finding(
        reason=Reason.PYTHON_UNSUPPORTED,
        class_=FailureClass.USER,
        message="The base image python:3.11-slim has Python 3.10.4 and no glibc; there the scoring "
        "server needs Python 3.11 or newer.",
        remedy="Name an image in spec.baseImage that has it, such as python:3.11-alpine, or one "
        "with glibc, such as python:3.10-slim.",
        location=None,
    )


@pytest.mark.parametrize(
    ("said", "libc"),
    [
        ("3.12.1 True  at /usr/bin/python3", MUSL),
        ("3.12.1 True None at /usr/bin/python3", MUSL),
        ("3.12.1 True glibc 2.36 at /usr/bin/python3", "glibc 2.36"),
    ],
)
def test_what_has_no_glibc_is_told_by_its_python(said: str, libc: str) -> None:
    found = told_python([said])
    assert found == BasePython(
        "3.12.1", makes_environments=True, libc=libc, path="/usr/bin/python3"
    )


@pytest.mark.parametrize(
    ("python", "reason", "message"),
    [
        (None, Reason.PYTHON_UNAVAILABLE, "The base image python:3.11-slim has no python3."),
        (
            BasePython("3.5.2", makes_environments=True),
            Reason.PYTHON_UNSUPPORTED,
            "The base image python:3.11-slim has Python 3.5.2: too old, scripts are run on Python "
            "3.6 or newer.",
        ),
        (
            BasePython("3.11.2", makes_environments=False),
            Reason.PYTHON_UNAVAILABLE,
            "python3 of the base image python:3.11-slim cannot make environments (no venv).",
        ),
    ],
)
def test_a_base_image_that_cannot_be_built_upon(
    python: BasePython | None, reason: Reason, message: str
) -> None:
    finding = usable_python(recipe(), python)
    assert isinstance(finding, Finding)
    assert (finding.reason, finding.message) == (reason, message)
    assert finding.remedy


@pytest.mark.parametrize(
    ("asked", "version", "fits"),
    [
        ("3.1", "3.11.2", False),
        ("3.11", "3.11.0", True),
        ("3.11", "3.11.0rc1", True),
        ("!=3.11.2", "3.11.2", False),
    ],
)
def test_digits_stand_for_a_release_and_all_below_it(
    asked: str, version: str, *, fits: bool
) -> None:
    assert satisfies(asked, version) is fits


def test_one_minor_version_is_known_only_where_one_is_asked_for() -> None:
    asked = ("3.11", "3.11.4", "3", ">=3.11", None)
    assert [minor_version(python) for python in asked] == [(3, 11), (3, 11), None, None, None]


def test_some_images_say_their_python_in_their_name() -> None:
    images = ("python:3.12-slim", "localhost:5000/fairlead/python:3.11", "python:3", "team/a:3.12")
    assert [python_of_image(image) for image in images] == [(3, 12), (3, 11), None, None]


def test_an_official_image_is_found_for_whatever_is_asked() -> None:
    assert [official_image(asked) for asked in ("3", "~=3.12", "<3", ">=3.8")] == [
        "python:3-slim",
        "python:3.12-slim",
        "python:3.11-slim",
        "python:3.10-slim",
    ]


def conda_recipe(*packages: str, python: str | None = None) -> EnvironmentRecipe:
    asked = tuple(Requirement(text=text, line=3) for text in packages)
    conda = CondaRecipe(channels=(), packages=asked)
    return recipe(python).model_copy(update={"conda": conda})


@pytest.mark.parametrize(
    ("packages", "python", "wanted"),
    [
        ((), None, False),
        (("python=3.11", "pip"), "3.11", False),
        (("python", "pip=20"), None, False),
        (("python=3.*",), "3", False),
        (("python=3.8",), "3.8", True),
        (("python 3.7.*|3.8.*",), None, True),
        (("python=3.11", "numpy"), "3.11", True),
        (("numpy",), None, True),
    ],
)
def test_what_only_pip_has_to_do_is_left_to_the_base_images_python(
    packages: tuple[str, ...],
    python: str | None,
    wanted: bool,  # noqa: FBT001
) -> None:
    assert wants_conda(conda_recipe(*packages, python=python), PYTHON) is wanted


def test_a_base_image_without_python_gets_one_where_the_file_is_condas() -> None:
    assert wants_conda(conda_recipe(), None)
    assert not wants_conda(recipe("3.12"), None)


@pytest.mark.parametrize(
    ("version", "path", "front"),
    [
        ("3.11.2", "/usr/local/bin/python3", "3.11.2 /usr/local/bin/python3"),
        ("3.14.0", "/usr/bin/python3", "3.14.0 /usr/bin/python3"),
        ("3.10.13", "/usr/bin/python3", ""),
        ("3.11.2", "", ""),
        ("3.11.2", "bin/python3", ""),
        ("3.11.2", '/usr/bin/python" USER="0', ""),
        ("3.11.2", "/" + "x" * 300, ""),
    ],
)
def test_the_server_can_run_on_the_base_images_python(version: str, path: str, front: str) -> None:
    base = BasePython(version, makes_environments=False, path=path)
    assert front_of(base) == front


def test_a_base_image_without_python_has_none_for_the_server() -> None:
    assert front_of(None) == ""
