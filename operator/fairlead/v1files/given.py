"""Which of v1's files each path is: told by its name, and where that says nothing, by its keys."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from fairlead.finding import listed, quoted
from fairlead.v1files.arguments import Arguments
from fairlead.v1files.document import MAX_FILE_BYTES, Document, read_document
from fairlead.v1files.fields import Said
from fairlead.v1files.found_files import CONFIG_FOLDERS, Lookup
from fairlead.v1files.tree import clean, joined

ENVIRONMENT_FILE = "azureml_environment.json"
CONDA_FILES = ("conda_dependencies.yml", "conda_dependencies.yaml")
BASE_DOCKERFILE = "BaseDockerfile"
DOCUMENTS = (".json", ".yml", ".yaml", ".runconfig")
_BEGINNINGS = ("inference", "deployment", "aci", "aks")
_NOT_OURS = "config.json"  # where the workspace is


@dataclass
class Given:
    """At most one of each, but for models' records; ``folders``: those that were named whole."""

    inference: Document | None = None
    deployment: Document | None = None
    environment: Document | None = None
    run: Document | None = None
    conda_file: Said[str] | None = None
    requirements: Said[str] | None = None
    steps: Said[str] | None = None
    base_dockerfile: Said[str] | None = None
    script: Said[str] | None = None
    records: list[Document] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    """Paths of v1's own files: they are none of the source's."""


def read_given(arguments: Arguments, lookup: Lookup) -> Given:
    """Read every path and every file that an argument names."""
    found = Given()
    reader = _Reader(found, lookup)
    for name, kind in (("inference_config", "inference"), ("deploy_config", "deployment")):
        said = arguments.texts.get(name)
        if said and (path := lookup.file(said, (), "the file")):
            reader.keep(kind, reader.document(path, said.place), said.place)
    for said in arguments.lists.get("metadata", ()):
        if path := lookup.file(said, (), "the file"):
            reader.keep("records", reader.document(path, said.place), said.place)
    directory = arguments.texts.get("environment_directory")
    if directory and (path := lookup.folder(directory, (), "the folder")):
        reader.environment_folder(path, directory.place)
    for said in arguments.paths:
        reader.path(said)
    return found


class _Reader:
    def __init__(self, found: Given, lookup: Lookup) -> None:
        self._found, self._lookup, self._notes = found, lookup, lookup.notes

    def document(self, path: str, place: str) -> Document | None:
        self._found.seen.add(path)
        content = self._lookup.content(path, MAX_FILE_BYTES, place)
        return None if content is None else read_document(path, content, self._notes)

    def keep(self, kind: str, document: Document | None, place: str) -> None:
        if document is None:
            return
        if kind == "records":
            self._found.records.append(document)
        elif getattr(self._found, kind) is not None:
            words = f"{quoted(document.file)} is a second file of its kind"
            self._notes.problem(place, words, "Give one of them.")
        else:
            setattr(self._found, kind, document)

    def path(self, said: Said[str]) -> None:
        path = clean(said.value)
        if self._lookup.tree.is_folder(path):
            self._folder(path, said)
        elif self._lookup.tree.is_file(path):
            self._file(path, said)
        else:
            words = f"{quoted(path)} is neither a file nor a folder"
            self._notes.problem(path, words, "Correct the path.")

    def environment_folder(self, folder: str, place: str) -> None:
        """What `Environment.save_to_directory` and `az ml environment download` wrote."""
        path = self._inside(folder, ENVIRONMENT_FILE)
        if path:
            self.keep("environment", self.document(path, place), place)
        else:
            words = f"{quoted(folder)} has no {ENVIRONMENT_FILE}"
            self._notes.problem(place, words, "Give the folder that has it.")
        for name in CONDA_FILES:
            if path := self._inside(folder, name):
                self._found.conda_file = Said(path, place, typed=True)
        if path := self._inside(folder, BASE_DOCKERFILE):
            self._found.base_dockerfile = Said(path, path, typed=True)
            self._found.seen.add(path)

    def _inside(self, folder: str, name: str) -> str | None:
        """A file that lies in a folder; a link that leads out of it is none, and is told."""
        path = joined(folder, name)
        if not self._lookup.tree.is_file(path):
            return None
        if self._lookup.tree.inside(path, folder):
            return path
        words = f"{quoted(path)} is a link that leads out of its folder"
        self._notes.problem(path, words, "Copy the file there.")
        return None

    def _folder(self, folder: str, said: Said[str]) -> None:
        if self._lookup.tree.is_file(joined(folder, ENVIRONMENT_FILE)):
            self.environment_folder(folder, said.place)
            return
        before = len(self._found.seen)
        self._found.folders.append(folder)
        for path in self._of_project(folder):
            if self._inside(folder, path.removeprefix(f"{folder}/")):
                self._file(path, Said(path, path, typed=True))
        if len(self._found.seen) == before:
            words = f"{quoted(folder)} has none of v1's files"
            remedy = "Name inferenceconfig.json and deploymentconfig.json, wherever they are."
            self._notes.problem(said.place, words, remedy)

    def _of_project(self, folder: str) -> Iterator[str]:
        """Configurations at the top and in `.azureml`; environments there."""
        tree = self._lookup.tree
        names = sorted(tree.walk(folder).files)
        top = [name for name in names if "/" not in name and _is_configuration(name)]
        several = [name for name in top if not name.lower().startswith("inference")]
        if len(several) > 1:
            words = f"{quoted(folder)} has several deployment configurations: {listed(several)}"
            self._notes.problem(folder, words, "Name the one that is meant, and not the folder.")
            top = [name for name in top if name not in several]
        yield from (joined(folder, name) for name in top)
        for config in (joined(folder, name) for name in CONFIG_FOLDERS):
            if tree.is_folder(config):
                yield from self._of_config_folder(config)

    def _of_config_folder(self, config: str) -> Iterator[str]:
        tree = self._lookup.tree
        for place in (config, joined(config, "environment")):
            if tree.is_file(joined(place, ENVIRONMENT_FILE)):
                self.environment_folder(place, place)
                return
        runs = [name for name in sorted(tree.walk(config).files) if name.endswith(".runconfig")]
        if len(runs) == 1:
            yield joined(config, runs[0])
        elif runs:
            words = f"{quoted(config)} has several run configurations: {listed(runs)}"
            self._notes.remark(config, words, "Name one of them to take its environment.")

    def _file(self, path: str, said: Said[str]) -> None:
        name = path.rpartition("/")[2].lower()
        one = Said(path, said.place, typed=True)
        if name.endswith(".py"):
            self._found.script = one
        elif name.startswith("requirements") and name.endswith(".txt"):
            self._found.requirements = one
        elif name == "basedockerfile":
            self._found.base_dockerfile = one
            self._found.seen.add(path)
        elif "dockerfile" in name:
            self._found.steps = one
        elif name.endswith(DOCUMENTS):
            self._document(path, one)
        else:
            words = f"{quoted(path)} is none of v1's files"
            self._notes.problem(path, words, "A model goes to --model NAME=PATH.")

    def _document(self, path: str, said: Said[str]) -> None:
        document = self.document(path, said.place)
        if document is None:
            return
        kind = _kind(document)
        if kind == "conda":
            self._found.seen.discard(path)
            self._found.conda_file = said
        elif kind:
            self.keep(kind, document, said.place)
        elif path.rpartition("/")[2] != _NOT_OURS:
            words = f"{quoted(path)} has the keys of none of v1's files"
            remedy = "Name it by its argument: --ic, --dc, -f or --conda-file."
            self._notes.problem(path, words, remedy)


def _is_configuration(name: str) -> bool:
    lower = name.lower()
    return lower.endswith(DOCUMENTS[:3]) and lower.startswith(_BEGINNINGS) and "config" in lower


def _kind(document: Document) -> str:
    keys = set(document.root)
    if document.file.endswith(".runconfig") or {"framework", "environment", "target"} <= keys:
        return "run"
    if {"entryScript", "executionScript"} & keys:
        return "inference"
    if "computeType" in keys or {"containerResourceRequirements", "autoScaler"} & keys:
        return "deployment"
    if {"modelId", "modelFramework"} & keys or {"id", "createdTime", "framework"} <= keys:
        return "records"
    if {"python", "docker"} & keys:
        return "environment"
    return "conda" if "dependencies" in keys else ""
