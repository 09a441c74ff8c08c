"""Ignore files as Azure ML v1 read them: git's patterns, at the top of the source."""

import pytest

from fairlead.api.reasons import Reason
from fairlead.finding import Finding
from fairlead.inputs import ignored
from fairlead.inputs.ignored import ignore_jobs, read_ignored

NAMES = ["score.py", "data/big.csv", "data/keep.csv", "notebooks/a.ipynb", "lib/x.pyc", "b/c/d.py"]


def left_out(text: bytes, names: list[str] | None = None) -> tuple[str, ...]:
    [job] = ignore_jobs(names or NAMES, text)
    found = read_ignored(job, ".amlignore")
    assert not isinstance(found, Finding), found
    return found


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (b"", ()),
        (b"# data/\n\n  \n", ()),
        (b"data/\n", ("data/big.csv", "data/keep.csv")),
        (b"data/*\r\n!data/keep.csv\r\n", ("data/big.csv",)),
        (b"*.pyc\n**/d.py", ("lib/x.pyc", "b/c/d.py")),
        (b"/c\n/b/c", ("b/c/d.py",)),
        (b"*\n!score.py\n", tuple(NAMES[1:])),
    ],
)
def test_patterns_are_gits(text: bytes, names: tuple[str, ...]) -> None:
    assert left_out(text) == names


def test_names_of_any_letters_are_compared() -> None:
    assert left_out("dät*".encode(), ["däta.csv", "score.py"]) == ("däta.csv",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"data/\n!\n", ".amlignore:2: `!` is no pattern"),
        (b"\xff\n", "it is not UTF-8"),
        (b"x\n" * 1001, "more than 1000 lines"),
        (b"x" * 70_000, "longer than 64 KiB"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: bytes, said: str) -> None:
    [job] = ignore_jobs(NAMES, text)
    found = read_ignored(job, ".amlignore")
    assert isinstance(found, Finding)
    assert found.reason is Reason.IGNORE_FILE_INVALID
    assert said in found.message


def test_names_come_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ignored, "MAX_NAMES_BYTES", 20)
    jobs = list(ignore_jobs(NAMES, b"*.py"))
    assert len(jobs) > 2
    found = [read_ignored(job, ".amlignore") for job in jobs]
    assert [name for names in found if isinstance(names, tuple) for name in names] == [
        "score.py",
        "b/c/d.py",
    ]
