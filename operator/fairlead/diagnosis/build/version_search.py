"""pip going back through versions: what fails to build is then often a version from years ago.

That nobody has asked for, so what is told names the package that made pip look, and its line.
"""

import re
from dataclasses import replace

from packaging.utils import canonicalize_name

from fairlead.api.reasons import Reason
from fairlead.contract import EnvironmentRecipe
from fairlead.diagnosis.build.output import BuildOutput, Phase
from fairlead.finding import Finding
from fairlead.requirement import Requirement

REASONS = (Reason.PACKAGE_BUILD_FAILED, Reason.IMAGE_BUILD_FAILURE)
_SEARCH = re.compile(r"pip is looking at multiple versions of ([A-Za-z0-9][A-Za-z0-9._-]{0,100})")
_ASKED = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")


def with_search(finding: Finding, output: BuildOutput, recipe: EnvironmentRecipe) -> Finding:
    """Add which package pip went back through, where that may have led to the failure."""
    names = list(dict.fromkeys(map(canonicalize_name, _SEARCH.findall(output.text))))
    if output.phase is not Phase.PACKAGES or finding.reason not in REASONS or not names:
        return finding
    asked = {_name(one): one for one in recipe.requirements}
    name = next((name for name in names if name in asked), names[0])
    place = _place(asked.get(name), recipe)
    return replace(
        finding,
        message=f"{finding.message} Before that, pip went back through versions of {name}{place}.",
        remedy=f"Pin {name} to a version that goes with the others. {finding.remedy or ''}".strip(),
    )


def _place(asked: Requirement | None, recipe: EnvironmentRecipe) -> str:
    if asked is None:
        return ", which another package needs"
    return f" ({recipe.place(asked)})" if recipe.file else ""


def _name(requirement: Requirement) -> str:
    found = _ASKED.match(requirement.text)
    return canonicalize_name(found[1]) if found else ""
