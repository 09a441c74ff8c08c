"""The script against the environment file and the models, before anything is built: warnings.

What an installation brings along is not known before it was made, so nothing is refused here: a
condition that only informs tells all of it at once.
"""

import difflib
import re
import sys
from collections.abc import Collection, Iterable, Iterator

from packaging.utils import canonicalize_name

from fairlead.api.conditions import Condition
from fairlead.api.reasons import Reason
from fairlead.api.status import Truth
from fairlead.contract import ModelLayer, Requirement
from fairlead.decide.decision import StageResult
from fairlead.evidence import ImageEvidence
from fairlead.finding import MAX_MESSAGE_CHARS, MAX_PROBLEMS, shown
from fairlead.inputs.import_names import distributions_of, with_what_they_bring
from fairlead.inputs.match_spec import read_match_spec
from fairlead.inputs.script_uses import ScriptUses, Use
from fairlead.inputs.source import ParsedSource

PREFLIGHT_PASSED = "PreflightPassed"
OURS = frozenset({"azureml"})  # the runtime answers for these modules of Azure ML v1
ANYTHING = frozenset({"anaconda"})
NOBODYS = frozenset({"__main__", "__future__"})
GONE_FROM_PYTHON = frozenset(
    ("asynchat", "asyncore", "distutils", "dummy_threading", "formatter", "imp", "parser", "smtpd")
)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(?![A-Za-z0-9._-]|:)")


def preflight(
    evidence: ImageEvidence,
    parsed: ParsedSource,
    models: Collection[ModelLayer],
    requirements: Collection[Requirement],
) -> tuple[StageResult, ...]:
    """Return the one condition that tells what the script asks for and nobody brings; or nothing.

    ``requirements`` are what pip will install. Steps may bring anything, and so may an installation
    from an address, or a package that is a whole distribution: then imports are not compared.
    """
    spec, files = evidence.image.spec, evidence.files or {}
    where = spec.conda_file or spec.requirements_file
    missing_models = list(_missing_models(parsed.uses, models, files))
    asked = _asked(parsed, requirements)
    comparable = not parsed.steps and asked is not None
    imports = list(_missing_imports(parsed.uses, asked or (), files)) if comparable else []
    told = [_model_told(spec.entry_script, use, models) for use in missing_models[:MAX_PROBLEMS]]
    told += [_imports_told(spec.entry_script, imports, where)] if imports else []
    if not told:
        return ()
    reason = Reason.MODEL_NOT_LISTED if missing_models else Reason.IMPORT_NOT_LISTED
    message = f"{'; '.join(told)}. The build goes on: this is a warning."
    condition = Condition(PREFLIGHT_PASSED, Truth.FALSE, reason, message[:MAX_MESSAGE_CHARS])
    return (StageResult(condition, informs=True),)


def _missing_imports(
    uses: ScriptUses, asked: Collection[str], files: Collection[str]
) -> Iterator[Use]:
    """Imports of no module of Python's, of ours, of the source, of a package that is asked for."""
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


def _missing_models(
    uses: ScriptUses, models: Collection[ModelLayer], files: Collection[str]
) -> Iterator[Use]:
    """`get_model_path` also takes the path of a file of the source."""
    there = {model.model_name for model in models}
    for use in uses.models:
        path = use.name.removeprefix("./").rstrip("/")
        in_source = any(file == path or file.startswith(f"{path}/") for file in files)
        if use.name not in there and not in_source:
            yield use


def _model_told(script: str, use: Use, models: Collection[ModelLayer]) -> str:
    names = [model.model_name for model in models]
    close = difflib.get_close_matches(use.name, names, n=1)
    guess = f" (did you mean '{shown(close[0])}'?)" if close else ""
    has = f"has {', '.join(shown(name) for name in names)}" if names else "has no model"
    return (
        f"{script}:{use.line} looks up the model '{shown(use.name)}', and spec.models {has}{guess}"
    )


def _imports_told(script: str, uses: Collection[Use], file: str | None) -> str:
    named = [_import_told(script, use) for use in [*uses][:MAX_PROBLEMS]]
    more = f" and {len(uses) - MAX_PROBLEMS} more" if len(uses) > MAX_PROBLEMS else ""
    what = f"{', '.join(named)}{more}"
    if file is None:
        return f"no spec.condaFile or spec.requirementsFile brings {what}"
    return f"{file} names no package that is known to bring {what}: add what is missing to it"


def _import_told(script: str, use: Use) -> str:
    usual = distributions_of(use.name)[0]
    package = "" if usual == use.name.lower() else f" of {usual}"
    return f"{shown(use.name)}{package} ({script}:{use.line})"
