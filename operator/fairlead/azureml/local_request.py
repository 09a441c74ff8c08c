"""What a local service is made from, as `fairlead local deploy` would be asked for it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fairlead.azureml.code import STEPS_FILE, Code
from fairlead.azureml.environment import CONDA_FILE
from fairlead.azureml.exceptions import InvalidConfigurationError, UnsupportedError
from fairlead.local.asked import Asked
from fairlead.local.places import make_private, new_private


@dataclass(frozen=True)
class FileModel:
    """A model whose one file or folder lies on this machine."""

    name: str
    version: int
    path: Path


def asked_of(name: str, code: Code, models: Sequence[FileModel], folder: Path) -> Asked:
    """``folder`` is the service's own: what no file of the user's has is written there, and read
    again by each update. Raises ``UnsupportedError``."""
    if code.gpu:
        raise UnsupportedError("A GPU of a local service", "Local web services do not support GPUs")
    if code.files:
        raise UnsupportedError(
            "dependencies of a local service",
            "Put the files into the script's folder, and name it: InferenceConfig("
            "source_directory=…).",
        )
    conda = code.conda_file or _written(folder, CONDA_FILE, code.conda)
    steps = code.steps_file or _written(folder, STEPS_FILE, code.steps)
    return Asked(
        service=name,
        entry_script=str(code.script),
        source_directory=str(code.folder) if code.folder else None,
        conda_file=str(conda) if conda else None,
        docker_file=str(steps) if steps else None,
        base_image=code.base_image,
        models=named(models),
        variables=dict(code.variables),
    )


def named(models: Iterable[FileModel]) -> tuple[str, ...]:
    """`NAME:VERSION=PATH` of each. Raises ``InvalidConfigurationError`` for one that is twice."""
    found = dict[str, str]()
    for model in models:
        if model.name in found:
            raise InvalidConfigurationError(f"The model '{model.name}' is given twice.")
        found[model.name] = f"{model.name}:{model.version}={model.path}"
    return tuple(found.values())


def _written(folder: Path, name: str, text: str | None) -> Path | None:
    if text is None:
        return None
    make_private(folder)
    path = new_private(folder / name)
    path.write_text(text)
    return path
