"""What the API server's rules refuse is refused again where objects are read."""

import re
from itertools import product
from typing import Any

import pytest

from fairlead.api.crd import definition
from fairlead.api.fields import folder_and_file
from fairlead.api.inferenceimage import InferenceImageStatus
from fairlead.api.meta import INFERENCE_IMAGE, MODEL, Kind
from fairlead.api.objects import read_image, read_model
from fairlead.errors import StalledError
from fairlead.registry.reference import parse_reference, parse_repository
from tests.unit.objects import body


def inline(*names: str) -> dict[str, Any]:
    files = dict.fromkeys(("score.py", *names), "")
    return {"source": {"inline": {"files": files}}, "entryScript": "score.py"}


def sourced(**spec: Any) -> dict[str, Any]:
    return {"source": {"configMap": {"name": "a"}}, "entryScript": "score.py", **spec}


def told(kind: Kind, spec: dict[str, Any], status: dict[str, Any] | None = None) -> str:
    read = {MODEL: read_model, INFERENCE_IMAGE: read_image}[kind]
    with pytest.raises(StalledError) as refusal:
        read(body(kind, spec, status))
    assert refusal.value.reason == "InvalidSpec"
    return str(refusal.value)


@pytest.mark.parametrize(
    "name",
    ["../../../x.py", "/etc/x.py", "a/../b", "a/./b", "..", ".", "a//b", "a/", "a\\b", "a b", "é"],
)
def test_a_file_outside_the_source_is_refused_and_named(name: str) -> None:
    message = told(INFERENCE_IMAGE, inline(name))
    assert f"source.inline.files.{name}.[key]: Value error, must be a path inside" in message


@pytest.mark.parametrize("name", ["", "x" * 256])
def test_the_name_of_a_file_has_bounds(name: str) -> None:
    assert "source.inline.files." in told(INFERENCE_IMAGE, inline(name))


@pytest.mark.parametrize("name", ["a\nReady", "a\0b", "\u202eb"])
def test_a_name_that_cannot_be_shown_is_not(name: str) -> None:
    message = told(INFERENCE_IMAGE, inline(name))
    assert message.isprintable()
    assert "?" in message


def test_a_file_that_is_a_folder_too_is_refused_and_named() -> None:
    message = told(INFERENCE_IMAGE, inline("env", "env/conda.yml"))
    assert "env is a file and, in another key, a folder: rename one of the two" in message


@pytest.mark.parametrize(
    ("names", "both"),
    [
        (("a", "b/a", "c"), None),
        (("a/b/c", "a/b"), "a/b"),
        (("a-b/c", "a"), None),
        (("a/b/c/d", "a"), "a"),
    ],
)
def test_a_file_and_a_folder_of_one_name(names: tuple[str, ...], both: str | None) -> None:
    assert folder_and_file(names) == both


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (sourced(entryScript="../score.py"), "entryScript: Value error, must be a relative path"),
        (sourced(condaFile="/etc/passwd"), "condaFile: Value error, must be a path inside"),
        (sourced(baseImage="python\nRUN x"), "baseImage: Value error, must be an image reference"),
        (sourced(repository="host/A"), "repository: Value error, must be a registry and a"),
        (sourced(environmentVariables={"1 x": ""}), "environmentVariables.1 x.[key]: Value error"),
        (sourced(environmentVariables={"A": "b\0c"}), "must not hold a NUL character"),
        (sourced(models=[{"name": "Other/a"}]), "models.0.name: Value error, must be the name of"),
    ],
)
def test_what_an_image_may_not_ask_for(spec: dict[str, Any], words: str) -> None:
    assert words in told(INFERENCE_IMAGE, spec)


@pytest.mark.parametrize("field", ["tags", "properties"])
@pytest.mark.parametrize("key", ["", "a\nb", "x" * 257, "\x7f"])
def test_the_keys_of_tags_and_properties_can_be_shown(field: str, key: str) -> None:
    spec = {"source": {"uri": "https://models.example.com/a.pkl"}, field: {key: "x"}}
    assert f"{field}." in told(MODEL, spec)


def test_a_line_end_at_the_end_is_no_part_of_a_name() -> None:
    """``$`` of Python's ``re`` would let it pass."""
    assert "baseImage" in told(INFERENCE_IMAGE, sourced(baseImage="python:3.11\n"))


def test_a_message_of_many_problems_is_bounded() -> None:
    message = told(INFERENCE_IMAGE, inline(*(f"{'x' * 300}{number}" for number in range(50))))
    assert message.endswith("and 38 more. Correct these fields.")
    assert len(message) < 4096


HASH = "a" * 64


@pytest.mark.parametrize(
    "status",
    [
        {"environment": {"hash": "../../../../etc/"}},
        {"build": {"id": "../1-1", "hash": HASH, "phase": "Failed", "startedAt": "2026-01-01"}},
        {"imageDigest": "sha256:1"},
        {"version": 10**12},
        {"imageLocation": "x\ny:1"},
    ],
)
def test_a_status_that_somebody_edited_names_no_path_of_ours(status: dict[str, Any]) -> None:
    """Hashes and ids of status become names of folders and of tags: such a status is a lost one."""
    assert read_image(body(INFERENCE_IMAGE, sourced(), status)).status == InferenceImageStatus()


@pytest.mark.parametrize(
    "repository",
    [
        "team/credit",  # docker.io/team/credit, elsewhere
        "credit",
        "a..b/credit",
        ".com/credit",
        "-a.com/credit",
        "a.com-/credit",
        "localhost:5000",
        "localhost:5000/",
        "localhost:500000/credit",
        "localhost:5000/a..b",
        "localhost:5000/a//b",
        "localhost:5000/../b",
        "localhost:5000/-a",
        "localhost:5000/credit:1",
        "localhost:5000/credit@sha256:" + 64 * "a",
        "https://localhost:5000/credit",
        "me:secret@registry.example.com/credit",
        "registry.example.com/Credit",
        "registry.example.com/credit\n",
        "registry.example.com/" + 255 * "a",
    ],
)
def test_a_repository_that_no_registry_has_is_refused(repository: str) -> None:
    message = told(INFERENCE_IMAGE, sourced(repository=repository))
    assert "repository: " in message


@pytest.mark.parametrize(
    "repository",
    [
        "localhost/credit",
        "localhost:5000/team/credit",
        "registry:80/credit",
        "my-registry.azurecr.io/team/credit-2.0_a__b",
        "10.0.0.1:5000/credit",
    ],
)
def test_a_repository_lies_where_it_says(repository: str) -> None:
    spec = read_image(body(INFERENCE_IMAGE, sourced(repository=repository))).spec
    assert spec.repository
    assert str(parse_repository(spec.repository)) == repository


@pytest.mark.parametrize(
    "image", ["a..b/python", "python::3", "python:3:4", "python:" + 129 * "a", "a b", "x@sha256:1"]
)
def test_an_image_that_no_registry_has_is_refused(image: str) -> None:
    assert "baseImage: " in told(INFERENCE_IMAGE, sourced(baseImage=image))


def shape_of(field: str) -> re.Pattern[str]:
    """The pattern by which the API server judges a field."""
    rule = definition(INFERENCE_IMAGE)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    rule = rule["properties"]["spec"]["properties"][field]["x-kubernetes-validations"][0]["rule"]
    return re.compile(rule.removeprefix("self.matches('^").removesuffix("$')"), re.ASCII)


SHAPE = shape_of("baseImage")


def test_every_name_that_is_taken_can_be_read() -> None:
    short = ("".join(parts) for size in range(1, 7) for parts in product("a1._-/:", repeat=size))
    taken = [name for name in short if SHAPE.fullmatch(name)]
    assert len(taken) > 1000
    for name in taken:
        parse_reference(name)
