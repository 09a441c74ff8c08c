"""The part of an environment that comes from conda's channels: made here, in our own container."""

import importlib.util
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.connection import trust
from fairlead.contract import EnvironmentRecipe
from fairlead.diagnosis.build.base_python import BasePython
from fairlead.diagnosis.build.conda_causes import CondaError, NoGlibc
from fairlead.diagnosis.build.conda_rules import explain_conda
from fairlead.finding import Finding, listed
from fairlead.inputs.python_version import OLDEST_PYTHON
from fairlead.registry.addresses import NamedHosts
from fairlead.requirement import CondaRecipe, Requirement
from fairlead.settings import pairs
from fairlead.tasks.failures import TaskFailedError, failure
from fairlead.tasks.package_credentials import PackageCredentials
from fairlead.tasks.program import TaskContext

if TYPE_CHECKING:
    from fairlead.conda.environment import CondaEnvironment

NEEDED = ("rattler", "zstandard")


def linked_environment(
    recipe: EnvironmentRecipe, base: BasePython | None, task: TaskContext
) -> "CondaEnvironment":
    """Solve, fetch and link for the base image. Raises ``TaskFailedError``."""
    if not all(map(importlib.util.find_spec, NEEDED)):
        raise TaskFailedError(failure(_NOT_INSTALLED))
    task.log.phase("conda")
    try:
        made = _made(recipe, base, task)
    except CondaError as error:
        raise TaskFailedError(failure(explain_conda(error.causes, recipe))) from error
    if made.scripts:
        names = listed(made.scripts)
        task.log.write(f"Not run, for it is code of the packages: the link scripts of {names}.")
    return made


def _made(
    recipe: EnvironmentRecipe, base: BasePython | None, task: TaskContext
) -> "CondaEnvironment":
    # What solves is 80 MB, and only these environments need it.
    from fairlead.conda.environment import Place, make_environment
    from fairlead.conda.fetch import Access
    from fairlead.conda.solve import OLDEST_GLIBC, Machine, glibc_of

    settings = task.settings
    glibc = glibc_of(base.libc) if base else OLDEST_GLIBC
    if glibc is None:
        raise CondaError(NoGlibc(recipe.base_image))
    task.log.write(f"Solving for glibc {glibc} of {recipe.base_image}.")
    named = NamedHosts.of(settings)
    credentials = PackageCredentials.read(named)
    access = Access(partial(trust, settings.ca_bundle), named, credentials.headers)
    place = Place(task.work, access, pairs(settings.conda_mirrors), task.log.write)
    machine = Machine(glibc, recipe.conda.cuda if recipe.conda else "")
    with_pip = bool(recipe.requirements)
    return make_environment(_with_python(recipe), machine, place, with_pip=with_pip)


def _with_python(recipe: EnvironmentRecipe) -> CondaRecipe:
    """What is asked for, and a Python that there is a server for."""
    conda = recipe.conda or CondaRecipe(channels=())
    oldest = ".".join(map(str, OLDEST_PYTHON))
    python = Requirement(text=f"python>={oldest}", line=0)
    return replace(conda, packages=(*conda.packages, python))


_NOT_INSTALLED = Finding(
    Reason.ENGINE_UNSUPPORTED,
    FailureClass.INFRASTRUCTURE,
    "The environment asks for conda packages, and this installation of Fairlead has not what "
    "solves and links them (py-rattler).",
    "Whoever runs Fairlead: run tasks as Jobs (FAIRLEAD_RUNNER=job), whose image has it, or "
    "install fairlead[tasks] where the operator runs.",
)
