"""Import this first, and ``azureml.core`` is ours: v1's code runs as it is.

Raises ``ImportError`` where another ``azureml`` was imported before.
"""

import importlib
import pkgutil
import sys
from collections.abc import Iterator, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

import fairlead.azureml

OURS, THEIRS = "fairlead.azureml", "azureml"
INSTEAD = {
    "azureml.train": "Training is done elsewhere; register what it wrote: Model.register.",
    "azureml.pipeline": "Pipelines are run elsewhere; register what they wrote: Model.register.",
    "azureml.data": "Read data where it lies: pandas, or the storage's own client.",
    "azureml.widgets": "service.wait_for_deployment(show_output=True) tells what goes on.",
    "azureml.mlflow": "Register what MLflow wrote as a folder: Model.register.",
    "azureml.contrib.services": "Only scoring scripts import it, and every image has it.",
}


WITHIN = {  # modules of v1's packages, which are one module each here
    "exceptions": ("_azureml_exception",),
    "core.compute": ("aks", "compute"),
    "core.image": ("container", "image"),
    "core.webservice": ("aci", "aks", "local", "webservice"),
}


class AbsentModules(MetaPathFinder):
    """Tells of modules of v1 that are not here what to do instead."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        del path, target
        if fullname.partition(".")[0] != THEIRS:
            return None
        said = (text for name, text in INSTEAD.items() if f"{fullname}.".startswith(f"{name}."))
        instead = next(said, "docs/azureml.md lists what is.")
        raise ModuleNotFoundError(
            f"{fullname} is not in fairlead.azureml.compat. {instead}", name=fullname
        )


def _names() -> Iterator[str]:
    """v1's modules that are here, those that hold others first."""
    yield ""
    yield ".exceptions"
    yield ".core"
    core = importlib.import_module(f"{OURS}.core")
    yield from (f".core.{one.name}" for one in pkgutil.iter_modules(core.__path__))


def install() -> None:
    """Once; again it does nothing."""
    known = sys.modules.get(THEIRS)
    if known is fairlead.azureml:
        return
    if known is not None:
        raise ImportError(
            f"azureml was imported before, from {getattr(known, '__file__', None)}: import "
            "fairlead.azureml.compat first."
        )
    for name in _names():
        sys.modules[f"{THEIRS}{name}"] = importlib.import_module(f"{OURS}{name}")
    for name, modules in WITHIN.items():
        for module in modules:
            sys.modules[f"{THEIRS}.{name}.{module}"] = sys.modules[f"{THEIRS}.{name}"]
    sys.meta_path.insert(0, AbsentModules())


install()
