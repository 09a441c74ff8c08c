"""``ContainerImage.image_configuration``: the script, its packages and its image, for an image."""

from collections.abc import Sequence
from pathlib import Path

from fairlead.azureml.environment import ContainerRegistry
from fairlead.azureml.exceptions import InvalidConfigurationError
from fairlead.azureml.image_checks import (
    check_base_image,
    check_cuda,
    check_file,
    check_runtime,
    check_script,
)


class ContainerImageConfig:
    """Raises ``InvalidConfigurationError`` for the first problem, as v1 did."""

    def __init__(
        self,
        execution_script: str,
        runtime: str,
        conda_file: str | None = None,
        docker_file: str | None = None,
        schema_file: str | None = None,
        dependencies: Sequence[str] | None = None,
        enable_gpu: bool | None = None,
        tags: dict[str, str] | None = None,
        properties: dict[str, str] | None = None,
        description: str | None = None,
        base_image: str | None = None,
        base_image_registry: ContainerRegistry | None = None,
        cuda_version: str | None = None,
    ) -> None:
        self.execution_script = execution_script
        self.runtime = runtime
        self.conda_file = conda_file
        self.docker_file = docker_file
        self.schema_file = schema_file
        self.dependencies = list(dependencies or ())
        self.enable_gpu = enable_gpu
        self.tags = tags
        self.properties = properties
        self.description = description
        self.base_image = base_image
        self.base_image_registry = base_image_registry or ContainerRegistry()
        self.cuda_version = cuda_version
        self.folder = Path.cwd()
        self.validate_configuration()

    def validate_configuration(self) -> None:
        check_script(self.execution_script, self.folder, "Execution script")
        check_runtime(self.runtime)
        check_file("Conda file", self.conda_file, self.folder)
        check_file("Docker file", self.docker_file, self.folder)
        for path in self.dependencies:
            check_file("Dependency", path, self.folder)
        self._check_schema()
        check_cuda(self.cuda_version)
        check_base_image(self.base_image, self.runtime, self.base_image_registry)

    def _check_schema(self) -> None:
        if self.schema_file is None:
            return
        check_file("Schema file", self.schema_file, self.folder)
        beside = (self.folder / self.execution_script).parent.resolve()
        if not (self.folder / self.schema_file).resolve().is_relative_to(beside):
            raise InvalidConfigurationError(
                "Schema file must be in the same directory as the execution script, or in a "
                f"subdirectory: {self.schema_file} is not."
            )
