"""``requirementsFile``: pip's format without the options that reach outside the file.

Each requirement is PEP 508 (``packaging``); hashes may follow.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from packaging.requirements import InvalidRequirement
from packaging.requirements import Requirement as Pep508

from fairlead.api.reasons import Reason
from fairlead.contract import CondaRecipe, Requirement
from fairlead.finding import MAX_PROBLEMS_READ, Problem, quoted, shown

MAX_REQUIREMENTS = 500
MAX_REQUIREMENT_CHARS = 1000  # characters of one, without its hashes
MAX_HASHES = 500  # of one requirement: one for each file that the index has of it


@dataclass
class Reading:
    """An environment file, as far as it was read. Reading goes on after a problem, up to a bound.

    ``ended``: nothing more is to be read.
    """

    python: str | None = None
    python_line: int | None = None
    requirements: list[Requirement] = field(default_factory=list)
    conda: CondaRecipe | None = None
    variables: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    ended: bool = False

    def take(self, found: Requirement | Problem | None) -> None:
        if isinstance(found, Problem):
            self.problems.append(found)
            self.ended |= len(self.problems) >= MAX_PROBLEMS_READ
        elif found is not None and len(self.requirements) >= MAX_REQUIREMENTS:
            self.too_many(found.line)
        elif found is not None:
            self.requirements.append(found)

    def wrong(self, line: int, message: str, remedy: str) -> None:
        self.take(Problem(Reason.ENVIRONMENT_FILE_INVALID, line, message, remedy))

    def too_many(self, line: int) -> None:
        what = f"it asks for more than {MAX_REQUIREMENTS} packages"
        remedy = "Name only what the script imports: pip adds what that needs."
        self.wrong(line, what, remedy)
        self.ended = True


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
_OPTIONS = {
    "-r": "Write the requirements of that file into this one.",
    "-c": "Write the versions of that file into this one.",
    "-e": "Put the package on a package index, or its modules beside the entry script.",
    "-i": "Whoever runs Fairlead sets the package index (FAIRLEAD_PACKAGE_INDEX).",
}
_LONG = {"--requirement": "-r", "--constraint": "-c", "--editable": "-e", "--index-url": "-i"}
_LONG |= {"--extra-index-url": "-i", "--find-links": "-i", "-f": "-i", "--trusted-host": "-i"}


def read_requirement(text: str, line: int) -> Requirement | Problem | None:
    """Return the requirement of one logical line, what is wrong with it, or None for a comment."""
    comment = _COMMENT.search(text)
    text = f" {text[: comment.start()] if comment else text}"
    hashes = _HASH.findall(text)
    bare = _HASH.sub("", text).strip()
    if not bare:
        return None
    if len(bare) > MAX_REQUIREMENT_CHARS or len(hashes) > MAX_HASHES:
        return _problem(line, f"{shown(bare, 40)} is too long", "Write one package on each line.")
    if bare.startswith("-") or " --" in bare:
        return _option(bare, line)
    if _DIRECT.fullmatch(bare):
        return Requirement(
            text=" ".join([bare, *(f"--hash={value}" for value in hashes)]), line=line
        )
    if _NO_INDEX.fullmatch(bare) and not _NAMED.match(bare):
        return _not_from_index(bare, line)
    return _from_index(bare, hashes, line)


def _from_index(bare: str, hashes: list[str], line: int) -> Requirement | Problem:
    try:
        parsed = Pep508(bare)
    except (InvalidRequirement, RecursionError) as error:  # the latter: brackets in brackets
        return _unreadable(bare, line, error)
    if parsed.url and not _DIRECT.fullmatch(parsed.url):
        return _not_from_index(bare, line)
    kept = [str(parsed), *(f"--hash={value}" for value in hashes)]
    return Requirement(text=" ".join(kept), line=line)


def _option(text: str, line: int) -> Problem:
    option = next(word for word in text.split() if word.startswith("-")).partition("=")[0]
    short = option[:2] if option[1:2] != "-" else _LONG.get(option, option)
    remedy = _OPTIONS.get(short, f"Remove {quoted(option)}.")
    return _problem(line, f"the option {quoted(option)} is not supported", remedy)


def _unreadable(text: str, line: int, error: Exception) -> Problem:
    if conda := _CONDA_STYLE.fullmatch(text):
        remedy = f"Write {quoted(f'{conda[1]}=={conda[2]}')}: pip takes two equal signs."
        return _problem(line, f"{quoted(text)} is conda's way to write a version", remedy)
    why = str(error).partition("\n")[0]
    remedy = "Write a name and versions, such as `numpy==2.1.0` or `pandas>=2,<3`."
    return _problem(line, f"{quoted(text)} is no requirement: {why}", remedy)


def _not_from_index(text: str, line: int) -> Problem:
    remedy = (
        "Name a package of the package index, or one at an https:// or git+https:// address "
        "without a password; put your own modules beside the entry script."
    )
    message = f"{quoted(text)} is an address or a path of a kind that is not supported"
    return _problem(line, message, remedy)


def _problem(line: int, message: str, remedy: str) -> Problem:
    return Problem(Reason.ENVIRONMENT_FILE_INVALID, line, message, remedy)


def read_requirements(text: str) -> Reading:
    """Read the file to its end, whatever is wrong on the way."""
    read = Reading()
    for number, line in _logical_lines(text):
        read.take(read_requirement(line, number))
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
