"""``Environment``: packages, base image and variables, as v1 names them."""

import copy
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairlead.azureml.dependencies import CondaDependencies
from fairlead.azureml.exceptions import InvalidConfigurationError, UnsupportedError

if TYPE_CHECKING:
    from fairlead.azureml.workspace import Workspace

DEFINITION_FILE = "azureml_environment.json"
CONDA_FILE = "conda_dependencies.yml"


class ContainerRegistry:
    """Where the base image lies, and who may read it."""

    def __init__(self) -> None:
        self.address: str | None = None
        self.username: str | None = None
        self.password: str | None = None


class PythonSection:
    """The packages."""

    def __init__(self) -> None:
        self.user_managed_dependencies = False
        self.interpreter_path = "python"
        self.conda_dependencies_file: str | None = None
        self.conda_dependencies: CondaDependencies | None = CondaDependencies()
        self.base_conda_environment: str | None = None


class DockerSection:
    """The image beneath: either of ``base_image`` and ``base_dockerfile``, else the operator's
    default. What v1 had for training alone is kept and has no effect."""

    def __init__(self) -> None:
        self.enabled = False
        self.base_image: str | None = None
        self.base_dockerfile: str | None = None
        self.base_image_registry = ContainerRegistry()
        self.arguments: list[str] = []
        self.shared_volumes = True
        self.shm_size: str | None = None
        self.gpu_support = False


class Environment:
    """A name, packages, a base image and variables. ``version`` is there once it is registered."""

    def __init__(self, name: str, **kwargs: Any) -> None:
        self.name = name
        self.version: str | None = None
        self.python = PythonSection()
        self.docker = DockerSection()
        self.environment_variables: dict[str, str] = {}
        self.inferencing_stack_version: str | None = None
        for key, value in kwargs.items():
            setattr(self, key, value)

    @staticmethod
    def from_conda_specification(name: str, file_path: str) -> "Environment":
        made = Environment(name)
        made.python.conda_dependencies = CondaDependencies(file_path)
        return made

    @staticmethod
    def from_pip_requirements(
        name: str, file_path: str, pip_version: str | None = None
    ) -> "Environment":
        """What a requirements file asks for becomes pip's list of the conda file."""
        made = Environment(name)
        made.python.conda_dependencies = _of_requirements(Path(file_path))
        if pip_version:
            made.python.conda_dependencies.add_conda_package(f"pip={pip_version}")
        return made

    @staticmethod
    def from_docker_image(
        name: str,
        image: str,
        container_registry: ContainerRegistry | None = None,
        conda_specification: str | None = None,
        pip_requirements: str | None = None,
    ) -> "Environment":
        made = Environment(name)
        made.docker.base_image = image
        if container_registry is not None:
            made.docker.base_image_registry = container_registry
        return _with_packages(made, conda_specification, pip_requirements)

    @staticmethod
    def from_dockerfile(
        name: str,
        dockerfile: str,
        conda_specification: str | None = None,
        pip_requirements: str | None = None,
    ) -> "Environment":
        """``dockerfile``: a path, or the text of one."""
        made = Environment(name)
        made.docker.base_dockerfile = _text_or_file(dockerfile)
        return _with_packages(made, conda_specification, pip_requirements)

    @staticmethod
    def from_existing_conda_environment(name: str, conda_environment_name: str) -> "Environment":
        raise UnsupportedError(
            f"Environment.from_existing_conda_environment({name!r}, {conda_environment_name!r})",
            f"Write it down: `conda env export --from-history -n {conda_environment_name} > "
            "myenv.yml`, then Environment.from_conda_specification.",
        )

    @staticmethod
    def get(
        workspace: "Workspace", name: str, version: str | None = None, label: str | None = None
    ) -> "Environment":
        """One that was registered, the newest without a version.

        Raises ``InvalidConfigurationError``.
        """
        if version is not None and label is not None:
            raise InvalidConfigurationError("Give a version or a label, not both.")
        versions = workspace.store.environments().get(name) or {}
        wanted = str(version) if version is not None else max(versions, key=int, default="")
        if wanted not in versions:
            raise InvalidConfigurationError(_no_such(name, version, versions))
        return Environment.from_content(versions[wanted], wanted)

    @staticmethod
    def list(workspace: "Workspace") -> dict[str, "Environment"]:
        """The newest version of each, by name."""
        found = workspace.store.environments()
        return {name: Environment.get(workspace, name) for name in sorted(found)}

    def register(self, workspace: "Workspace") -> "Environment":
        """Keep it under its name; what is the same as the newest version makes no other one."""
        content = self.content()
        known = workspace.store.environments().get(self.name) or {}
        newest = max(known, key=int, default="0")
        version = newest if known.get(newest) == content else str(int(newest) + 1)
        if version not in known:
            workspace.store.keep_environment(self.name, version, content)
        return Environment.from_content(content, version)

    def clone(self, new_name: str) -> "Environment":
        cloned = copy.deepcopy(self)
        cloned.name, cloned.version = new_name, None
        return cloned

    def build(self, workspace: "Workspace", image_build_compute: str | None = None) -> None:
        del workspace, image_build_compute
        raise UnsupportedError(
            "Environment.build()",
            "An environment is built with the first image that needs it, and shared by all that "
            "need the same: Image.create(...) or Model.deploy(...).",
        )

    build_local = build

    def save_to_directory(self, path: str, overwrite: bool = False) -> None:
        """``azureml_environment.json`` and ``conda_dependencies.yml``, as v1 had them."""
        folder = Path(path)
        if folder.exists() and not overwrite:
            raise InvalidConfigurationError(f"{folder} exists: give overwrite=True to replace it.")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / DEFINITION_FILE).write_text(json.dumps(self.content(), indent=2))
        if self.python.conda_dependencies is not None:
            self.python.conda_dependencies.save_to_file(str(folder), CONDA_FILE)

    @staticmethod
    def load_from_directory(path: str) -> "Environment":
        """What ``save_to_directory`` wrote, here or in v1."""
        file = Path(path, DEFINITION_FILE)
        try:
            content = json.loads(file.read_text("utf-8-sig"))
        except (OSError, ValueError) as error:
            raise InvalidConfigurationError(f"{file} cannot be read: {error}") from error
        if not isinstance(content, dict):
            raise InvalidConfigurationError(f"{file} holds no environment.")
        made = Environment.from_content(content, content.get("version"))
        if Path(path, CONDA_FILE).is_file():
            made.python.conda_dependencies = CondaDependencies(str(Path(path, CONDA_FILE)))
        return made

    def content(self) -> dict[str, Any]:
        """As ``inferenceconfig.json`` and v1's folders have it; no password is in it."""
        conda = self.python.conda_dependencies
        registry = self.docker.base_image_registry
        return {
            "name": self.name,
            "environmentVariables": dict(self.environment_variables),
            "python": {
                "userManagedDependencies": self.python.user_managed_dependencies,
                "interpreterPath": self.python.interpreter_path,
                "condaDependenciesFile": self.python.conda_dependencies_file,
                "condaDependencies": conda.as_dict() if conda else None,
            },
            "docker": {
                "baseImage": self.docker.base_image,
                "baseDockerfile": self.docker.base_dockerfile,
                "baseImageRegistry": {"address": registry.address, "username": registry.username},
            },
            "inferencingStackVersion": self.inferencing_stack_version,
        }

    @staticmethod
    def from_content(content: Mapping[str, Any], version: object = None) -> "Environment":
        """Of what ``content()`` returned, or v1 wrote."""
        made = Environment(str(content.get("name") or "environment"))
        made.version = str(version) if version is not None else None
        python, docker = content.get("python") or {}, content.get("docker") or {}
        conda = python.get("condaDependencies")
        made.python.user_managed_dependencies = bool(python.get("userManagedDependencies"))
        made.python.conda_dependencies_file = python.get("condaDependenciesFile")
        made.python.conda_dependencies = (
            CondaDependencies(_underlying_structure=conda) if conda else None
        )
        made.docker.base_image = docker.get("baseImage")
        made.docker.base_dockerfile = docker.get("baseDockerfile")
        registry = docker.get("baseImageRegistry") or {}
        made.docker.base_image_registry.address = registry.get("address")
        made.docker.base_image_registry.username = registry.get("username")
        made.environment_variables = dict(content.get("environmentVariables") or {})
        made.inferencing_stack_version = content.get("inferencingStackVersion")
        return made

    def __repr__(self) -> str:
        return json.dumps({**self.content(), "version": self.version}, indent=4)


def conda_text(environment: Environment) -> str | None:
    """The conda file; None where the base image is to have all packages."""
    python = environment.python
    if python.user_managed_dependencies:
        return None
    if python.conda_dependencies_file:
        return CondaDependencies(python.conda_dependencies_file).serialize_to_string()
    return python.conda_dependencies.serialize_to_string() if python.conda_dependencies else None


def _with_packages(made: Environment, conda: str | None, requirements: str | None) -> Environment:
    if conda and requirements:
        raise InvalidConfigurationError("Give conda_specification or pip_requirements, not both.")
    if conda:
        made.python.conda_dependencies = CondaDependencies(conda)
    elif requirements:
        made.python.conda_dependencies = _of_requirements(Path(requirements))
    else:
        made.python.user_managed_dependencies = True
    return made


def _of_requirements(path: Path) -> CondaDependencies:
    try:
        lines = [line.strip() for line in path.read_text("utf-8-sig").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidConfigurationError(f"{path} cannot be read: {error}") from error
    made = CondaDependencies.create(pip_packages=[])
    for line in lines:
        if line.startswith("-"):
            made.set_pip_option(line)
        elif line and not line.startswith("#"):
            made.add_pip_package(line)
    return made


def _text_or_file(dockerfile: str) -> str:
    if "\n" in dockerfile or not Path(dockerfile).is_file():
        return dockerfile
    return Path(dockerfile).read_text("utf-8-sig")


def _no_such(name: str, version: str | None, versions: Iterable[str]) -> str:
    there = ", ".join(sorted(versions, key=int))
    if there:
        return f"Environment '{name}' has no version {version}; it has {there}."
    curated = (
        " Azure's curated environments are not here: make one with "
        "Environment.from_conda_specification, and register it."
    )
    return f"No environment '{name}' is registered.{curated if name.startswith('AzureML') else ''}"
