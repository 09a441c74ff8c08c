"""pip's options in a requirements file, and in the list under ``pip:``.

Each is read into one text, ``--name`` or ``--name value``. What would have pip trust something that
nobody checks, or fetch from it, is refused, with its line and the way out.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

from fairlead.api.reasons import Reason
from fairlead.finding import Problem, quoted
from fairlead.inputs.local_package import folder_of_source
from fairlead.inputs.reading import Include
from fairlead.requirement import Requirement

MAX_ADDRESS_CHARS = 1000
PUBLIC_INDEX = "https://pypi.org/simple"
INDEX, EXTRA_INDEX, FIND_LINKS = "--index-url", "--extra-index-url", "--find-links"
FLAGS = ("--pre", "--prefer-binary", "--no-index", "--require-hashes")
FORMATS = ("--no-binary", "--only-binary")
EDITABLE = "--editable"
_INCLUDES = {"--requirement": False, "--constraint": True}
_SHORT = {"-r": "--requirement", "-c": "--constraint", "-e": EDITABLE, "-i": INDEX}
_SHORT |= {"-f": FIND_LINKS}
_SAME = {"--pypi-url": INDEX, "--requirements": "--requirement", "--constraints": "--constraint"}
_TAKING = (*_INCLUDES, EDITABLE, INDEX, EXTRA_INDEX, FIND_LINKS, *FORMATS)
_PUBLIC = re.compile(r"https?://(?:pypi\.org|pypi\.python\.org)(?:/simple|/pypi)?/?", re.IGNORECASE)
_ADDRESS = re.compile(
    r"https://[A-Za-z0-9.-]{1,253}(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~/%+@#=&:,?!-]{0,900})?"
)
_FORMAT = re.compile(r"(?::all:|:none:|[A-Za-z0-9][A-Za-z0-9._-]*)(?:,(?:[A-Za-z0-9:._-]+))*")
_SECRET = re.compile(r"[a-z+]{1,20}://[^/]*[@$]", re.IGNORECASE)
_NO_BUILD_OPTIONS = (
    "Ask for a version that has a wheel, or put a wheel that you have built into the source."
)
_REFUSED: Mapping[str, str] = {
    "--trusted-host": "Remove it: certificates are always checked. Whoever runs Fairlead names the "
    "authority that signed the host's in FAIRLEAD_CA_BUNDLE.",
    "--global-option": _NO_BUILD_OPTIONS,
    "--install-option": _NO_BUILD_OPTIONS,
    "--config-settings": _NO_BUILD_OPTIONS,
    "-C": _NO_BUILD_OPTIONS,
    "--use-feature": "Remove it: pip does what its own version does.",
}


def split_options(text: str) -> tuple[str, list[str]]:
    """Return what stands before the first option, and the words from there on."""
    words = text.split()
    first = next((n for n, word in enumerate(words) if word.startswith("-")), len(words))
    if first == len(words):
        return text, []
    return " ".join(words[:first]), words[first:]


def read_options(words: Iterable[str], line: int) -> Iterator[Requirement | Include | Problem]:
    """What the options of one line mean; ``--editable`` keeps its value, which is a requirement."""
    rest = list(words)
    while rest:
        name, value, rest = _next(rest)
        if name in _TAKING and not value:
            yield _problem(line, f"{quoted(name)} has no value", f"Give it one, or remove {name}.")
            return
        yield (found := _read(name, value, line))
        if isinstance(found, Problem):
            return


def address(option: Requirement) -> str:
    """The address of an option that has one; else empty."""
    name, _, value = option.text.partition(" ")
    return value if name in (INDEX, EXTRA_INDEX, FIND_LINKS) and "://" in value else ""


def _next(words: list[str]) -> tuple[str, str, list[str]]:
    """The name and the value of the first option, and the words after it."""
    word, *rest = words
    name, equals, value = word.partition("=")
    if not word.startswith("--") and word[:2] in _SHORT:
        name, equals, value = word[:2], word[2:], word[2:].lstrip("=")
    name = _SHORT.get(name, _SAME.get(name, name))
    if name in _TAKING and not equals and rest and not rest[0].startswith("-"):
        value, *rest = rest
    return name, value.strip("\"'"), rest


def _read(name: str, value: str, line: int) -> Requirement | Include | Problem:
    if name in _INCLUDES:
        return _include(name, value, line)
    if name in (INDEX, EXTRA_INDEX, FIND_LINKS):
        return _place(name, value, line)
    if name in FORMATS:
        return _format(name, value, line)
    if name == EDITABLE or (name in FLAGS and not value):
        return Requirement(text=f"{name} {value}".rstrip(), line=line)
    remedy = _REFUSED.get(name, f"Remove {quoted(name)}.")
    return _problem(line, f"the option {quoted(name)} is not supported", remedy)


def _format(name: str, value: str, line: int) -> Requirement | Problem:
    if _FORMAT.fullmatch(value):
        return Requirement(text=f"{name} {value}", line=line)
    remedy = "Write :all:, :none:, or names with commas between them."
    return _problem(line, f"{quoted(value)} is nothing for {name}", remedy)


def _include(name: str, value: str, line: int) -> Include | Problem:
    path = value if "://" in value else value.removeprefix("file:")
    if "://" in path:
        remedy = "Save that file in the source, and name it here."
        return _problem(line, f"{quoted(value)} is an address, not a file of the source", remedy)
    return Include(path, line, _INCLUDES[name])


def _place(name: str, value: str, line: int) -> Requirement | Problem:
    """Where packages are looked for. The public index means what the settings put in its place."""
    if _PUBLIC.fullmatch(value) and name != FIND_LINKS:
        return Requirement(text=f"{name} {PUBLIC_INDEX}", line=line)
    if name == FIND_LINKS and not re.match(r"[A-Za-z+]{1,20}:", value):
        return _links_of_source(value, line)
    if _SECRET.match(value):
        message = f"the address of {name} holds credentials, and everybody could read them here"
        return _problem(line, message, _WITHOUT_SECRET)
    if len(value) > MAX_ADDRESS_CHARS or not _ADDRESS.fullmatch(value):
        message = f"{quoted(value)} is no https:// address"
        remedy = "Write an https:// address: what is fetched without TLS may be anything."
        return _problem(line, message, remedy)
    return Requirement(text=f"{name} {value}", line=line)


def _links_of_source(value: str, line: int) -> Requirement | Problem:
    path = folder_of_source(value)
    if path is None:
        remedy = "Name a folder of the source, such as ./wheels, or an https:// address."
        return _problem(line, f"{quoted(value)} is no folder of the source", remedy)
    return Requirement(text=f"{FIND_LINKS} ./{path}", line=line)


def _problem(line: int, message: str, remedy: str) -> Problem:
    return Problem(Reason.ENVIRONMENT_FILE_INVALID, line, message, remedy)


_WITHOUT_SECRET = (
    "Name the index without them, and a Secret with them in spec.build.packageSecretRef "
    "(docs/conda.md, Private channels and indexes); change the password that stood here. Packages "
    "that you have as wheels may lie in the source: ./name.whl."
)
