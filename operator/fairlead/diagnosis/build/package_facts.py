"""What pip's output says beyond its one line: requirement, versions, missing tool, index.

Each function returns the words that a message of `fairlead.diagnosis.build.patterns` needs; None
where the pattern fits and yet something else is the cause.
"""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from packaging.requirements import InvalidRequirement
from packaging.requirements import Requirement as Pep508
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from fairlead.contract import EnvironmentRecipe
from fairlead.diagnosis.build.output import Case, Facts
from fairlead.diagnosis.build.package_names import MODULES, did_you_mean
from fairlead.diagnosis.build.wheel_facts import wheels_of
from fairlead.inputs.local_package import LOCAL
from fairlead.inputs.pip_options import PUBLIC_INDEX, address
from fairlead.inputs.python_version import official_image
from fairlead.requirement import Requirement

MAX_OFFERED_VERSIONS = 5  # versions that a message offers

_LINE = re.compile(r"requirements\.txt \(line (\d+)\)")
_FROM = re.compile(r"\(from ([A-Za-z0-9._-]+)")
_OTHER_PYTHON = re.compile(r"(?:; |version: )(\S+) Requires-Python ([^;\n]+)")
_INDEX_LINE = re.compile(r"^Looking in indexes: (\S+)", re.MULTILINE)
_YANKED = re.compile(r"Ignored the following yanked versions: ([^\n]{1,2000})")
_USER = "The user requested "
_HELD = "(constraint) "
_BUILT = (
    re.compile(r"Failed building wheel for (\S+)"),
    re.compile(r"╰─> (\S+)$", re.MULTILINE),
    re.compile(r"^(?:Collecting|Processing) (.+)$", re.MULTILINE),
)
_SET_UP = (
    (
        re.compile(r"ModuleNotFoundError: No module named '([A-Za-z0-9_.]{1,100})'"),
        "its set-up imports {}, which is not there while it is built",
    ),
    (
        re.compile(r"SyntaxError: (Missing parentheses in call to 'print')"),
        "it is written for Python 2",
    ),
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
        **subject(asked, missing),
        "index": f"the index {named[1]}" if named else "the index",
        "guess": f" Did you mean {close}?" if close else "",
    }


def no_file(case: Case) -> Facts | None:
    """The index has a page of the package (else it would answer 404), and nothing of use on it."""
    if "404 Client Error" in case.output.text:
        return None
    return {**not_found(case), **wheels_of(case, _name(case.match["missing"]))}


def at_an_address(case: Case) -> Facts | None:
    """The file that the user's own line names; what an index names is the index's affair."""
    found = (one for one in case.recipe.requirements if case.match["url"] in one.text)
    asked = next(found, None)
    return {"requirement": asked.text, "subject": f"{asked.text}; "} if asked else None


def only_yanked(case: Case) -> Facts | None:
    """What fits is among the versions that pip names, and yet it takes none of them."""
    fitting = _fitting(case)
    return {**not_found(case), "versions": ", ".join(map(str, fitting))} if fitting else None


def _fitting(case: Case) -> list[Version]:
    wanted = _parsed(case.match["missing"])
    gone = _YANKED.search(case.output.text)
    named = ", ".join((case.match["versions"], gone[1] if gone else ""))
    versions = sorted(set(filter(None, map(_version, named.split(", ")))), reverse=True)
    if wanted is None or not wanted.specifier:
        return []
    fits = (v for v in versions if wanted.specifier.contains(v, prereleases=True))
    return [*fits][:MAX_OFFERED_VERSIONS]


def asked_twice(case: Case) -> Facts:
    """The two lines that name one package, in the words of a pip older than 20.3."""
    first, second = case.match["first"], case.match["second"]
    one, other = _culprit(first, case.recipe), _culprit(second, case.recipe)
    bare = second.partition(" (from ")[0]
    place = f" ({case.recipe.place(other)})" if other and case.recipe.file else ""
    return {**subject(one, first), "causes": f"{bare} is asked for, too{place}"}


def unsupported_wheel(case: Case) -> Facts:
    """A file that a line names, by its path or its address."""
    wheel = case.match["wheel"].rpartition("/")[2]
    asked = next((one.text for one in case.recipe.requirements if wheel in one.text), "")
    tags = "-".join(wheel.removesuffix(".whl").split("-")[-3:])
    return {"requirement": asked, "subject": f"{asked or wheel}; ", "tags": tags}


def broken_local(case: Case) -> Facts | None:
    """A file of the source; what comes from an index did not come whole."""
    path = case.match["path"]
    local = (one for one in case.recipe.requirements if one.text.startswith(LOCAL))
    asked = next((one for one in local if path.endswith(_path(one))), None)
    return subject(asked, path) if asked else None


def _path(local: Requirement) -> str:
    found = re.match(r"\./([A-Za-z0-9._+/-]*)", local.text)
    return f"/{found[1]}" if found else local.text


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
    return {**subject(asked, first), "causes": ", and ".join(told)}


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
        **subject(_culprit(package, case.recipe), package),
        "why": f"{tool} is missing" if tool else _set_up(text),
        "install": command,
        "guess": f" Did you mean {today}?" if today else "",
        **wheels_of(case, _name(package)),
    }


def _set_up(text: str) -> str:
    """What a package's own set-up program ended with."""
    for pattern, words in _SET_UP:
        if found := pattern.search(text):
            return words.format(found[1])
    return "its own set-up ended with an error"


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


def subject(asked: Requirement | None, pip_says: str) -> Facts:
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


def index_of_file(case: Case) -> Facts | None:
    """The option of the user's own that names the index; None where the settings do."""
    host = urlsplit(case.match["url"]).netloc
    options = ((one, address(one)) for one in case.recipe.options)
    asked = next((one for one, url in options if url and urlsplit(url).netloc == host), None)
    if asked is None or address(asked) == PUBLIC_INDEX:
        return None
    return {**index_answer(case), "requirement": asked.text, "subject": f"{asked.text}; "}


_WHY = (  # the first three are said where the index is asked with credentials
    re.compile(r"its certificate is not trusted: ([A-Za-z -]+[A-Za-z])"),
    re.compile(r"504 Server Error: it does not answer \(([^()]{1,300})"),
    re.compile(r"504 Server Error: (its? [^()]{1,300}?) for url"),
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
