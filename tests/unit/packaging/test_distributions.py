"""What both distributions say of themselves, and what is in their wheels."""

import re
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder
from packaging.specifiers import SpecifierSet

import fairlead_scoring
from tests.unit.packaging.project import CHECKOUT, DISTRIBUTIONS, pyproject

VERSION = fairlead_scoring.__version__
DEBIAN_12 = "3.11.2"
every_distribution = pytest.mark.parametrize("name", DISTRIBUTIONS)


@pytest.fixture(scope="module", params=DISTRIBUTIONS)
def wheel(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from the checkout, without network: the build backend is in the lock."""
    folder = tmp_path_factory.mktemp("wheel")
    builder = WheelBuilder(str(DISTRIBUTIONS[request.param]))
    return Path(next(builder.build(directory=str(folder), versions=["standard"])))


def test_a_wheel_has_the_version_its_types_and_nothing_of_the_other(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    package = wheel.name.partition("-")[0]
    assert wheel.name == f"{package}-{VERSION}-py3-none-any.whl"
    assert f"{package}/py.typed" in names
    assert {name.partition("/")[0] for name in names} == {package, f"{package}-{VERSION}.dist-info"}


@every_distribution
def test_the_version_stands_in_one_place(name: str) -> None:
    project = pyproject(DISTRIBUTIONS[name])
    source = DISTRIBUTIONS[name] / project["tool"]["hatch"]["version"]["path"]
    assert "version" not in project["project"]
    assert source.samefile(fairlead_scoring.__file__)
    assert metadata.version(name) == VERSION, "run `make setup`"


def test_documents_speak_of_this_version() -> None:
    """Wherever a document names a version of ours, it is this one."""
    documents = [*CHECKOUT.glob("*.md"), *CHECKOUT.glob("docs/**/*.md")]
    ours = re.compile(r"\bfairlead(?:-scoring|_scoring)?[-=/:@ v]+(\d+\.\d+\.\d+)")
    said = {number for path in documents for number in ours.findall(path.read_text())}
    assert said <= {VERSION}


def test_the_changelog_begins_with_what_is_unreleased_or_with_this_version() -> None:
    heads = re.findall(r"^## (\S+)", (CHECKOUT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert heads[0] in ("Unreleased", f"[{VERSION}]")


def test_the_policy_names_the_series_that_gets_fixes() -> None:
    series = VERSION.rpartition(".")[0]
    assert f"| {series}.x | yes |" in (CHECKOUT / "SECURITY.md").read_text()


@every_distribution
def test_the_python_of_debian_12_is_enough(name: str) -> None:
    assert DEBIAN_12 in SpecifierSet(pyproject(DISTRIBUTIONS[name])["project"]["requires-python"])


def test_the_operator_needs_no_newer_python_than_it_says() -> None:
    command = [str(Path(sys.executable).with_name("vermin")), "--no-tips", "--violations"]
    found = subprocess.run(
        [*command, "--no-parse-comments", "-t=3.11-", str(CHECKOUT / "operator" / "fairlead")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stdout
