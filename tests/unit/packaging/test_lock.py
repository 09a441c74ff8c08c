"""``requirements.lock`` is what both distributions ask for: nothing missing, nothing left over.

The lock is compared with what is declared and, from there, with what the installed distributions
ask for. So no network is needed, and only pins for this platform and this Python are seen.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.unit.packaging.project import CHECKOUT, DISTRIBUTIONS, pyproject

LOCK = CHECKOUT / "requirements.lock"
IMAGE = CHECKOUT / "operator/image"
PROJECT = pyproject(CHECKOUT)["project"]
STALE = "requirements.lock is stale: run `make lock`"
BUILD = ("hatchling", "editables")  # what `make setup` builds with, without isolation


@dataclass(frozen=True)
class Pin:
    name: str
    version: str
    hashes: int


def pins(text: str) -> Iterator[Pin]:
    """The pins that count here; markers of other platforms and Pythons are left out."""
    for entry in re.split(r"\n(?=\S)", text):
        head, *hashes = entry.split("--hash=sha256:")
        requirement, _, marker = head.rstrip(" \\\n").partition(" ; ")
        if requirement.startswith("#") or (marker and not Marker(marker).evaluate()):
            continue
        name, _, version = requirement.partition("==")
        yield Pin(canonicalize_name(name), version, len(hashes))


def declared(project: Mapping[str, Any]) -> Iterator[str]:
    """Everything that one ``pyproject.toml`` asks for: to run, optionally, and to develop."""
    yield from project["project"]["dependencies"]
    yield from project["build-system"]["requires"]
    for group in project["project"].get("optional-dependencies", {}).values():
        yield from group
    for group in project.get("dependency-groups", {}).values():
        yield from (requirement for requirement in group if isinstance(requirement, str))


def children(parent: Requirement) -> Iterator[Requirement]:
    """What an installed distribution asks for itself."""
    yield from _that_apply(metadata.requires(parent.name) or (), parent.extras or {""})


def _that_apply(lines: Iterable[str], extras: Iterable[str]) -> Iterator[Requirement]:
    """The requirements whose marker holds here, without their marker."""
    for requirement in map(Requirement, lines):
        marker, requirement.marker = requirement.marker, None
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in extras):
            yield requirement


def differences(wanted: Iterable[str], locked: Mapping[str, Pin]) -> list[str]:
    """What is not as ``wanted``: missing, of another version, or asked for by nobody."""
    todo = [*_that_apply(wanted, [""])]
    found, seen, reached = set[str](), set[str](), set[str]()
    while todo:
        requirement = todo.pop()
        pin = locked.get(canonicalize_name(requirement.name))
        reached.add(canonicalize_name(requirement.name))
        if pin is None:
            found.add(f"{requirement} is not in it")
        elif not requirement.specifier.contains(pin.version, prereleases=True):
            found.add(f"{requirement} is wanted, {pin.version} is in it")
        elif str(requirement) not in seen:
            todo += children(requirement)
        seen.add(str(requirement))
    return sorted(found | {f"nobody asks for {name}" for name in locked.keys() - reached})


@pytest.fixture
def locked() -> dict[str, Pin]:
    return {pin.name: pin for pin in pins(LOCK.read_text())}


@pytest.fixture
def wanted() -> list[str]:
    return [*BUILD, *(line for f in DISTRIBUTIONS.values() for line in declared(pyproject(f)))]


def test_it_is_what_both_distributions_ask_for(wanted: list[str], locked: dict[str, Pin]) -> None:
    assert differences(wanted, locked) == [], STALE


def test_what_is_installed_is_what_is_locked(locked: dict[str, Pin]) -> None:
    installed = {name: metadata.version(name) for name in locked}
    assert installed == {name: pin.version for name, pin in locked.items()}, "run `make setup`"


def test_every_pin_has_hashes(locked: dict[str, Pin]) -> None:
    assert [pin.name for pin in locked.values() if not pin.hashes] == []


def test_it_tells_nobody_from_which_index_it_was_made() -> None:
    assert "://" not in LOCK.read_text()


@pytest.mark.parametrize(
    ("part", "asked"),
    [
        ("operator", [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["operator"]]),
        ("runtime", pyproject(DISTRIBUTIONS["fairlead-scoring"])["project"]["dependencies"]),
        ("tasks", PROJECT["optional-dependencies"]["tasks"]),
        ("build", []),
    ],
)
def test_the_operators_image_is_made_from_the_same_pins(
    part: str, asked: list[str], locked: dict[str, Pin]
) -> None:
    own = {pin.name: pin for pin in pins((IMAGE / f"{part}.lock").read_text())}
    assert differences(asked or ["hatchling"], own) == [], STALE
    assert {n: (p.version, p.hashes) for n, p in own.items()} == {
        name: (locked[name].version, locked[name].hashes) for name in own
    }
    assert "://" not in (IMAGE / f"{part}.lock").read_text()


@pytest.mark.parametrize(
    ("requirement", "difference"),
    [
        ("a-new-one>=1", "a-new-one>=1 is not in it"),
        ("pyyaml>=7000", "pyyaml>=7000 is wanted, "),
        ("docker[a-new-extra]; python_version < '3'", None),
    ],
)
def test_a_requirement_that_is_not_locked_is_seen(
    requirement: str, difference: str | None, wanted: list[str], locked: dict[str, Pin]
) -> None:
    found = differences([*wanted, requirement], locked)
    assert [line.startswith(difference or "") for line in found] == ([True] if difference else [])


def test_a_pin_that_nobody_asks_for_is_seen(wanted: list[str], locked: dict[str, Pin]) -> None:
    without = [line for line in wanted if not line.startswith("docker")]
    assert "nobody asks for docker" in differences(without, locked)


def test_no_other_lock_lies_beside_it() -> None:
    others = ("uv.lock", "poetry.lock", "Pipfile.lock", "pylock.toml")
    folders = {LOCK.parent, *DISTRIBUTIONS.values()}
    assert [Path(f, name) for f in folders for name in others if Path(f, name).exists()] == []
