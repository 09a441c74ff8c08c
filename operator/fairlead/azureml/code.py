"""The files of an image, wherever its configuration names them: what goes into its source."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fairlead.azureml.base_dockerfile import base_and_steps
from fairlead.azureml.environment import CONDA_FILE, ContainerRegistry, conda_text
from fairlead.azureml.exceptions import InvalidConfigurationError, UnsupportedError
from fairlead.azureml.image_configuration import ContainerImageConfig
from fairlead.azureml.inference_config import InferenceConfig

STEPS_FILE = "Dockerfile.steps"
ImageConfiguration = InferenceConfig | ContainerImageConfig


@dataclass(frozen=True)
class Code:
    """Paths are absolute where they are on this machine.

    ``folder``: all of it is the source. ``files``: files and folders that go with the script, by
    their names in the source. ``conda`` and ``steps`` are texts that no file has.
    """

    script: Path
    folder: Path | None = None
    files: Mapping[str, Path] = field(default_factory=dict)
    conda_file: Path | None = None
    conda: str | None = None
    steps_file: Path | None = None
    steps: str | None = None
    base_image: str | None = None
    registry: ContainerRegistry | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    description: str | None = None
    gpu: bool = False


def code_of(config: ImageConfiguration) -> Code:
    """Raises ``InvalidConfigurationError`` and ``UnsupportedError``."""
    config.validate_configuration()
    if isinstance(config, ContainerImageConfig):
        return _of_image_configuration(config)
    if not isinstance(config, InferenceConfig):
        raise InvalidConfigurationError(
            "An InferenceConfig or a ContainerImage.image_configuration is needed, "
            f"not a {type(config).__name__}."
        )
    return _of_inference_config(config)


def _of_image_configuration(config: ContainerImageConfig) -> Code:
    _check_runtime(config.runtime)
    named = [*config.dependencies, *([config.schema_file] if config.schema_file else [])]
    return Code(
        script=config.folder / config.execution_script,
        files={Path(path).as_posix().removeprefix("./"): config.folder / path for path in named},
        conda_file=_path(config.folder, config.conda_file),
        steps_file=_path(config.folder, config.docker_file),
        base_image=_checked_base(config.base_image, gpu=bool(config.enable_gpu)),
        registry=config.base_image_registry,
        description=config.description,
        gpu=bool(config.enable_gpu),
    )


def _of_inference_config(config: InferenceConfig) -> Code:
    folder = config.folder if config.source_directory else None
    script = config.folder / config.entry_script
    if config.environment is not None:
        return _with_environment(config, script, folder)
    _check_runtime(config.runtime)
    return Code(
        script=script,
        folder=folder,
        conda_file=_path(config.folder, config.conda_file),
        steps_file=_path(config.folder, config.extra_docker_file_steps),
        base_image=_checked_base(config.base_image, gpu=bool(config.enable_gpu)),
        registry=config.base_image_registry,
        description=config.description,
        gpu=bool(config.enable_gpu),
    )


def _with_environment(config: InferenceConfig, script: Path, folder: Path | None) -> Code:
    environment = config.environment
    if environment is None:
        raise AssertionError
    base, steps = environment.docker.base_image, ""
    if environment.docker.base_dockerfile:
        base, steps = base_and_steps(environment.docker.base_dockerfile)
    return Code(
        script=script,
        folder=folder,
        conda=conda_text(environment),
        steps=steps or None,
        base_image=base,
        registry=environment.docker.base_image_registry,
        variables=dict(environment.environment_variables),
        description=config.description,
    )


def source_of(code: Code) -> tuple[dict[str, bytes], dict[str, str]]:
    """The files of the source by their names, and the fields of an InferenceImage that name some
    of them. Raises ``LocalError`` where one cannot be read."""
    from fairlead.local.files import read_bytes, source_files

    files = source_files(code.folder) if code.folder else {}
    for name, path in _expanded(code.files):
        files[name] = read_bytes(path)
    fields = dict[str, str]()
    named = {
        "entryScript": code.script,
        "condaFile": code.conda_file,
        "dockerFile": code.steps_file,
    }
    for one, given in named.items():
        if given is not None:
            fields[one] = name_in_source(given, code.folder)
            files[fields[one]] = read_bytes(given)
    texts = {"condaFile": (CONDA_FILE, code.conda), "dockerFile": (STEPS_FILE, code.steps)}
    for one, (name, text) in texts.items():
        if text is not None:
            fields[one] = name if files.get(name) in (None, text.encode()) else f"fairlead-{name}"
            files[fields[one]] = text.encode()
    return files, fields


def name_in_source(path: Path, folder: Path | None) -> str:
    """Below the folder its path from there; else its own name."""
    if folder and path.is_relative_to(folder):
        return path.relative_to(folder).as_posix()
    return path.name


def _expanded(files: Mapping[str, Path]) -> Iterator[tuple[str, Path]]:
    from fairlead.local.files import folder_files

    for name, path in files.items():
        if path.is_dir():
            inside = "" if name in (".", "") else f"{name.rstrip('/')}/"
            yield from ((f"{inside}{one}", path / one) for one in folder_files(path))
        else:
            yield name, path


def _path(folder: Path, name: str | None) -> Path | None:
    return folder / name if name is not None else None


def _check_runtime(runtime: str | None) -> None:
    if (runtime or "").lower() == "spark-py":
        raise UnsupportedError(
            "The runtime spark-py",
            "Use runtime='python' with a base_image that has Spark and Java, and start the session "
            "in init().",
        )


def _checked_base(image: str | None, *, gpu: bool) -> str | None:
    if gpu and image is None:
        raise UnsupportedError(
            "enable_gpu without a base image",
            "Name in base_image an image with CUDA, and ask for GPUs with gpu_cores in "
            "AksWebservice.deploy_configuration.",
        )
    return image
