"""Whatever stands in a user's file, reading it ends: with what it says, or with one finding."""

import re
import time
from collections.abc import Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fairlead.api.quantity import canonical_quantity
from fairlead.inputs.parse import FileKind, Parsed, ParseJob, parse
from fairlead.inputs.python_version import (
    minor_version,
    official_image,
    python_of_image,
    read_python,
    satisfies,
    too_old,
)
from fairlead.inputs.reading import MAX_REQUIREMENTS
from fairlead.parsing.answer import read_parsed
from fairlead.parsing.frames import encode_parsed
from fairlead.registry.reference import (
    InvalidReferenceError,
    parse_reference,
    parse_repository,
)
from tests.unit.inputs.pieces import CONDA, REQUIREMENTS, SCRIPT, STEPS

EXAMPLES = settings(max_examples=120, deadline=None)
MAX_CPU_S = 1.0
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\ud800-\udfff]")


def texts(pieces: Sequence[str]) -> st.SearchStrategy[bytes]:
    """Files that are nearly right, any text, and no text at all."""
    near = st.lists(st.sampled_from(pieces), max_size=30).map("".join)
    return st.one_of((near | st.text()).map(lambda t: t.encode(errors="replace")), st.binary())


def checked(job: ParseJob) -> Parsed:
    started_at = time.process_time()
    parsed = parse(job)
    assert time.process_time() - started_at < MAX_CPU_S
    assert read_parsed(encode_parsed(parsed)) == parsed
    finding = parsed.finding
    if finding is not None:
        assert not CONTROL.search(finding.message + (finding.remedy or ""))
        assert len(finding.message) < 2000
        assert (finding.location or "").startswith(job.file)
    return parsed


@EXAMPLES
@given(texts(SCRIPT), st.none() | st.tuples(st.just(3), st.integers(0, 99)))
def test_script(content: bytes, python: tuple[int, int] | None) -> None:
    assert checked(ParseJob(FileKind.SCRIPT, "score.py", content, python)).environment is None


@EXAMPLES
@given(texts(CONDA))
def test_conda(content: bytes) -> None:
    _plain(checked(ParseJob(FileKind.CONDA, "my.yml", content)))


@EXAMPLES
@given(texts(REQUIREMENTS))
@example(b"-\x1b")
@example(b"-r a\n-c b\n-f c\n-e .\n--pre\n--no-binary x")
def test_requirements(content: bytes) -> None:
    _plain(checked(ParseJob(FileKind.REQUIREMENTS, "r.txt", content)))
    _plain(checked(ParseJob(FileKind.CONSTRAINTS, "c.txt", content)))


def _plain(parsed: Parsed) -> None:
    """What is installed is one line each, and no option of pip's but hashes."""
    if parsed.environment is None:
        assert parsed.finding
        return
    assert len(parsed.environment.requirements) <= MAX_REQUIREMENTS
    for requirement in parsed.environment.requirements:
        bare = requirement.text.partition(" --hash=")[0].removeprefix("./")
        assert not re.search(r"[\x00-\x1f\u2028\u2029]| --|^-|[@\\]", bare)
    for option in parsed.environment.options:
        assert re.fullmatch(r"--[a-z-]+( [!-~]+)?", option.text)


@EXAMPLES
@given(texts(STEPS))
def test_steps(content: bytes) -> None:
    parsed = checked(ParseJob(FileKind.STEPS, "steps", content))
    assert parsed.finding or not re.search("\r|\0", parsed.steps)


VERSIONS = ("=", ">=", "3", ".", "11", "*", ",", " ", "!", "~", "9" * 5000)


@EXAMPLES
@given(st.text() | st.lists(st.sampled_from(VERSIONS)).map("".join))
@example("=3." + "1" * 5000)
@example("٣")
def test_the_python_of_a_conda_file(spec: str) -> None:
    try:
        asked = read_python(spec)
    except ValueError:
        return
    if asked is not None:
        assert re.fullmatch(r"python:[0-9.]+-slim", official_image(asked))
        assert too_old(asked) in (True, False)
        assert satisfies(asked, "3.11.2") in (True, False)
    assert asked or minor_version(asked) is None


NAMES = (
    "localhost",
    ":5000",
    "/",
    "a",
    "A",
    "..",
    "-",
    "_",
    "@sha256:",
    "f" * 64,
    ":1",
    "[::1]",
    "é",
)


@EXAMPLES
@given(st.text() | st.lists(st.sampled_from(NAMES)).map("".join))
@example("a" * 100_000)
@example("a-" * 50_000)
def test_names_of_images(text: str) -> None:
    started_at = time.process_time()
    python_of_image(text)
    for read in (parse_reference, parse_repository):
        try:
            named = str(read(text))
        except InvalidReferenceError:
            continue
        assert str(read(named)) == named
        assert not re.search(r"\s|\.\.|[\x00-\x1f]", named)
    assert time.process_time() - started_at < MAX_CPU_S


QUANTITIES = (
    "1",
    "0",
    ".",
    "5",
    "-",
    "e",
    "E",
    "m",
    "k",
    "Ki",
    "Mi",
    "i",
    "NaN",
    "sNaN",
    "Inf",
    "9" * 40,
)


@EXAMPLES
@given(st.text() | st.lists(st.sampled_from(QUANTITIES)).map("".join) | st.integers() | st.floats())
@example("1e999999999")
def test_quantities(value: object) -> None:
    canonical_quantity(value)
    assert canonical_quantity("1000m") == canonical_quantity(1)


@pytest.mark.parametrize("kind", FileKind)
def test_an_empty_file_of_each_kind_ends(kind: FileKind) -> None:
    checked(ParseJob(kind, "x", b""))
