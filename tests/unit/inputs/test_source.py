"""Which files of a source are read, as what, and what is told of those that are not there."""

from collections.abc import Mapping
from typing import Any

import pytest

from fairlead.api.inferenceimage import InferenceImageSpec
from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.finding import Finding
from fairlead.inputs.environment import Environment
from fairlead.inputs.parse import FileKind, Parsed, ParseJob
from fairlead.inputs.source import ParsedSource, read_source
from fairlead.requirement import CondaRecipe, Requirement
from tests.unit.image_evidence import parsed_here

SCRIPT = b"def init(): ...\ndef run(data): ...\n"


def spec(**fields: Any) -> InferenceImageSpec:
    source = {"configMap": {"name": "code"}}
    return InferenceImageSpec.model_validate(
        {"source": source, "entryScript": "score.py", **fields}
    )


def read(files: Mapping[str, bytes], **fields: Any) -> ParsedSource:
    return parsed_here(files, spec(**fields), "python:3.11")


def test_without_other_files_the_script_alone_is_read() -> None:
    assert read({"score.py": SCRIPT}) == ParsedSource(Environment(), "", ())


def test_everything_that_is_named_is_read() -> None:
    files = {
        "score.py": SCRIPT,
        "env/my.yml": b"dependencies: [python=3.12, {pip: [numpy]}]",
        "Dockerfile.steps": b"RUN ls\r\n",
    }
    asked = (Requirement(text="numpy", line=1),)
    from_conda = CondaRecipe(
        channels=(Requirement(text="defaults", line=0),),
        packages=(Requirement(text="python=3.12", line=1),),
    )
    assert read(files, condaFile="env/my.yml", dockerFile="Dockerfile.steps") == ParsedSource(
        Environment("3.12", 1, asked, from_conda), "RUN ls\n", (), run_line=1
    )
    files["r.txt"] = b"numpy"
    assert read(files, requirementsFile="r.txt").environment == Environment(requirements=asked)


def test_all_that_is_wrong_is_told_the_script_first() -> None:
    files = {"score.py": b"", "my.yml": b"", "Dockerfile.steps": b"FROM x"}
    found = read(files, condaFile="my.yml", dockerFile="Dockerfile.steps").findings
    assert [finding.reason for finding in found] == [
        Reason.ENTRY_SCRIPT_INCOMPLETE,
        Reason.ENVIRONMENT_FILE_INVALID,
        Reason.DOCKERFILE_STEPS_INVALID,
    ]


@pytest.mark.parametrize(
    ("fields", "field", "missing", "reason", "guess"),
    [
        (
            {"entryScript": "scores.py"},
            "entryScript",
            "scores.py",
            Reason.ENTRY_SCRIPT_NOT_FOUND,
            " Did you mean score.py?",
        ),
        ({"condaFile": "a.yml"}, "condaFile", "a.yml", Reason.SOURCE_FILE_NOT_FOUND, ""),
        (
            {"requirementsFile": "myenv.yml"},
            "requirementsFile",
            "myenv.yml",
            Reason.SOURCE_FILE_NOT_FOUND,
            " Did you mean env/MyEnv.yml?",
        ),
        ({"dockerFile": "x"}, "dockerFile", "x", Reason.SOURCE_FILE_NOT_FOUND, ""),
    ],
)
def test_a_file_that_is_not_there_is_told_with_those_that_are(
    fields: dict[str, Any], field: str, missing: str, reason: Reason, guess: str
) -> None:
    files = {"score.py": SCRIPT, "env/MyEnv.yml": b""}
    assert read(files, **fields).findings == (
        Finding(
            reason=reason,
            class_=FailureClass.USER,
            message=f"spec.{field} names {missing}, and the source has no such file; it has "
            f"env/MyEnv.yml and score.py.{guess}",
            remedy=f"Correct spec.{field}, or add the file to the source.",
        ),
    )


def test_what_would_delete_files_of_the_image_is_refused_in_every_source() -> None:
    [finding] = read({"score.py": SCRIPT, ".wh.azureml-models": b""}).findings
    assert finding.reason is Reason.SOURCE_REFUSED
    assert finding.message.startswith("The source has .wh.azureml-models: ")
    assert read({"score.py": SCRIPT, "a.wh.b": b"", ".whx": b""}).findings == ()


def test_a_source_without_files() -> None:
    [finding] = read({}).findings
    assert "it has no files at all" in finding.message


@pytest.mark.parametrize(
    ("asked", "base", "python"),
    [
        ("3.12.1", "python:3.11", (3, 12)),
        (None, "registry.example.com/python:3.10-slim", (3, 10)),
        (">=3.10", "debian:12", None),
        (None, "debian:12", None),
    ],
)
def test_a_script_is_read_as_the_python_that_it_will_run_on(
    asked: str | None, base: str, python: tuple[int, int] | None
) -> None:
    files = {"score.py": SCRIPT, "my.yml": b"x"}
    reading = read_source(files, spec(condaFile="my.yml"), base)
    assert next(reading) == ParseJob(FileKind.CONDA, "my.yml", b"x")
    job = reading.send(Parsed(environment=Environment(asked)))
    assert job == ParseJob(FileKind.SCRIPT, "score.py", SCRIPT, python)
