"""What a script asks for by name and neither its source nor its environment file brings. Pure."""

import re
import sys
from collections.abc import Collection, Iterable, Iterator

from packaging.utils import canonicalize_name

from fairlead.inputs.import_names import distributions_of, with_what_they_bring
from fairlead.inputs.match_spec import read_match_spec
from fairlead.inputs.script_uses import ScriptUses, Use
from fairlead.inputs.source import ParsedSource
from fairlead.requirement import Requirement

OURS = frozenset({"azureml"})  # the runtime answers for these modules of Azure ML v1
ANYTHING = frozenset({"anaconda"})
NOBODYS = frozenset({"__main__", "__future__"})
GONE_FROM_PYTHON = frozenset(
    ("asynchat", "asyncore", "distutils", "dummy_threading", "formatter", "imp", "parser", "smtpd")
)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(?![A-Za-z0-9._-]|:)")


def missing_imports(
    parsed: ParsedSource, requirements: Iterable[Requirement], files: Collection[str]
) -> list[Use]:
    """Imports of no module of Python's, of ours, of the source, of a package that is asked for.

    ``requirements`` are what pip will install. Steps may bring anything, and so may an installation
    from an address, or a package that is a whole distribution: then nothing counts as missing.
    """
    asked = _asked(parsed, requirements)
    if parsed.steps or asked is None:
        return []
    return list(_missing(parsed.uses, asked, files))


def models_looked_up(uses: ScriptUses, files: Collection[str]) -> list[Use]:
    """The models that are looked up; `get_model_path` also takes the path of a file of the
    source."""
    return [use for use in uses.models if not _is_in_source(use.name, files)]


def _missing(uses: ScriptUses, asked: Collection[str], files: Collection[str]) -> Iterator[Use]:
    brought, own = with_what_they_bring(asked), _own_modules(files)
    for use in uses.imports:
        known = sys.stdlib_module_names | GONE_FROM_PYTHON | OURS | NOBODYS | own
        candidates = distributions_of(use.name)
        if use.name not in known and candidates and brought.isdisjoint(candidates):
            yield use


def _own_modules(files: Iterable[str]) -> frozenset[str]:
    """Every folder of the source, and every file that is a module, wherever it lies."""
    parts = (part for file in files for part in file.split("/"))
    return frozenset(part.removesuffix(".py") for part in parts)


def _is_in_source(name: str, files: Collection[str]) -> bool:
    path = name.removeprefix("./").rstrip("/")
    return any(file == path or file.startswith(f"{path}/") for file in files)


def _asked(parsed: ParsedSource, requirements: Iterable[Requirement]) -> frozenset[str] | None:
    """The distributions that are asked for; None where what one of them brings cannot be told."""
    conda = parsed.environment.conda
    names = {_name(requirement.text) for requirement in requirements}
    for package in conda.packages if conda else ():
        names.add(str(canonicalize_name(read_match_spec(package.text).name)))
    return None if "" in names or names & ANYTHING else frozenset(names)


def _name(requirement: str) -> str:
    """Empty for one that is named by its address alone."""
    found = _NAME.match(requirement)
    return str(canonicalize_name(found[0])) if found else ""
