"""``requirementsFile``: pip's format.

Each requirement is PEP 508 (``packaging``), an address, or a path of the source; hashes may follow.
"""

import re
from collections.abc import Iterator

from packaging.requirements import InvalidRequirement
from packaging.requirements import Requirement as Pep508

from fairlead.api.reasons import Reason
from fairlead.finding import Problem, quoted, shown
from fairlead.inputs.local_package import read_local
from fairlead.inputs.pip_options import EDITABLE, read_options, split_options
from fairlead.inputs.reading import MAX_CONSTRAINTS, MAX_REQUIREMENTS, Found, Reading
from fairlead.requirement import Requirement

MAX_REQUIREMENT_CHARS = 1000  # characters of one, without its hashes
MAX_HASHES = 500  # of one requirement: one for each file that the index has of it


_COMMENT = re.compile(r"(?:^|\s)#")  # pip's own, but for the blanks before: they are stripped
_HASH = re.compile(r"\s--hash[= ]([a-z0-9]{1,16}:[0-9a-f]{1,128})(?=\s|$)")
_CONDA_STYLE = re.compile(r"([A-Za-z0-9._-]+)\s*=\s*([0-9][^=\s]*)(=\S*)?")
_NO_INDEX = re.compile(
    r"[a-z+]+:.*|[./~\\].*|[^\[;]*[/\\].*|\S+\.(whl|zip|tar\.gz)", re.I | re.DOTALL
)
# An https:// address of a file, or of a Git repository: without a user, and without any blank.
_DIRECT = re.compile(
    r"(?:git\+)?https://[A-Za-z0-9.-]{1,253}(?::[0-9]{1,5})?/[A-Za-z0-9._~/%+@#=&:,-]{1,700}"
)
_NAMED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,200}(?:\[[^\]]{0,200}\])? ?@ ?(?:git\+)?https:")
_REPOSITORY = re.compile(r"git\+https://")


def read_line(text: str, line: int) -> Iterator[Found]:
    """What one logical line asks for, and what is wrong with it; nothing for a comment."""
    comment = _COMMENT.search(text)
    text = f" {text[: comment.start()] if comment else text}"
    hashes = _HASH.findall(text)
    bare = _HASH.sub("", text).strip()
    if len(bare) > MAX_REQUIREMENT_CHARS or len(hashes) > MAX_HASHES:
        yield _problem(line, f"{shown(bare, 40)} is too long", "Write one package on each line.")
        return
    asked, options = split_options(bare)
    if asked:
        yield _hashed(_requirement(asked, line), hashes)
    for found in read_options(options, line):
        editable = isinstance(found, Requirement) and found.text.startswith(f"{EDITABLE} ")
        yield _installed(found) if isinstance(found, Requirement) and editable else found


def _requirement(bare: str, line: int) -> Requirement | Problem:
    if _DIRECT.fullmatch(bare):
        return Requirement(text=bare, line=line)
    if _NO_INDEX.fullmatch(bare) and not _NAMED.match(bare):
        return read_local(bare, line) or _not_from_index(bare, line)
    return _from_index(bare, line)


def _hashed(found: Requirement | Problem, hashes: list[str]) -> Requirement | Problem:
    if isinstance(found, Problem):
        return found
    text = " ".join([found.text, *(f"--hash={value}" for value in hashes)])
    return Requirement(text=text, line=found.line)


def _installed(editable: Requirement) -> Requirement | Problem:
    """``-e``: nobody edits what is in an image, so it is installed as any other."""
    value, line = editable.text.removeprefix(f"{EDITABLE} "), editable.line
    if _DIRECT.fullmatch(value) and _REPOSITORY.match(value):
        return Requirement(text=value, line=line)
    return (None if "://" in value else read_local(value, line)) or _not_from_index(value, line)


def _from_index(bare: str, line: int) -> Requirement | Problem:
    try:
        parsed = Pep508(bare)
    except (InvalidRequirement, RecursionError) as error:  # the latter: brackets in brackets
        return _unreadable(bare, line, error)
    if parsed.url and not _DIRECT.fullmatch(parsed.url):
        return _not_from_index(bare, line)
    return Requirement(text=str(parsed), line=line)


def _unreadable(text: str, line: int, error: Exception) -> Problem:
    if conda := _CONDA_STYLE.fullmatch(text):
        remedy = f"Write {quoted(f'{conda[1]}=={conda[2]}')}: pip takes two equal signs."
        return _problem(line, f"{quoted(text)} is conda's way to write a version", remedy)
    why = str(error).partition("\n")[0]
    remedy = "Write a name and versions, such as `numpy==2.1.0` or `pandas>=2,<3`."
    return _problem(line, f"{quoted(text)} is no requirement: {why}", remedy)


def _not_from_index(text: str, line: int) -> Problem:
    remedy = (
        "Name a package of the package index, one at an https:// or git+https:// address without "
        "a password, or a file or folder of the source by its path (./a-1.0-py3-none-any.whl)."
    )
    message = f"{quoted(text)} is an address or a path of a kind that is not supported"
    return _problem(line, message, remedy)


def _problem(line: int, message: str, remedy: str) -> Problem:
    return Problem(Reason.ENVIRONMENT_FILE_INVALID, line, message, remedy)


def read_requirements(text: str) -> Reading:
    """Read the file to its end, whatever is wrong on the way."""
    return _read(text, Reading(most=MAX_REQUIREMENTS))


def read_constraints(text: str) -> Reading:
    """The same of a file of versions that nothing is installed from (``-c``)."""
    return _read(text, Reading(most=MAX_CONSTRAINTS))


def _read(text: str, read: Reading) -> Reading:
    for number, line in _logical_lines(text):
        for found in read_line(line, number):
            read.take(found)
        if read.ended:
            break
    return read


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Join what a backslash continues; each with the number of its first line."""
    first, parts = 1, list[str]()
    for number, line in enumerate(text.split("\n"), start=1):
        first = first if parts else number
        comment = line.lstrip().startswith("#")  # ends what it stands in, as in pip
        if line.endswith("\\") and not comment:
            parts.append(line[:-1])
            continue
        yield first, " ".join([*parts, "" if comment else line])
        parts = []
    if parts:
        yield first, " ".join(parts)
