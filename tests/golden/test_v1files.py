"""Azure ML v1's files in the forms that people have them, and what each becomes, compared whole.

A form is a command, the files that it reads, and the result. To accept a change that is meant:
``UPDATE_GOLDEN=1 pytest tests/golden``, then read the diff.
"""

import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

from fairlead.api.inferenceimage import InferenceImageSpec
from fairlead.api.model import ModelSpec
from fairlead.api.webservice import WebserviceSpec
from fairlead.v1files.conversion import Converted, convert
from fairlead.v1files.emit import as_files, as_text, objects
from tests.unit.v1files.memory_tree import MemoryTree

FORMS = sorted((Path(__file__).parent / "v1files").glob("*.txt"))
RESULT = "result"
SPECS: dict[str, type[BaseModel]] = {
    "Model": ModelSpec,
    "InferenceImage": InferenceImageSpec,
    "Webservice": WebserviceSpec,
}
SECRETS = ("hunter2", "c2VjcmV0", "AKIAIOSFODNN7EXAMPLE")
"""Stand in the forms as passwords and keys."""


def sections(text: str) -> tuple[str, dict[str, str]]:
    command, *parts = re.split(r"^@@ (.+)\n", text, flags=re.MULTILINE)
    return command.strip().removeprefix("$ fairlead import "), dict(
        zip(parts[::2], parts[1::2], strict=True)
    )


def told(converted: Converted) -> str:
    lines = [f"{one.place}: {one.message}. {one.remedy}\n" for one in converted.notes.all()]
    return as_text(objects(converted)) + "".join(f"# {line}" for line in lines)


def converted_of(form: Path) -> tuple[Converted, dict[str, str]]:
    command, files = sections(form.read_text())
    given = {name: text for name, text in files.items() if name != RESULT}
    return convert(shlex.split(command), MemoryTree(given)), files


def specs(converted: Converted) -> Iterator[tuple[str, object]]:
    for one in converted.manifests:
        yield one["kind"], SPECS[one["kind"]].model_validate(one["spec"])


def test_there_are_enough_of_them() -> None:
    assert len(FORMS) >= 30


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.stem)
def test_a_form_becomes_what_the_file_says(form: Path) -> None:
    converted, files = converted_of(form)
    result = told(converted)
    if os.environ.get("UPDATE_GOLDEN"):
        text = form.read_text().partition(f"@@ {RESULT}\n")[0]
        form.write_text(f"{text}@@ {RESULT}\n{result}")
    else:
        assert result == files[RESULT]


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.stem)
def test_what_comes_out_is_what_our_types_take(form: Path) -> None:
    converted, _ = converted_of(form)
    made = [kind for kind, _ in specs(converted)]
    assert bool(converted.notes.problems) == (not made)
    if made:
        assert made[-2:] == ["InferenceImage", "Webservice"]


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.stem)
def test_no_key_comes_out(form: Path) -> None:
    converted, _ = converted_of(form)
    written = b"".join(as_files(converted, "out").values()).decode(errors="replace")
    for secret in SECRETS:
        assert secret not in told(converted)
        assert secret not in written


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.stem)
def test_the_folder_holds_the_same_objects_as_the_text(form: Path) -> None:
    converted, _ = converted_of(form)
    if converted.notes.problems:
        return
    files = as_files(converted, "out")
    kustomization = yaml.safe_load(files["kustomization.yaml"])
    found = [one for name in kustomization["resources"] for one in yaml.safe_load_all(files[name])]
    assert found == list(converted.manifests)
    for generated in kustomization.get("configMapGenerator", ()):
        names = {path.rpartition("/")[2]: files[path] for path in generated["files"]}
        assert names == converted.config_maps[generated["name"]]
