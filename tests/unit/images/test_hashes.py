"""Hashes: every content counts, and nothing but content does."""

import random
from collections.abc import Callable
from typing import Any

import pytest

from fairlead.api.model import ConfigMapSource, ModelSource, ModelSpec
from fairlead.contract import EnvironmentRecipe, ModelLayer
from fairlead.images import hashes
from fairlead.images.hashes import (
    code_hash,
    environment_hash,
    file_digests,
    folder_digest,
    image_hash,
    ingest_key,
)
from fairlead.registry.oci import Platform
from fairlead.requirement import CondaRecipe, Requirement

BASE = "sha256:" + 64 * "b"
RECIPE = EnvironmentRecipe(
    base_image="python:3.11-slim",
    python="3.11",
    python_line=3,
    requirements=(Requirement(text="numpy==2.0", line=5), Requirement(text="flask", line=6)),
    file="myenv.yml",
    steps="RUN apt-get update\nENV A=1\n",
    steps_file="Dockerfile.steps",
)
LAYER = ModelLayer(
    repository="localhost:5000/a/fairlead/models/m",
    layer="sha256:" + 64 * "c",
    size=10,
    model_name="m",
    version=1,
    path="m.pkl",
)
OTHER = LAYER.model_copy(update={"model_name": "n", "layer": "sha256:" + 64 * "d"})


@pytest.mark.parametrize(
    "changed",
    [
        {"base_image": "python@sha256:1"},
        {"python_line": 9},
        {"file": "other.yml"},
        {"steps_file": "Dockerfile"},
        {
            "requirements": (
                Requirement(text="numpy==2.0 ", line=1),
                Requirement(text="flask", line=2),
            )
        },
        {"steps": "RUN apt-get update  \r\nENV A=1\n\n\n"},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_names_lines_and_blanks_make_no_new_environment(changed: dict[str, Any]) -> None:
    recipe = RECIPE.model_copy(update=changed)
    assert environment_hash(recipe, BASE) == environment_hash(RECIPE, BASE)


@pytest.mark.parametrize(
    "changed",
    [
        {"python": "3.12"},
        {"python": None},
        {"steps": "RUN apt-get update\nENV A=2\n"},
        {"steps": ""},
        {"steps": "ENV A=1\nRUN apt-get update\n"},
        {"requirements": RECIPE.requirements[::-1]},
        {"requirements": RECIPE.requirements[:1]},
        {"requirements": (Requirement(text="numpy==2.1", line=5), RECIPE.requirements[1])},
    ],
    ids=str,
)
def test_each_content_makes_another_environment(changed: dict[str, Any]) -> None:
    recipe = RECIPE.model_copy(update=changed)
    assert environment_hash(recipe, BASE) != environment_hash(RECIPE, BASE)


def test_a_copied_file_that_may_be_run_makes_another_environment() -> None:
    recipe = changed(RECIPE, copied={"tool": "a" * 64})
    program = changed(recipe, programs=("tool",))
    assert environment_hash(program, BASE) != environment_hash(recipe, BASE)


def test_another_base_digest_makes_another_environment() -> None:
    assert environment_hash(RECIPE, BASE) != environment_hash(RECIPE, "sha256:" + 64 * "e")


def test_the_order_of_files_models_and_variables_changes_no_hash() -> None:
    chance = random.Random(3)
    files = {f"f{i}.py": chance.randbytes(20) for i in range(20)}
    variables = {f"V{i}": str(i) for i in range(20)}
    source = {code(shuffled(files, chance), "f1.py") for _ in range(20)}
    folder = {folder_digest(shuffled(dict.fromkeys(files, BASE), chance)) for _ in range(20)}
    image = {
        image_hash("e", chance.sample([LAYER, OTHER], 2), "c", shuffled(variables, chance))
        for _ in range(20)
    }
    assert (len(source), len(folder), len(image)) == (1, 1, 1)


def test_each_change_of_a_file_changes_the_code() -> None:
    files = {"score.py": b"x", "a/b.txt": b"y"}
    made = [
        code(files, "score.py"),
        code(files, "a.py"),
        code({**files, "score.py": b"z"}, "score.py"),
        code({"score.py": b"x", "a/c.txt": b"y"}, "score.py"),
        code({**files, "c": b""}, "score.py"),
        code({"score.py": b"y", "a/b.txt": b"x"}, "score.py"),
    ]
    assert len(set(made)) == len(made)


@pytest.mark.parametrize(
    "change",
    [
        lambda m: image_hash("f", [m, OTHER], "c", {"A": "1"}),
        lambda m: image_hash("e", [m], "c", {"A": "1"}),
        lambda m: image_hash("e", [m, OTHER], "d", {"A": "1"}),
        lambda m: image_hash("e", [m, OTHER], "c", {"A": "2"}),
        lambda m: image_hash("e", [m, OTHER], "c", {}),
        lambda m: image_hash("e", [m, OTHER], "c", {"A": "1"}, debugger=True),
        lambda m: image_hash("e", [changed(m, layer="sha256:0"), OTHER], "c", {"A": "1"}),
        lambda m: image_hash("e", [changed(m, version=2), OTHER], "c", {"A": "1"}),
        lambda m: image_hash("e", [changed(m, model_name="o"), OTHER], "c", {"A": "1"}),
        lambda m: image_hash("e", [changed(m, path="o.pkl"), OTHER], "c", {"A": "1"}),
    ],
)
def test_each_part_of_an_image_counts(change: Callable[[ModelLayer], str]) -> None:
    assert change(LAYER) != image_hash("e", [LAYER, OTHER], "c", {"A": "1"})


def test_where_a_model_is_stored_counts_for_nothing() -> None:
    moved = changed(LAYER, repository="elsewhere/m", size=11)
    assert image_hash("e", [moved], "c", {}) == image_hash("e", [LAYER], "c", {})


def test_only_what_would_be_fetched_makes_an_ingest_necessary() -> None:
    spec = ModelSpec(source=ModelSource(config_map=ConfigMapSource(name="a")))
    described = ModelSpec(
        source=ModelSource(config_map=ConfigMapSource(name="b")), tags={"t": "1"}, description="d"
    )
    files = {"m.pkl": b"1"}
    key = ingest(spec, "m", files)
    assert key == ingest(described, "m", files)
    others = [
        ingest(spec, "n", files),
        ingest(spec, "m", {"m.pkl": b"2"}),
        ingest(spec, "m", {"n.pkl": b"1"}),
        ingest(changed(spec, unpack=True), "m", files),
        ingest(changed(spec, digest=BASE), "m", files),
        ingest(ModelSpec(source=ModelSource(uri="https://h/m")), "m", None),
    ]
    assert len({key, *others}) == len(others) + 1


def test_two_kinds_of_hashes_never_meet() -> None:
    assert folder_digest({}).removeprefix("sha256:") != code({}, "")


def test_a_hash_stays_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever changes one of these rebuilds every user's images: only on purpose."""
    monkeypatch.setattr(hashes, "PLATFORM", Platform(os="linux", architecture="amd64"))
    assert environment_hash(RECIPE, BASE) == ENVIRONMENT
    assert code({"score.py": b"x"}, "score.py") == CODE
    assert image_hash("e", [LAYER], "c", {"A": "1"}) == IMAGE
    assert folder_digest({"a": BASE}) == FOLDER


def code(files: dict[str, bytes], script: str) -> str:
    return code_hash(file_digests(files), script)


def ingest(spec: ModelSpec, name: str, files: dict[str, bytes] | None) -> str:
    return ingest_key(spec, name, file_digests(files or {}))


def changed(value: Any, **update: object) -> Any:
    return value.model_copy(update=update)


def shuffled(content: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    return dict(chance.sample(list(content.items()), len(content)))


ENVIRONMENT = "3e2868829f24c0785f1102502d1105ce52b631d24966c96160251db751a3107a"
CODE = "9e7830f26ae4c0d4045e9bb55054072147be949e89849d6c207c2bab98839af5"
IMAGE = "76b6220930b6dae3d0873a0cd19ed527ad292e32df31d8bba90c4015e13ddbb3"
FOLDER = "sha256:97fef211610efe512c22b6197f23ded2296fcac2ebc1c6b43fb0a79eb679f319"


def conda(channels: tuple[str, ...], *packages: str) -> EnvironmentRecipe:
    found = CondaRecipe(
        channels=tuple(Requirement(text=text, line=1) for text in channels),
        packages=tuple(Requirement(text=text, line=2) for text in packages),
    )
    return RECIPE.model_copy(update={"conda": found})


def test_a_conda_file_that_asks_conda_for_nothing_is_what_the_same_list_is() -> None:
    assert environment_hash(conda(("conda-forge",)), BASE) == environment_hash(RECIPE, BASE)


def test_channels_and_specs_make_an_environment_in_their_order() -> None:
    recipes = [
        RECIPE,
        conda(("conda-forge",), "numpy", "scipy"),
        conda(("conda-forge",), "scipy", "numpy"),
        conda(("pytorch", "conda-forge"), "numpy", "scipy"),
        conda(("conda-forge", "pytorch"), "numpy", "scipy"),
    ]
    assert len({environment_hash(recipe, BASE) for recipe in recipes}) == len(recipes)


def test_what_conda_is_told_counts_and_how_a_channel_is_written_does_not() -> None:
    def hashed(channel: str, cuda: str = "") -> str:
        channels = (Requirement(text=channel, line=1),)
        packages = (Requirement(text="numpy", line=2),)
        conda = CondaRecipe(channels=channels, packages=packages, cuda=cuda)
        return environment_hash(RECIPE.model_copy(update={"conda": conda}), BASE)

    plain = hashed("https://conda.example.com/main")
    assert hashed("https://conda.example.com/main/") == plain
    assert hashed("https://conda.example.com/main", "12.4") != plain
