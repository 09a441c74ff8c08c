"""Azure ML v1's own packages in an environment file: what of them a scoring script needs is here.

`azureml-defaults` and its kin brought the scoring server and the look-up of models, which every
image has. Most of their releases cannot be installed any more, or only with a long search for
versions that go together. So they are left out, unless something asks for more of them than that.
"""

from collections.abc import Collection
from dataclasses import dataclass

from packaging.requirements import InvalidRequirement
from packaging.requirements import Requirement as Pep508
from packaging.utils import canonicalize_name

from fairlead.inputs.script_uses import Use
from fairlead.requirement import Requirement

FAMILY = "azureml-"
PROVIDED = frozenset(
    (
        *("azureml-defaults", "azureml-core", "azureml-sdk", "azureml-monitoring"),
        *("azureml-model-management-sdk", "azureml-inference-server-http", "azureml-telemetry"),
        *("azureml-contrib-services", "azureml-contrib-server", "azureml-webservice-schema"),
    )
)
BROUGHT_ALONG = {"inference_schema": "inference-schema", "flask": "flask"}
"""What scripts import, and never had to ask for: the server of `azureml-defaults` needs it."""
MODULES = (
    *("azureml.core.model", "azureml.core.Model", "azureml.exceptions"),
    *("azureml.monitoring", "azureml.contrib.services"),
)


@dataclass(frozen=True)
class AzureMLPackages:
    """``requirements`` are what is installed; ``left_out`` is what the runtime answers for."""

    requirements: tuple[Requirement, ...]
    left_out: tuple[Requirement, ...] = ()


def without_provided(
    requirements: tuple[Requirement, ...], imports: Collection[Use], azureml: Collection[Use]
) -> AzureMLPackages:
    """Leave out what the runtime provides, all of it or nothing.

    ``imports`` are the script's, ``azureml`` those below that name, whole. Where the script imports
    more of Azure ML than there is, or another package of that family is asked for, which depends on
    these, everything stays as it was asked for.
    """
    names = {name_of(requirement): requirement for requirement in requirements}
    family = [name for name in names if name.startswith(FAMILY)]
    if not set(family) <= PROVIDED or not all(_is_provided(use.name) for use in azureml):
        return AzureMLPackages(requirements)
    left_out = tuple(one for one in requirements if name_of(one) in PROVIDED)
    kept = tuple(one for one in requirements if name_of(one) not in PROVIDED)
    if not left_out:
        return AzureMLPackages(requirements)
    wanted = [BROUGHT_ALONG[use.name] for use in imports if use.name in BROUGHT_ALONG]
    added = (name for name in wanted if name not in names)
    first = left_out[0]
    also = (Requirement(text=name, line=first.line, file=first.file) for name in added)
    return AzureMLPackages((*kept, *also), left_out)


def name_of(requirement: Requirement) -> str:
    """The package's name; empty where it has none to go by."""
    try:
        return str(canonicalize_name(Pep508(requirement.text.partition(" --hash=")[0]).name))
    except InvalidRequirement:
        return ""


def _is_provided(module: str) -> bool:
    return any(module == known or module.startswith(f"{known}.") for known in MODULES)
