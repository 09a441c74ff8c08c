"""Environment files that name others, in the forms that people have them, each in its source.

Each case says what is asked of conda and of pip, with the file and line of what stands elsewhere,
or every finding. What is for conda is solved against a channel of the tests.
"""

from pathlib import Path
from typing import Any

import pytest
import yaml

from fairlead.api.inferenceimage import InferenceImageSpec
from fairlead.inputs.source import ParsedSource
from fairlead.requirement import Requirement
from tests.unit.image_evidence import parsed_here
from tests.unit.inputs.solving import channel_in, check_solved

CASES = sorted((Path(__file__).parent / "environment_cases").glob("*.yaml"))
SCRIPT = b"def init(): ...\ndef run(data): ...\n"
LISTS = ("conda", "pip", "constraints", "options", "local", "refused")


@pytest.fixture(scope="module")
def channel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return channel_in(tmp_path_factory.mktemp("channel"))


def read(case: dict[str, Any], *, as_windows: bool = False) -> ParsedSource:
    main = case["file"]
    field = "condaFile" if main.endswith(".yml") else "requirementsFile"
    source = {"source": {"configMap": {"name": "code"}}, "entryScript": "score.py", field: main}
    files = {path: text.encode() for path, text in case["files"].items()}
    if as_windows:
        files[main] = b"\xef\xbb\xbf" + files[main].replace(b"\n", b"\r\n")
    return parsed_here(
        {"score.py": SCRIPT, **files}, InferenceImageSpec.model_validate(source), "python:3.11"
    )


def said(parsed: ParsedSource) -> dict[str, Any]:
    found = parsed.environment
    lists = {
        "conda": [one.text for one in found.conda.packages] if found.conda else [],
        "pip": list(map(shown, found.requirements)),
        "constraints": list(map(shown, found.constraints)),
        "options": list(map(shown, found.options)),
        "local": list(parsed.local),
        "refused": [finding.message for finding in parsed.findings],
    }
    return lists | ({"python": found.python} if found.python else {})


def shown(one: Requirement) -> str:
    return f"{one.text} ({one.file}:{one.line})" if one.file else one.text


@pytest.mark.parametrize("as_windows", [False, True])
@pytest.mark.parametrize("file", CASES, ids=lambda file: file.stem)
def test_a_source_is_read_as_what_it_is(file: Path, *, as_windows: bool) -> None:
    case = yaml.safe_load(file.read_text())
    expected = {key: list[str]() for key in LISTS} | case["expected"]
    assert said(read(case, as_windows=as_windows)) == expected


@pytest.mark.parametrize("file", CASES, ids=lambda file: file.stem)
def test_what_it_asks_of_conda_is_solved(file: Path, channel: Path) -> None:
    found = read(yaml.safe_load(file.read_text())).environment
    if found.conda is not None:
        check_solved(found.conda, channel)
