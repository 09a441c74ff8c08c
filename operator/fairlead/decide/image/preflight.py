"""The script against the environment file and the models, before anything is built: warnings.

What an installation brings along is not known before it was made, so nothing is refused here: a
condition that only informs tells all of it at once.
"""

import difflib
from collections.abc import Collection

from fairlead.api.conditions import Condition
from fairlead.api.reasons import Reason
from fairlead.api.status import Truth
from fairlead.contract import ModelLayer
from fairlead.decide.decision import StageResult
from fairlead.evidence import ImageEvidence
from fairlead.finding import MAX_MESSAGE_CHARS, MAX_PROBLEMS, shown
from fairlead.inputs.import_names import distributions_of
from fairlead.inputs.missing_uses import missing_imports, models_looked_up
from fairlead.inputs.script_uses import Use
from fairlead.inputs.source import ParsedSource
from fairlead.requirement import Requirement

PREFLIGHT_PASSED = "PreflightPassed"


def preflight(
    evidence: ImageEvidence,
    parsed: ParsedSource,
    models: Collection[ModelLayer],
    requirements: Collection[Requirement],
) -> tuple[StageResult, ...]:
    """Return the one condition that tells what the script asks for and nobody brings; or nothing.

    ``requirements`` are what pip will install.
    """
    spec, files = evidence.image.spec, evidence.files or {}
    where = spec.conda_file or spec.requirements_file
    there = {model.model_name for model in models}
    looked_up = models_looked_up(parsed.uses, files)
    missing_models = [use for use in looked_up if use.name not in there]
    imports = missing_imports(parsed, requirements, files)
    told = [_model_told(spec.entry_script, use, models) for use in missing_models[:MAX_PROBLEMS]]
    told += [_imports_told(spec.entry_script, imports, where)] if imports else []
    if not told:
        return ()
    reason = Reason.MODEL_NOT_LISTED if missing_models else Reason.IMPORT_NOT_LISTED
    message = f"{'; '.join(told)}. The build goes on: this is a warning."
    condition = Condition(PREFLIGHT_PASSED, Truth.FALSE, reason, message[:MAX_MESSAGE_CHARS])
    return (StageResult(condition, informs=True),)


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
