"""COPY in Dockerfile.steps: the user's files, and no others."""

import pytest

from fairlead.api.inferenceimage import InferenceImageSpec
from fairlead.inputs.copied_files import copied_files, missing_files
from fairlead.inputs.copy_instruction import Copy, CopyError, read_copy
from tests.unit.image_evidence import parsed_here

NAMES = ("score.py", "tools/a.sh", "tools/deep/b.sh", "settings.json")


@pytest.mark.parametrize(
    ("arguments", "copy"),
    [
        ("settings.json /opt/", Copy(("settings.json",), "/opt/")),
        ('["settings.json", "/opt/x y"]', Copy(("settings.json",), "/opt/x y")),
        ("./tools/ /opt/tools", Copy(("tools",), "/opt/tools")),
        (". $HOME/", Copy(("",), "$HOME/")),
        ("/settings.json 'a b' x/", Copy(("settings.json", "a b"), "x/")),
    ],
)
def test_what_is_copied_and_where_to(arguments: str, copy: Copy) -> None:
    assert read_copy(arguments) == copy


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("settings.json", "it is not complete"),
        ("--from=base /a /b", "`--from=base` does not work here"),
        ("*.json /opt/", "no plain path"),
        ("$FILE /opt/", "no plain path"),
        ("../other /opt/", "outside of the source"),
        ("a/../../other /opt/", "outside of the source"),
        ("'a /opt/", "it is not complete"),
        ('["a", 1]', "no JSON array"),
        ("[a, b", "no JSON array"),
    ],
)
def test_what_is_no_plain_copy_is_refused(arguments: str, said: str) -> None:
    with pytest.raises(CopyError, match=said):
        read_copy(arguments)


def test_a_folder_is_copied_with_all_that_is_in_it() -> None:
    assert Copy(("tools",), "/t").files(NAMES) == [
        ("tools/a.sh", "a.sh"),
        ("tools/deep/b.sh", "deep/b.sh"),
    ]
    assert len(Copy(("",), "/t").files(NAMES)) == len(NAMES)
    assert copied_files("COPY tools /a\nENV A=1\nCOPY settings.json tools/a.sh /b/", NAMES) == [
        *("settings.json", "tools/a.sh", "tools/deep/b.sh"),
    ]


def test_what_the_source_does_not_have_is_told_by_line() -> None:
    problems = missing_files("ENV A=1\nCOPY none /a\nCOPY tool /b", NAMES)
    assert [(one.line, one.message) for one in problems] == [
        (2, "the source has no `none`"),
        (3, "the source has no `tool`"),
    ]
    [unsafe] = missing_files("COPY . /a", (*NAMES, ".wh.bin"))
    assert unsafe.message == "`.wh.bin` would delete a file of the base image"


def test_an_image_knows_what_its_steps_copy_or_why_they_cannot() -> None:
    source = {"inline": {"files": {"score.py": ""}}}
    spec = InferenceImageSpec.model_validate(
        {"source": source, "entryScript": "score.py", "dockerFile": "steps"}
    )
    script = b"def init(): ...\ndef run(data): ...\n"
    files = {"score.py": script, "steps": b"COPY settings.json /opt/", "settings.json": b"{}"}
    assert parsed_here(files, spec, "python:3.11").copied == ("settings.json",)
    del files["settings.json"]
    [finding] = parsed_here(files, spec, "python:3.11").findings
    assert finding.message == "steps:1: the source has no `settings.json`."
    assert finding.location == "steps:1"
