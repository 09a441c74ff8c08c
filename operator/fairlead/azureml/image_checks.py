"""What v1 checked of an image's configuration before it sent anything: the first problem counts."""

from pathlib import Path

from fairlead.azureml.environment import ContainerRegistry
from fairlead.azureml.exceptions import InvalidConfigurationError
from fairlead.azureml.names import check_script_name

RUNTIMES = ("python", "python-slim", "spark-py")
CUDA_VERSIONS = ("9.0", "9.1", "10.0")


def check_script(path: str, folder: Path, what: str) -> None:
    """``what`` is the parameter in v1's words.

    Raises ``InvalidConfigurationError``, as all of these.
    """
    lower = what.lower()
    if Path(path).is_absolute():
        raise InvalidConfigurationError(
            f"Unable to use absolute path for {lower}. Please use a relative path: {path} is to "
            f"lie in {folder}."
        )
    if not (folder / path).resolve().is_relative_to(folder.resolve()):
        raise InvalidConfigurationError(
            f"Unable to use an {lower} not in current directory. Please navigate to the directory "
            f"that {path} lies in, or name it in source_directory."
        )
    check_file(what, path, folder)
    check_script_name(path)


def check_file(what: str, path: str | None, folder: Path) -> None:
    if path is not None and not (folder / path).exists():
        raise InvalidConfigurationError(f"{what} {path} doesn't exist. ")


def check_runtime(runtime: str) -> None:
    if runtime.lower() not in RUNTIMES:
        raise InvalidConfigurationError(
            "Provided runtime not supported. Possible runtimes are: spark-py|python"
        )


def check_cuda(version: str | None) -> None:
    if version is not None and version not in CUDA_VERSIONS:
        possible = "|".join(CUDA_VERSIONS)
        raise InvalidConfigurationError(
            f"Provided cuda_version not supported. Possible versions are: {possible}"
        )


def check_base_image(image: str | None, runtime: str, registry: ContainerRegistry | None) -> None:
    if image is not None and runtime.lower() != "python":
        raise InvalidConfigurationError(
            f"Custom base image is not supported for {runtime} run time. "
            "Please use python as run time."
        )
    parts = (registry.address, registry.username, registry.password) if registry else ()
    if any(parts) and not all(parts):
        raise InvalidConfigurationError(
            "Address, Username and Password must be provided for base image registry"
        )
