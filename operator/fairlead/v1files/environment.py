"""An Environment of v1: in `inferenceconfig.json`, in a folder of its own, in a `.runconfig`."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from fairlead.finding import quoted
from fairlead.v1files.fields import Fields, Said
from fairlead.v1files.notes import Notes

AZURE_ML_IMAGES = ("mcr.microsoft.com/azureml/", "viennaglobal.azurecr.io/", "azureml/")
_DOCKER_DEFAULTS = ("enabled", "sharedVolumes", "shmSize", "platform", "preparedEnvironment")
_NONE_HERE = {
    "spark": "Fairlead serves with Python alone: start what needs Spark elsewhere.",
    "r": "Fairlead serves with Python alone: call R from the script, installed by conda.",
    "databricks": "Name its packages in the conda file.",
}
_OTHERS = ("assetId", "autoRebuild", "description", "environmentType", "purpose", "tags")


@dataclass(frozen=True)
class Registry:
    """Where a base image comes from, and whether its registry asks who you are."""

    address: str
    place: str
    needs_credentials: bool


@dataclass(frozen=True)
class V1Environment:
    """``conda`` is a conda file's content as it stood in the JSON. What is not given is None."""

    place: str = ""
    name: Said[str] | None = None
    variables: Mapping[str, Said[object]] = field(default_factory=dict)
    conda: Said[object] | None = None
    conda_file: Said[str] | None = None
    user_managed: Said[bool] | None = None
    base_image: Said[str] | None = None
    registry: Registry | None = None
    dockerfile: Said[str] | None = None

    @property
    def is_only_named(self) -> bool:
        """It says which of the workspace's environments is meant, and nothing of what is in it."""
        parts = (self.conda, self.conda_file, self.user_managed, self.base_image, self.dockerfile)
        return self.name is not None and not any(parts) and not self.variables


def read_environment(fields: Fields, notes: Notes) -> V1Environment:
    """Read the mapping that an Environment is written as; what has no counterpart is told."""
    name = fields.text("name")
    fields.without_meaning("version", "inferencingStackVersion", *_OTHERS)
    python, docker = fields.below("python"), fields.below("docker")
    variables = fields.below("environmentVariables")
    found = V1Environment(
        place=fields.place(),
        name=name,
        variables=dict(variables.pairs()),
        conda=python.anything("condaDependencies"),
        conda_file=python.text("condaDependenciesFile"),
        user_managed=python.flag("userManagedDependencies"),
        base_image=docker.text("baseImage"),
        registry=read_registry(docker, notes),
        dockerfile=docker.text("baseDockerfile"),
    )
    _tell_python(python, notes)
    _tell_docker(docker, notes)
    for block, remedy in _NONE_HERE.items():
        _tell_block(fields, block, remedy, notes)
    fields.tell_unknown()
    return found


def read_registry(fields: Fields, notes: Notes) -> Registry | None:
    """`baseImageRegistry`: a mapping, or its address alone. Its password is left where it is."""
    given = fields.anything("baseImageRegistry")
    if given is None:
        return None
    if isinstance(given.value, str):
        return Registry(given.value, given.place, needs_credentials=False) if given.value else None
    block = fields.below("baseImageRegistry")
    address = block.text("address")
    secret = any([block.text("username"), block.text("password")])
    block.without_meaning("registryIdentity")
    block.tell_unknown()
    if address is None:
        if secret:
            words = "Address, Username and Password must be provided for base image registry"
            notes.problem(given.place, words, "Give the registry's address.")
        return None
    return Registry(address.value, address.place, secret)


def _tell_python(python: Fields, notes: Notes) -> None:
    interpreter, base = python.text("interpreterPath"), python.text("baseCondaEnvironment")
    if interpreter and interpreter.value not in ("python", "python3"):
        remedy = "The Python is the conda file's, or the first `python` of the base image's path."
        words = f"interpreterPath {quoted(interpreter.value)} has no counterpart here"
        notes.remark(interpreter.place, words, remedy)
    if base:
        words = "baseCondaEnvironment has no counterpart here"
        notes.remark(base.place, words, "Name its packages in the conda file.")
    python.without_meaning("baseCondaEnvironment")
    python.tell_unknown()


def _tell_docker(docker: Fields, notes: Notes) -> None:
    arguments = docker.texts("arguments")
    if arguments:
        remedy = "What they set is in spec.resources, spec.volumes and spec.environmentVariables."
        notes.remark(
            docker.place("arguments"), "arguments of `docker run` have no counterpart here", remedy
        )
    docker.without_meaning(*_DOCKER_DEFAULTS)
    docker.tell_unknown()


def _tell_block(fields: Fields, name: str, remedy: str, notes: Notes) -> None:
    """Of a block that every file has, and hardly any fills in."""
    given = fields.anything(name)
    if given is not None and _is_filled(given.value):
        notes.remark(given.place, f"{quoted(name)} has no counterpart here", remedy)


def _is_filled(value: object) -> bool:
    """Whether it names a package; repositories and switches stand there by default."""
    if not isinstance(value, dict):
        return bool(value)
    return any(
        key.lower().endswith(("packages", "libraries")) and bool(content) and content is not True
        for key, content in value.items()
    )
