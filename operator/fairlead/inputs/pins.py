"""What an environment file leaves open: requirements and specs that more than one version fits."""

import re

from packaging.requirements import InvalidRequirement
from packaging.requirements import Requirement as Pep508
from packaging.utils import canonicalize_name

from fairlead.contract import EnvironmentRecipe
from fairlead.finding import shown
from fairlead.inputs.local_package import LOCAL
from fairlead.inputs.match_spec import read_match_spec

MAX_UNPINNED = 20
MAX_CHARS = 60  # characters of one, as it is shown
_COMMIT = re.compile(r"@[0-9a-f]{40}(?:#|$| )")
NOT_COUNTED = {"python", "pip"}


def unpinned(recipe: EnvironmentRecipe) -> tuple[str, ...]:
    """Return what is open, as the user wrote it, at most ``MAX_UNPINNED``."""
    conda = recipe.conda.packages if recipe.conda else ()
    specs = ((read_match_spec(one.text), one.text) for one in conda)
    found = [text for spec, text in specs if not (spec.pinned or spec.name in NOT_COUNTED)]
    held = {_name(one.text) for one in recipe.constraints if _pinned(one.text)}
    found += [
        one.text
        for one in recipe.requirements
        if not (_pinned(one.text) or _name(one.text) in held)
    ]
    return tuple(shown(text, MAX_CHARS) for text in found[:MAX_UNPINNED])


def _pinned(text: str) -> bool:
    bare = text.partition(" --hash")[0]
    if bare.startswith(LOCAL):  # its content counts for the environment's hash
        return True
    if "https://" in bare:  # a file is what it is; of a repository a commit has to be named
        return "git+" not in bare or _COMMIT.search(bare) is not None
    try:
        parsed = Pep508(bare)
    except InvalidRequirement:
        return False
    exact = (one for one in parsed.specifier if one.operator in ("==", "==="))
    return any("*" not in one.version for one in exact)


def _name(text: str) -> str:
    try:
        return str(canonicalize_name(Pep508(text.partition(" --hash")[0]).name))
    except InvalidRequirement:
        return text
