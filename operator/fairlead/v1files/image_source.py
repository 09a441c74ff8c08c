"""What an InferenceImage's source is made of: the script, its folder, its packages, its steps."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import yaml

from fairlead.finding import Finding, quoted
from fairlead.inputs.conda import read_conda
from fairlead.inputs.dockerfile_steps import read_steps
from fairlead.inputs.environment import MAX_FILE_BYTES, Environment, read_environment
from fairlead.inputs.requirements import read_requirements
from fairlead.v1files.base_dockerfile import split_dockerfile, steps_variables
from fairlead.v1files.carried import Carried
from fairlead.v1files.fields import Said
from fairlead.v1files.found_files import Lookup
from fairlead.v1files.given import Given
from fairlead.v1files.inference import Inference
from fairlead.v1files.secrecy import is_secret
from fairlead.v1files.tree import clean, joined

CONDA_FILE, STEPS_FILE = "conda_dependencies.yml", "Dockerfile.steps"
MAX_SCRIPT_BYTES = 10 * 1024 * 1024


@dataclass
class Source:
    """Paths in ``carried``; what is not given is None."""

    carried: Carried
    entry_script: str | None = None
    conda_file: str | None = None
    requirements_file: str | None = None
    docker_file: str | None = None
    base_image: Said[str] | None = None


class SourceReader:
    """``left_out``: paths that are none of the source's: v1's own files, what was made before."""

    def __init__(
        self, inference: Inference, given: Given, lookup: Lookup, left_out: Collection[str]
    ) -> None:
        self._inference, self._given, self._lookup = inference, given, lookup
        self._notes = lookup.notes
        self._left_out = {*given.seen, *left_out}
        self._folder: str | None = None
        file = inference.place
        self._folders = [lookup.base, *given.folders]
        if file:
            self._folders += [one for one in lookup.around(file) if one not in self._folders]

    def read(self) -> Source:
        """All of it, whatever is wrong with some."""
        source = Source(Carried(self._notes))
        self._read_folder(source)
        self._read_script(source)
        self._read_dependencies(source)
        self._read_packages(source)
        self._read_steps(source)
        source.carried.tell_ignored()
        source.carried.check_secrets()
        return source

    def _read_folder(self, source: Source) -> None:
        said = self._inference.source_directory
        if said is None:
            return
        self._folder = self._lookup.folder(said, self._folders, "Source directory")
        if self._folder is not None:
            self._folders = [self._folder, *self._folders]
            source.carried.add_folder(self._folder, "", self._left_out, self._lookup.tree)

    def _read_script(self, source: Source) -> None:
        said = self._inference.entry_script or self._given.script
        if said is None:
            remedy = "Name the script with init() and run(): --entry-script score.py."
            place = self._inference.place or "the command"
            self._notes.problem(place, "no entry script is named", remedy)
        elif path := self._lookup.file(said, self._folders, "Execution script"):
            source.entry_script = self._take(source, path, MAX_SCRIPT_BYTES, said.place)

    def _read_dependencies(self, source: Source) -> None:
        """v1's own `dependencies`: files and folders beside the script."""
        for said in self._inference.dependencies:
            path = clean(said.value)
            places = [joined(folder, path) for folder in self._folders]
            if any(self._lookup.tree.is_folder(one) for one in places):
                folder = self._lookup.folder(said, self._folders, "Dependency")
                if folder:
                    tree = self._lookup.tree
                    source.carried.add_folder(folder, path, self._left_out, tree)
            elif found := self._lookup.file(said, self._folders, "Dependency"):
                self._take(source, found, MAX_SCRIPT_BYTES, said.place)

    def _read_packages(self, source: Source) -> None:
        environment = self._inference.environment
        said = self._inference.conda_file or environment.conda_file or self._given.conda_file
        requirements = self._given.requirements
        if environment.user_managed and environment.user_managed.value:
            if said or environment.conda:
                words = "userManagedDependencies: v1 took no notice of the conda file"
                remedy = "The packages are those of the base image; set condaFile to add others."
                self._notes.remark(environment.user_managed.place, words, remedy)
        elif environment.conda is not None and self._inference.conda_file is None:
            source.conda_file = self._write_conda(source, environment.conda)
        elif said and (path := self._lookup.file(said, self._conda_folders(), "Conda file")):
            source.conda_file = self._take(source, path, MAX_FILE_BYTES, said.place)
        if requirements and source.conda_file:
            words = "a conda file and a requirements file exclude each other"
            self._notes.problem(requirements.place, words, "Give one of the two.")
        elif requirements and (path := self._lookup.file(requirements, (), "The file")):
            name = self._take(source, path, MAX_FILE_BYTES, requirements.place)
            source.requirements_file = name
        self._check_packages(source)

    def _conda_folders(self) -> list[str]:
        place = self._inference.environment.place.rpartition(":")[0]
        around = self._lookup.around(place or self._inference.environment.place or ".")
        return [*self._folders, *(one for one in around if one not in self._folders)]

    def _write_conda(self, source: Source, said: Said[object]) -> str | None:
        text = yaml.safe_dump(said.value, sort_keys=False, allow_unicode=True)
        return source.carried.add(CONDA_FILE, text.encode(), said.place)

    def _check_packages(self, source: Source) -> None:
        readers = ((source.conda_file, read_conda), (source.requirements_file, read_requirements))
        for name, read in readers:
            content = source.carried.files.get(name or "")
            if name and content is not None:
                found = read_environment(content, name, read)
                self._tell(found)
                if isinstance(found, Environment):
                    self._check_variables(name, found.variables)

    def _read_steps(self, source: Source) -> None:
        said = self._inference.steps or self._given.steps
        if said and (path := self._lookup.file(said, self._folders, "Docker file")):
            source.docker_file = self._take(source, path, MAX_FILE_BYTES, said.place)
        else:
            self._read_base_dockerfile(source)
        content = source.carried.files.get(source.docker_file or "")
        if source.docker_file and content is not None:
            found = read_steps(content, source.docker_file)
            self._tell(found)
            if isinstance(found, str):
                self._check_variables(source.docker_file, steps_variables(found))

    def _read_base_dockerfile(self, source: Source) -> None:
        said = self._dockerfile_text()
        split = split_dockerfile(said, self._notes) if said else None
        if said and split:
            source.base_image = split.image
            if split.steps:
                add = source.carried.add
                source.docker_file = add(STEPS_FILE, split.steps.encode(), said.place)

    def _dockerfile_text(self) -> Said[str] | None:
        """Its text: as it stands in the JSON, or of the file that is named there or lies beside."""
        said = self._inference.environment.dockerfile
        if said and ("\n" in said.value or " " in said.value.strip()):
            return said
        file = said or self._given.base_dockerfile
        if file is None:
            return None
        path = self._lookup.file(file, self._conda_folders(), "Dockerfile")
        content = self._lookup.content(path, MAX_FILE_BYTES, file.place) if path else None
        return None if content is None else Said(content.decode(errors="replace"), path or "")

    def _take(self, source: Source, path: str, most: int, place: str) -> str | None:
        """Carry a file: by its path in the source's folder if it lies there, else by its name."""
        inside = self._folder and path.startswith(f"{self._folder}/")
        here = self._folder == "." and not path.startswith(("/", "../"))
        name = path if here else path.rpartition("/")[2]
        if inside and self._folder:
            name = path[len(self._folder) + 1 :]
        content = self._lookup.content(path, most, place)
        return None if content is None else source.carried.add(name, content, place)

    def _check_variables(self, file: str, variables: Mapping[str, str]) -> None:
        """Of a file that is carried whole: what it sets, everybody could read."""
        for name, value in variables.items():
            if is_secret(name, value):
                words = f"the variable {quoted(name)} seems to hold a key or a password"
                remedy = "Take it out of the file; keys go to a Secret: spec.volumes."
                self._notes.problem(file, words, remedy)

    def _tell(self, found: object) -> None:
        if isinstance(found, Finding):
            place = found.location or "the file"
            words = found.message.removeprefix(f"{place}: ")
            self._notes.problem(place, words, found.remedy or f"Correct {quoted(place)}.")
