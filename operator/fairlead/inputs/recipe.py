"""The recipe of an environment, from what the files of a source say. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from fairlead.contract import EnvironmentRecipe, TaskFailure
from fairlead.inputs.azureml_packages import AzureMLPackages, without_provided
from fairlead.inputs.conda import with_default_channels
from fairlead.inputs.source import NamedFiles, ParsedSource
from fairlead.requirement import CondaRecipe, Requirement


@dataclass(frozen=True)
class RecipeSettings:
    """What the operator's settings say of it."""

    base_image: str
    channels: tuple[str, ...]
    """What ``defaults`` stands for in a conda file."""
    cuda: str
    provides_azureml: bool
    """Packages of Azure ML v1 that the runtime answers for are left out."""


def installed_packages(parsed: ParsedSource, *, provided: bool) -> AzureMLPackages:
    """What pip is to install, and what it is spared where that is ``provided``."""
    requirements, uses = parsed.environment.requirements, parsed.uses
    if not provided:
        return AzureMLPackages(requirements)
    return without_provided(requirements, uses.imports, uses.azureml)


def recipe_of(
    named: NamedFiles,
    parsed: ParsedSource,
    requirements: tuple[Requirement, ...],
    digests: Mapping[str, str],
    settings: RecipeSettings,
    programs: Collection[str] = (),
) -> EnvironmentRecipe:
    """``requirements`` are what pip is to install, ``digests`` the sha256 of each file,
    ``programs`` those that may be run."""
    environment = parsed.environment
    return EnvironmentRecipe(
        base_image=settings.base_image,
        python=environment.python,
        python_line=environment.python_line,
        requirements=requirements,
        constraints=environment.constraints,
        options=environment.options,
        conda=environment.conda and _with_settings(environment.conda, settings),
        file=named.conda_file or named.requirements_file,
        steps=parsed.steps,
        steps_file=named.docker_file,
        copied={path: digests[path] for path in parsed.copied},
        local={path: digests[path] for path in parsed.local},
        programs=tuple(sorted({*parsed.copied, *parsed.local} & {*programs})) or None,
    )


def located(failure: TaskFailure, recipe: EnvironmentRecipe) -> TaskFailure:
    """The failure, with the user's own file and line where the recipe has what is to blame.

    It then names no requirement any more: who knows less of the recipe has nothing to add.
    """
    location = _place_of(failure.requirement, recipe)
    if location is None:
        return failure
    message = f"{location} asks for {failure.message}"
    located = {"message": message, "location": location, "requirement": None}
    return failure.model_copy(update=located)


def _place_of(requirement: str | None, recipe: EnvironmentRecipe) -> str | None:
    conda = (*recipe.conda.packages, *recipe.conda.channels) if recipe.conda else ()
    pip = (*recipe.requirements, *recipe.constraints, *recipe.options)
    asked = (one for one in (*pip, *conda) if one.line)
    return next((recipe.place(one) for one in asked if one.text == requirement), None)


def _with_settings(conda: CondaRecipe, settings: RecipeSettings) -> CondaRecipe:
    """What the settings add to a conda file: all of it counts for the environment's hash."""
    whole = with_default_channels(conda, settings.channels)
    return replace(whole, cuda=settings.cuda)
