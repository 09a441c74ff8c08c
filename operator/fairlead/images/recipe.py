"""The Dockerfile that stands for an environment, and the few files it is built with.

The dialect is the classic builder's. Of three stages only the first and the last leave a trace: the
package index and the certificates stay in the one between, which is never pushed.
"""

import json
from collections.abc import Mapping, Sequence

from fairlead.contract import EnvironmentRecipe
from fairlead.images import pip_install
from fairlead.images.environment_labels import BUILD_LABEL, HASH_LABEL, OWNER_LABEL
from fairlead.images.layout import APP_ROOT, BUILD_FILES, ENVIRONMENT, USER
from fairlead.images.pip_files import pip_options
from fairlead.inputs.copy_instruction import read_copy
from fairlead.inputs.dockerfile_steps import Instruction, instructions

SOURCE = "source"  # of the build context: the folder with the user's files
LINKED = "linked.tar"  # of the build context: an environment, which ADD unpacks
FIRST_STEP = 4  # the number that the engine gives the first of the user's steps


def base_stage(recipe: EnvironmentRecipe, base: str, owner: str) -> str:
    """Return the first stage: the user's steps on ``base``, an image by digest.

    The comment comes first so that no line of the user's can be a parser directive.
    """
    steps = [_step(instruction) for instruction in instructions(recipe.steps)]
    lines = ("# Made by Fairlead.", f"FROM {base} AS base", f'LABEL {OWNER_LABEL}="{owner}"')
    return _text(*lines, "USER 0", *steps)


def make_environment(recipe: EnvironmentRecipe) -> tuple[str, ...]:
    """The command that makes an environment on the base image's Python, still without a package.

    pip is put in where there is something to install: it takes more room than most that it
    installs.
    """
    how = ("make_venv.py",) if recipe.requirements else ("-m", "venv", "--without-pip")
    return ("python3", *how, f"/{ENVIRONMENT}")


def dockerfile(
    first_stage: str,
    environment: str,
    hash_: str,
    python: Mapping[str, str],
    make: Sequence[str] | None,
) -> str:
    """Return the whole Dockerfile after its ``first_stage``; ``python`` are `python_labels`.

    ``environment`` names what is built: its label finds what the stage in between leaves behind.
    ``make`` makes it; None: it is there already, as an archive, but for what pip installs.
    """
    build = _text(
        "FROM base AS build",
        f'LABEL {BUILD_LABEL}="{environment}"',
        "USER 0",
        f"WORKDIR /{BUILD_FILES}",
        f"ENV PIP_CONFIG_FILE=/{BUILD_FILES}/pip.conf PYTHONDONTWRITEBYTECODE=1",
        f"COPY build/ /{BUILD_FILES}/",
        _run(*make) if make else f"ADD {LINKED} /",
        _run(f"/{ENVIRONMENT}/bin/python", "pip_install.py", *pip_options()),
    )
    labels = (f' {name}="{value}"' for name, value in python.items())
    final = _text(
        "FROM base",
        f"COPY --from=build /{ENVIRONMENT} /{ENVIRONMENT}",
        f"ENV PATH=/{ENVIRONMENT}/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1",
        f'LABEL {HASH_LABEL}="{hash_}"{"".join(labels)}',
        f"USER {USER}",
        f"WORKDIR /{APP_ROOT}",
    )
    return f"{first_stage}\n{build}\n{final}"


def source_files(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The user's files as the steps find them in the build context, apart from ours."""
    return {f"{SOURCE}/{path}": content for path, content in files.items()}


def program_files(recipe: EnvironmentRecipe) -> frozenset[str]:
    """The user's files that may be run, as they are named in the build context: for the steps, and
    for pip."""
    folders = (SOURCE, f"build/{pip_install.SOURCE}")
    return frozenset(f"{folder}/{path}" for folder in folders for path in recipe.programs or ())


def _step(instruction: Instruction) -> str:
    if instruction.keyword != "COPY":
        return str(instruction)
    copy = read_copy(instruction.arguments)
    sources = [f"{SOURCE}/{source}" for source in copy.sources]
    return f"COPY {json.dumps([*sources, copy.target])}"


def _run(*command: str) -> str:
    """A RUN in the form that no SHELL of the user's changes."""
    return f"RUN {json.dumps(command)}"


def _text(*lines: str) -> str:
    return "".join(f"{line}\n" for line in lines)
