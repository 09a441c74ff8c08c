"""Conda files in the forms that people have, each read and solved against a channel of the tests.

The first line of each says what it is: conda's packages, pip's, and the channels, in their order.
"""

from pathlib import Path

import pytest

from fairlead.inputs import conda
from fairlead.inputs.conda import read_conda
from fairlead.inputs.environment import Environment, read_environment
from fairlead.inputs.match_spec import read_match_spec
from tests.unit.inputs.solving import channel_in, check_solved

FILES = sorted((Path(__file__).parent / "conda_files").glob("*.yml"))


@pytest.fixture(scope="module")
def channel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return channel_in(tmp_path_factory.mktemp("channel"))


@pytest.fixture(autouse=True)
def _any_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which Pythons there is a server for is another matter."""
    monkeypatch.setattr(conda, "too_old", lambda _: False)


def read(file: Path) -> Environment:
    found = read_environment(file.read_bytes(), file.name, read_conda)
    assert isinstance(found, Environment), found
    assert found.conda
    return found


def test_there_are_enough_of_them() -> None:
    assert len(FILES) >= 40


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_file_is_read_as_what_it_is(file: Path) -> None:
    first = file.read_text("utf-8-sig").split("\n", 1)[0]
    packages, pip, channels = (part.split() for part in first.removeprefix("# is:").split("|"))
    found = read(file)
    assert found.conda
    asked = [read_match_spec(package.text).name for package in found.conda.packages]
    expected = [package.partition("=")[0] for package in packages]
    assert sorted(asked) == sorted(expected)
    python = next((p.partition("=")[2] for p in packages if p.startswith("python=")), None)
    assert (found.python or "").split(",")[-1:] == [(python or "").split(",")[0]] or (
        found.python == python
    )
    assert [r.text.split("==")[0].split("[")[0].split(";")[0] for r in found.requirements] == pip
    assert [one.text for one in found.conda.channels] == channels


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_what_a_file_asks_for_is_solved(file: Path, channel: Path) -> None:
    found = read(file)
    assert found.conda
    check_solved(found.conda, channel)


def test_the_variables_of_a_file_are_text() -> None:
    file = next(file for file in FILES if file.stem == "variables")
    assert read(file).variables == {
        "MODEL_NAME": "credit",
        "THREADS": "4",
        "QUIET": "true",
        "EMPTY": "",
    }
