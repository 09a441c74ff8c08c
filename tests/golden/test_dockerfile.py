"""The Dockerfile of an environment, compared whole with the file beside its input.

To accept a change that is meant: ``UPDATE_GOLDEN=1 pytest tests/golden``, then read the diff, and
raise ``ENVIRONMENT_FORMAT`` in ``images/hashes.py`` where the same inputs give another image now.
"""

import os
from pathlib import Path

import pytest
import yaml

from fairlead.contract import EnvironmentRecipe
from fairlead.images.environment_labels import python_labels
from fairlead.images.pip_files import PackageIndex, build_files
from fairlead.images.recipe import base_stage, dockerfile, make_environment

CASES = Path(__file__).parent / "dockerfiles"
HASH = "e" * 64
ENVIRONMENTS = "localhost:5000/demo/fairlead/environments"


def rendered(recipe: EnvironmentRecipe, index: PackageIndex, *, linked: bool) -> str:
    """All that the engine is given, but for our own script and the certificates themselves."""
    base = f"localhost:5000/fairlead/python@sha256:{'b' * 64}"
    first = base_stage(recipe, base, "fairlead")
    make = None if linked else make_environment(recipe)
    files = build_files(recipe, index)
    shown = [name for name in files if not name.endswith((".py", ".pem"))]
    parts = [dockerfile(first, f"{ENVIRONMENTS}:{HASH}", HASH, python_labels("3.11.2"), make)]
    parts += [f"# ---- {name}\n{files[name].decode()}" for name in shown]
    return "\n".join(parts)


@pytest.mark.parametrize("case", sorted(CASES.iterdir()), ids=lambda case: case.name)
def test_the_dockerfile_is_what_the_file_says(case: Path) -> None:
    given = yaml.safe_load((case / "recipe.yaml").read_text())
    index = PackageIndex(
        given.get("index", ""),
        tuple(given.get("insecureHosts", ())),
        given.get("certificates", "").encode(),
    )
    made = rendered(EnvironmentRecipe(**given["recipe"]), index, linked=given.get("linked", False))
    file = case / "Dockerfile"
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text(made)
    assert made == file.read_text()
