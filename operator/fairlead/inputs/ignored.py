"""``.amlignore``, else ``.gitignore``, at the top of a source: which of its files are left out.

As in Azure ML v1, the first that is there counts alone. Patterns become regular expressions, and
some of those take for ever: so this is read like every file of a stranger's, in a process whose
computing is bounded.
"""

from collections.abc import Collection, Iterator

from fairlead.api.reasons import Reason
from fairlead.finding import Finding, Problem, combine, quoted
from fairlead.inputs.source_file import read_text

IGNORE_FILES = (".amlignore", ".gitignore")
MAX_FILE_BYTES = 64 * 1024
MAX_PATTERNS = 1000
MAX_NAMES_BYTES = 1024 * 1024  # of the names that are compared at once
NAMES_END = b"\0"


def ignore_jobs(names: Collection[str], text: bytes) -> Iterator[bytes]:
    """What is to be read: the names, some of them at a time, and behind them the file."""
    batch, size = list[bytes](), 0
    for name in map(str.encode, names):
        if size + len(name) > MAX_NAMES_BYTES:
            yield b"\n".join(batch) + NAMES_END + text
            batch, size = [], 0
        batch.append(name)
        size += len(name) + 1
    yield b"\n".join(batch) + NAMES_END + text


def ignored_names(names: Collection[str], text: bytes, file: str) -> frozenset[str] | Finding:
    """Those of ``names`` that ``file``, whose content is ``text``, leaves out: of a folder of the
    person who runs the program, in this very process."""
    found = set[str]()
    for job in ignore_jobs([name for name in names if _is_text(name)], text):
        read = read_ignored(job, file)
        if isinstance(read, Finding):
            return read
        found.update(read)
    return frozenset(found)


def _is_text(name: str) -> bool:
    """Not every name that a file system has is one that a pattern can be compared with."""
    return name.isprintable()


def read_ignored(content: bytes, file: str) -> tuple[str, ...] | Finding:
    """Return the names that the file leaves out, or what is wrong with it."""
    names, _, lines = content.partition(NAMES_END)
    text = read_text(lines, Reason.IGNORE_FILE_INVALID, MAX_FILE_BYTES)
    if isinstance(text, Problem):
        return combine(file, [text])
    patterns = text.split("\n")
    if len(patterns) > MAX_PATTERNS:
        what = f"it has more than {MAX_PATTERNS} lines"
        return combine(file, [_problem(MAX_PATTERNS, what, "Keep in it only what is needed.")])
    return _ignored(names.decode().split("\n"), patterns, file)


def _ignored(names: list[str], patterns: list[str], file: str) -> tuple[str, ...] | Finding:
    from pathspec import GitIgnoreSpec  # of the image of tasks, and of the command line

    problems = list(_wrong(patterns))
    if problems:
        return combine(file, problems)
    spec = GitIgnoreSpec.from_lines(patterns)
    return tuple(name for name in names if spec.match_file(name))


def _wrong(patterns: list[str]) -> Iterator[Problem]:
    from pathspec import GitIgnoreSpec

    for line, pattern in enumerate(patterns, start=1):
        try:
            GitIgnoreSpec.from_lines([pattern])
        except ValueError:
            yield _problem(line, f"{quoted(pattern)} is no pattern", "Correct or remove it.")


def _problem(line: int, what: str, remedy: str) -> Problem:
    return Problem(Reason.IGNORE_FILE_INVALID, line, what, remedy)
