"""What pip's output says beyond its one line: requirement, versions, missing tool, index.

Each function returns the words that a message of `fairlead.diagnosis.build.patterns` needs; None
where the pattern fits and yet something else is the cause.
"""

import re
from collections.abc import Iterable

from packaging.requirements import InvalidRequirement
from packaging.requirements import Requirement as Pep508
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from fairlead.contract import EnvironmentRecipe, Requirement
from fairlead.diagnosis.build.output import Case, Facts
from fairlead.diagnosis.build.package_names import MODULES, did_you_mean
from fairlead.inputs.python_version import official_image

MAX_OFFERED_VERSIONS = 5  # versions that a message offers

_LINE = re.compile(r"requirements\.txt \(line (\d+)\)")
_FROM = re.compile(r"\(from ([A-Za-z0-9._-]+)")
_OTHER_PYTHON = re.compile(r"(?:; |version: )(\S+) Requires-Python ([^;\n]+)")
_INDEX_LINE = re.compile(r"^Looking in indexes: (\S+)", re.MULTILINE)
_USER = "The user requested "
_HELD = "(constraint) "
_BUILT = (
    re.compile(r"Failed building wheel for (\S+)"),
    re.compile(r"╰─> (\S+)$", re.MULTILINE),
    re.compile(r"^Collecting (.+)$", re.MULTILINE),
)
_NO_TOOL = (
    re.compile(r"(?:command|unable to execute) '([^']+)'(?: failed)?: No such file"),
    re.compile(r"\[Errno 2\] No such file or directory: '([^']+)'"),
    re.compile(r"fatal error: (\S+): No such file"),
    re.compile(r"(?<!\S)(\S+) executable not found"),
    re.compile(r"can't find (Rust) compiler"),
    re.compile(r"(?<![\w.+-])([\w.+-]+): command not found"),
    re.compile(r"sh: \d+: ([\w.+-]+): not found"),
)
_DEBIAN = {
    "gcc": "build-essential",
    "g++": "build-essential",
    "cc1plus": "build-essential",
    "Python.h": "build-essential python3-dev",
    "pg_config": "build-essential libpq-dev",
    "mysql_config": "build-essential default-libmysqlclient-dev",
    "Rust": "cargo",
    "cargo": "cargo",
    "cmake": "build-essential cmake",
    "gfortran": "build-essential gfortran",
    "git": "git",
}


def not_found(case: Case) -> Facts:
    """No such package on the index."""
    missing = case.match["missing"]
    asked = _culprit(missing, case.recipe)
    name = _name(missing)
    close = did_you_mean(name) if name else None
    named = _INDEX_LINE.search(case.output.text)  # pip names it where it is not pip's own
    return {
        **_subject(asked, missing),
        "index": f"the index {named[1]}" if named else "the index",
        "guess": f" Did you mean {close}?" if close else "",
    }


def no_file(case: Case) -> Facts | None:
    """The index has a page of the package (else it would answer 404), and nothing of use on it."""
    return None if "404 Client Error" in case.output.text else not_found(case)


def from_repository(case: Case) -> Facts:
    """The first requirement of a repository: pip looks for the program before it takes one up."""
    asked = next((one for one in case.recipe.requirements if "git+" in one.text), None)
    return _subject(asked, asked.text if asked else "a requirement")


def at_an_address(case: Case) -> Facts | None:
    """The file that the user's own line names; what an index names is the index's affair."""
    found = (one for one in case.recipe.requirements if case.match["url"] in one.text)
    asked = next(found, None)
    return {"requirement": asked.text, "subject": f"{asked.text}; "} if asked else None


def other_version(case: Case) -> Facts | None:
    """The package is there, the version is not."""
    newest = _newest(case.match["versions"])
    return {**not_found(case), "newest": ", ".join(newest)} if newest else None


def other_python(case: Case) -> Facts | None:
    """The version is there, for another Python."""
    wanted = _parsed(case.match["missing"])
    for version, python in _OTHER_PYTHON.findall(case.output.text):
        if wanted and wanted.specifier.contains(version, prereleases=True):
            return {**not_found(case), "python": python, "image": official_image(python)}
    return None


def conflict(case: Case) -> Facts:
    """Two requirements that exclude each other, as pip tells them."""
    causes = [line.strip() for line in case.match["causes"].splitlines()]
    causes.sort(key=lambda cause: (not cause.startswith(_USER), _HELD in cause))
    first = causes[0].removeprefix(_USER)
    asked = _culprit(first, case.recipe)
    others = causes[1:] if causes[0].startswith(_USER) else causes
    told = [_asked_for(c.removeprefix(_USER), case.recipe) if _USER in c else c for c in others]
    return {**_subject(asked, first), "causes": ", and ".join(told)}


def _asked_for(cause: str, recipe: EnvironmentRecipe) -> str:
    """What else the user's files ask for, with its line; a constraint is not to be installed."""
    text = cause.removeprefix(_HELD)
    among = recipe.requirements if text == cause else recipe.constraints
    asked = _named(text, among)
    place = f" ({recipe.place(asked)})" if asked and recipe.file else ""
    return f"{text} is {'asked for' if text == cause else 'a constraint'}{place}"


def no_build(case: Case) -> Facts:
    """A package without a wheel whose build failed, and the program that it missed."""
    text = case.output.text
    told = (pattern.findall(text) for pattern in _BUILT)
    package = next((names[-1] for names in told if names), "a package")
    missing = next((m[1] for pattern in _NO_TOOL if (m := pattern.search(text))), "")
    tool = missing.rpartition("/")[2]
    debian = next((d for t, d in _DEBIAN.items() if tool == t or tool.endswith(f"-{t}")), None)
    today = MODULES.get(_name(package) or "")
    command = f": RUN apt-get update && apt-get install -y {debian}" if debian else ""
    return {
        **_subject(_culprit(package, case.recipe), package),
        "why": f"{tool} is missing" if tool else "its own set-up ended with an error",
        "install": command,
        "guess": f" Did you mean {today}?" if today else "",
    }


def _culprit(pip_says: str, recipe: EnvironmentRecipe) -> Requirement | None:
    """Return the user's requirement that pip speaks of, or that what it speaks of comes from."""
    if line := _LINE.search(pip_says):
        return next(iter(recipe.requirements[int(line[1]) - 1 :]), None)
    origin = _FROM.search(pip_says)
    name = _name(origin[1] if origin else pip_says)
    return next((r for r in recipe.requirements if _name(r.text) == name), None)


def _named(text: str, among: Iterable[Requirement]) -> Requirement | None:
    """The one of that text, or else the last of that name: the first is told already."""
    wanted = "".join(text.split())
    same = [one for one in among if _name(one.text) == _name(text)]
    exact = (one for one in same if "".join(one.text.split()) == wanted)
    return next(exact, same[-1] if same else None)


def _subject(asked: Requirement | None, pip_says: str) -> Facts:
    """What the message begins with: the user's requirement, and what that needs if it is not it."""
    missing = pip_says.partition(" (from ")[0]
    if asked is None:
        return {"requirement": "", "subject": f"{missing}; "}
    bare = asked.text.partition(" --hash")[0]
    needs = "" if _name(bare) == _name(missing) else f"it needs {missing}; "
    return {"requirement": asked.text, "subject": f"{bare}; {needs}"}


def _newest(versions: str) -> list[str]:
    """The newest, newest first; no pre-releases where there are others."""
    parsed = sorted(filter(None, map(_version, versions.split(", "))), reverse=True)
    final = [version for version in parsed if not version.is_prerelease]
    return [str(version) for version in (final or parsed)[:MAX_OFFERED_VERSIONS]]


def _version(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None


def _parsed(requirement: str) -> Pep508 | None:
    try:
        return Pep508(re.split(r" \(from | --hash", requirement)[0])
    except InvalidRequirement:
        return None


def _name(requirement: str) -> str | None:
    """The canonical name; ``flask 3.0.3 depends on …`` begins with one, too."""
    parsed = _parsed(requirement) or _parsed(requirement.partition(" ")[0])
    return canonicalize_name(parsed.name) if parsed else None


_WHY = (
    re.compile(r"\[Errno -?\d+\] ([A-Za-z ]+)"),
    re.compile(r"certificate verify failed: ([A-Za-z -]+[A-Za-z])"),
    re.compile(r"(timed out)"),
    re.compile(r"too many (\d{3}) error responses"),
    re.compile(r": (\d{3}) [A-Za-z]+ Error"),
    re.compile(r"(Connection (?:reset|aborted|broken)[A-Za-z ]*)", re.IGNORECASE),
)


def index_answer(case: Case) -> Facts:
    """``why``, from the line in which the pattern was found."""
    text = case.match[0]
    found = next(
        (m[1] for pattern in _WHY if (m := pattern.search(text))), "what came is not valid"
    )
    return {"why": f"it answers {found}" if found[:1].isdigit() else found}
