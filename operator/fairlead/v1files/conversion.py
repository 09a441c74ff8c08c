"""From arguments and files of v1 to manifests: one pass, all that is wrong at once."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import BaseModel, ValidationError

from fairlead.api.inferenceimage import InferenceImageSpec
from fairlead.api.meta import API_VERSION, INFERENCE_IMAGE, MODEL, WEBSERVICE, Kind
from fairlead.api.model import ModelSpec
from fairlead.api.refs import Manifest
from fairlead.api.webservice import WebserviceSpec
from fairlead.finding import quoted
from fairlead.v1files.arguments import Arguments, read_arguments
from fairlead.v1files.carried import Form
from fairlead.v1files.deployment import Deployment, read_deployment
from fairlead.v1files.environment import AZURE_ML_IMAGES, Registry, V1Environment, read_environment
from fairlead.v1files.fields import Fields, Said
from fairlead.v1files.found_files import HERE, Lookup
from fairlead.v1files.given import read_given
from fairlead.v1files.image_source import Source, SourceReader
from fairlead.v1files.inference import Inference, read_inference
from fairlead.v1files.names import object_name
from fairlead.v1files.notes import Notes
from fairlead.v1files.registered_models import (
    MAX_MODELS,
    ModelObject,
    Registered,
    model_objects,
    named_model,
    recorded_model,
)
from fairlead.v1files.secrecy import in_command, is_secret
from fairlead.v1files.tree import Tree, clean
from fairlead.v1files.validation import validate
from fairlead.v1files.variables import image_variables
from fairlead.v1files.webservice import FIELDS, webservice_spec

NO_ARCHIVE = "https://source.invalid"  # a name that no server will ever have
MAX_TAGS, MAX_TAG_CHARS, MAX_DESCRIPTION_CHARS = 64, 512, 2048


@dataclass(frozen=True)
class Converted:
    """``manifests``: Models, the InferenceImage and the Webservice; none where something is wrong.

    ``config_maps``: files by the name of the ConfigMap that is to hold them. ``archive``: files of
    a source that no ConfigMap holds.
    """

    notes: Notes
    name: str = ""
    namespace: str | None = None
    manifests: tuple[Manifest, ...] = ()
    config_maps: Mapping[str, Mapping[str, bytes]] = field(default_factory=dict)
    archive: Mapping[str, bytes] = field(default_factory=dict)


def convert(words: Sequence[str], tree: Tree, left_out: Collection[str] = ()) -> Converted:
    """``words``: paths, and the arguments of `az ml model deploy`; ``left_out``: paths below a
    source directory that are none of it."""
    notes = Notes()
    arguments = read_arguments(words, notes)
    base = clean(arguments.texts["path"].value) if "path" in arguments.texts else HERE
    return _Conversion(arguments, Lookup(tree, notes, base), left_out).convert()


class _Conversion:
    def __init__(self, arguments: Arguments, lookup: Lookup, left_out: Collection[str]) -> None:
        self._arguments, self._lookup, self._notes = arguments, lookup, lookup.notes
        self._given = read_given(arguments, lookup)
        self._left_out = left_out

    def convert(self) -> Converted:
        given, notes = self._given, self._notes
        inference = self._with_environment(read_inference(given.inference, self._arguments, notes))
        deployment = read_deployment(given.deployment, self._arguments, notes)
        validate(deployment, given.deployment.file if given.deployment else "the command", notes)
        name = self._name(inference)
        models = self._models()
        source = SourceReader(inference, given, self._lookup, self._left_out).read()
        image = self._image(name, inference, source, models)
        service = {**webservice_spec(name, deployment, notes), **self._told(inference)}
        self._check(name, models, image, service, inference, deployment)
        if notes.problems:
            return Converted(notes)
        return _result(notes, name, deployment.text("namespace"), models, image, service, source)

    def _with_environment(self, inference: Inference) -> Inference:
        """The environment of `inferenceconfig.json`, else of its own file, else of a run's."""
        environment, given = inference.environment, self._given
        if given.environment:
            environment = read_environment(Fields(given.environment, self._notes), self._notes)
        elif given.run and not environment.place:
            environment = _of_run(given.run, self._notes)
        name = self._arguments.texts.get("environment_name") or environment.name
        only_named = replace(environment, name=name).is_only_named and not inference.conda_file
        if name and only_named and not (given.conda_file or given.requirements):
            words = f"environment {quoted(name.value)} is kept in the workspace"
            remedy = (
                f"Download it (az ml environment download -n {in_command(name.value)} -d DIR), "
            )
            self._notes.remark(
                name.place, words, remedy + "and give the folder: --environment-directory."
            )
        return replace(inference, environment=environment)

    def _name(self, inference: Inference) -> str:
        said = self._arguments.texts.get("name")
        if said is None:
            directory = inference.source_directory
            folders = [*self._given.folders, *([directory.value] if directory else [])]
            return object_name(clean(folders[0]).rpartition("/")[2] if folders else "service")
        name = object_name(said.value)
        if name != said.value:
            words = f"{quoted(said.value)} can name no object of Kubernetes: {name} does"
            self._notes.remark(said.place, words, "Choose another: -n NAME.")
        return name

    def _models(self) -> list[ModelObject]:
        found = list[Registered | None]()
        for said in self._arguments.lists.get("models", ()):
            found.append(named_model(said, self._notes))
        found += [recorded_model(one, self._notes) for one in self._given.records]
        known = [one for one in found if one]
        if len(known) > MAX_MODELS:
            words = f"more than {MAX_MODELS} models"
            self._notes.problem(known[-1].said.place, words, "An image has so many at the most.")
        return list(model_objects(known[:MAX_MODELS], self._lookup))

    def _image(
        self, name: str, inference: Inference, source: Source, models: Sequence[ModelObject]
    ) -> dict[str, Any]:
        spec: dict[str, Any] = {}
        if models:
            spec["models"] = [{"name": model.name} for model in models]
        spec["source"] = _source_field(name, source)
        fields = {
            "entryScript": source.entry_script,
            "condaFile": source.conda_file,
            "requirementsFile": source.requirements_file,
            "dockerFile": source.docker_file,
            "baseImage": self._base_image(name, inference, source, spec),
        }
        spec |= {field: value for field, value in fields.items() if value}
        variables = image_variables(inference.environment.variables, self._notes)
        return spec | ({"environmentVariables": variables} if variables else {})

    def _base_image(
        self, name: str, inference: Inference, source: Source, spec: dict[str, Any]
    ) -> str | None:
        said = inference.base_image or source.base_image or inference.environment.base_image
        registry = inference.registry or inference.environment.registry
        if said is None or (source.base_image is None and self._is_default(said)):
            return None
        if registry and registry.needs_credentials:
            spec["pullSecretRef"] = {"name": f"{name}-registry"}
            self._tell_registry(name, registry)
        address = registry.address.removeprefix("https://").strip("/") if registry else ""
        there = not address or said.value.startswith(f"{address}/")
        return said.value if there else f"{address}/{said.value}"

    def _is_default(self, said: Said[str]) -> bool:
        """Azure ML's own image for CPUs, which its files name though nobody chose it."""
        image = said.value.lower()
        own = image.startswith(AZURE_ML_IMAGES) and ("intelmpi" in image or "openmpi" in image)
        if not own or "gpu" in image or "cuda" in image:
            return False
        words = f"{quoted(said.value)}, which v1's files name by default, is left out"
        remedy = "Fairlead's own default is used; where the script needs more of it, set baseImage."
        self._notes.remark(said.place, words, remedy)
        return True

    def _tell_registry(self, name: str, registry: Registry) -> None:
        self._notes.remark(
            registry.place,
            "the registry's user and password are not written into manifests",
            f"Make a Secret of them: kubectl create secret docker-registry {name}-registry "
            f"--docker-server={in_command(registry.address)} --docker-username=… "
            "--docker-password=….",
        )

    def _told(self, inference: Inference) -> dict[str, Any]:
        """Tags and description; v1's properties become tags, too."""
        tags = dict[str, str]()
        for kind in ("properties", "tags"):
            for said in self._arguments.lists.get(kind, ()):
                key, equals, value = said.value.partition("=")
                if not equals or not key:
                    words = f"{quoted(said.value)} is not KEY=VALUE"
                    self._notes.problem(said.place, words, "Write KEY=VALUE.")
                else:
                    tags[key] = value
        found: dict[str, Any] = {"tags": tags} if tags else {}
        description = inference.description
        if description is None:
            return found
        if is_secret("", description.value):
            words = "the description seems to hold a key or a password, and is left out"
            self._notes.remark(description.place, words, "Describe it without.")
            return found
        return {**found, "description": description.value}

    def _check(
        self,
        name: str,
        models: Sequence[ModelObject],
        image: Mapping[str, Any],
        service: Mapping[str, Any],
        inference: Inference,
        deployment: Deployment,
    ) -> None:
        """Hold it all against our own types: nothing comes out that the cluster would refuse."""
        if self._notes.problems:
            return
        for model in models:
            places = {"": "--model"}
            _validate(ModelSpec, model.spec, f"Model {model.name}", places, self._notes)
        said = {"entryScript": inference.entry_script, "baseImage": inference.base_image}
        places = {field: one.place for field, one in said.items() if one}
        what = f"InferenceImage {name}"
        _validate(InferenceImageSpec, image, what, places, self._notes)
        places = {
            ".".join(field): deployment.values[key].place
            for key, field in FIELDS.items()
            if key in deployment.values
        }
        _validate(WebserviceSpec, service, f"Webservice {name}", places, self._notes)


def _of_run(document: Any, notes: Notes) -> V1Environment:
    """A run's environment; what else stands there is about training."""
    fields = Fields(document, notes)
    script = fields.text("script")
    if script:
        words = f"{quoted(script.value)} is what the run executed: its environment alone is taken"
        remedy = "Name the script with init() and run(): --entry-script score.py."
        notes.remark(script.place, words, remedy)
    return read_environment(fields.below("environment"), notes)


def _source_field(name: str, source: Source) -> dict[str, Any]:
    match source.carried.form:
        case Form.CONFIG_MAP:
            return {"configMap": {"name": f"{name}-code"}}
        case Form.INLINE:
            files = source.carried.files
            return {"inline": {"files": {path: files[path].decode() for path in sorted(files)}}}
        case Form.ARCHIVE:
            address = f"{NO_ARCHIVE}/{name}-source.tar.gz"
            _tell_archive(name, source)
            return {"uri": address}


def _tell_archive(name: str, source: Source) -> None:
    if source.carried.files:
        source.carried.notes.remark(
            "the source",
            f"no ConfigMap holds it, an archive does: {NO_ARCHIVE}/… stands in its place",
            f"Put {name}-source.tar.gz, which --output-dir writes, where the cluster can read it "
            f"(oras push REGISTRY/{name}-code:1 {name}-source.tar.gz, a blob, a bucket), and its "
            "address into spec.source.uri: docs/code-sources.md.",
        )


def _validate(
    spec: type[BaseModel],
    content: Mapping[str, Any],
    what: str,
    places: Mapping[str, str],
    notes: Notes,
) -> None:
    try:
        spec.model_validate(content)
    except ValidationError as error:
        for one in error.errors(include_input=False, include_url=False, include_context=False):
            path = ".".join(str(step) for step in one["loc"])
            place = places.get(path) or places.get("") or what
            notes.problem(place, f"{what}: spec.{path}: {one['msg']}", "Correct the value.")


def _result(  # noqa: PLR0913, PLR0917  (everything that was made)
    notes: Notes,
    name: str,
    namespace: str | None,
    models: Sequence[ModelObject],
    image: dict[str, Any],
    service: dict[str, Any],
    source: Source,
) -> Converted:
    maps = {f"{model.name}-model": model.files for model in models if model.files}
    archive = dict[str, bytes]()
    if source.carried.form is Form.CONFIG_MAP:
        maps[f"{name}-code"] = source.carried.files
    elif source.carried.form is Form.ARCHIVE:
        archive = source.carried.files
    manifests = (
        *(_manifest(MODEL, model.name, namespace, model.spec) for model in models),
        _manifest(INFERENCE_IMAGE, name, namespace, image),
        _manifest(WEBSERVICE, name, namespace, service),
    )
    return Converted(notes, name, namespace, manifests, maps, archive)


def _manifest(kind: Kind, name: str, namespace: str | None, spec: Mapping[str, Any]) -> Manifest:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": API_VERSION, "kind": kind.kind, "metadata": metadata, "spec": dict(spec)}
