"""``InferenceConfig``: the script, its packages and its image, for a deployment in one step."""

from pathlib import Path
from typing import Any

from fairlead.azureml.environment import ContainerRegistry, Environment
from fairlead.azureml.exceptions import InvalidConfigurationError
from fairlead.azureml.image_checks import (
    check_base_image,
    check_cuda,
    check_file,
    check_runtime,
    check_script,
)

EXCLUDED = (
    "runtime",
    "conda_file",
    "extra_docker_file_steps",
    "enable_gpu",
    "cuda_version",
    "base_image",
)


class InferenceConfig:
    """Raises ``InvalidConfigurationError`` for the first problem, as v1 did."""

    def __init__(
        self,
        entry_script: str,
        runtime: str | None = None,
        conda_file: str | None = None,
        extra_docker_file_steps: str | None = None,
        source_directory: str | None = None,
        enable_gpu: bool | None = None,
        description: str | None = None,
        base_image: str | None = None,
        base_image_registry: ContainerRegistry | None = None,
        cuda_version: str | None = None,
        environment: Environment | None = None,
    ) -> None:
        self.entry_script = entry_script
        self.runtime = runtime
        self.conda_file = conda_file
        self.extra_docker_file_steps = extra_docker_file_steps
        self.source_directory = source_directory
        self.enable_gpu = enable_gpu
        self.description = description
        self.base_image = base_image
        self.base_image_registry = base_image_registry or ContainerRegistry()
        self.cuda_version = cuda_version
        self.environment = environment
        self.validate_configuration()

    @property
    def folder(self) -> Path:
        """What paths are relative to."""
        return Path(self.source_directory or ".").absolute()

    def validate_configuration(self) -> None:
        if self.source_directory is not None and not Path(self.source_directory).is_dir():
            raise InvalidConfigurationError(
                f"Source directory {self.source_directory} doesn't exist. "
            )
        check_script(self.entry_script, self.folder, "Entry script")
        if self.environment is not None:
            self._check_environment(self.environment)
            return
        if self.runtime is not None:
            check_runtime(self.runtime)
        check_file("Conda file", self.conda_file, self.folder)
        check_file("Docker file", self.extra_docker_file_steps, self.folder)
        check_cuda(self.cuda_version)
        check_base_image(self.base_image, self.runtime or "python", self.base_image_registry)

    def _check_environment(self, environment: Environment) -> None:
        if any(getattr(self, name) for name in EXCLUDED):
            raise InvalidConfigurationError(
                "Error, unable to provide runtime, conda_file, extra_docker_file_steps, "
                "enable_gpu, cuda_version, or base_image along with an environment object."
            )
        if environment.docker.base_image and environment.docker.base_dockerfile:
            raise InvalidConfigurationError(
                "Error, environment.docker takes base_dockerfile or base_image, not both."
            )

    def content(self) -> dict[str, Any]:
        """For people: what was given."""
        return {key: value for key, value in vars(self).items() if isinstance(value, str)}
