"""How the model is served: `inferenceconfig.json`, and what the command line says over it."""

from dataclasses import dataclass, field, replace

from fairlead.finding import quoted
from fairlead.v1files.arguments import Arguments
from fairlead.v1files.document import Document
from fairlead.v1files.environment import (
    Registry,
    V1Environment,
    read_environment,
    read_registry,
)
from fairlead.v1files.fields import Fields, Said
from fairlead.v1files.notes import Notes

PYTHON = ("python", "python-slim")
_CUDA = "Choose a base image with CUDA (spec.baseImage), and set spec.resources.gpu."


@dataclass(frozen=True)
class Inference:
    """Paths are as they were written. What is not given is None."""

    place: str = ""
    entry_script: Said[str] | None = None
    source_directory: Said[str] | None = None
    conda_file: Said[str] | None = None
    steps: Said[str] | None = None
    base_image: Said[str] | None = None
    registry: Registry | None = None
    runtime: Said[str] | None = None
    cuda: Said[str] | None = None
    description: Said[str] | None = None
    dependencies: tuple[Said[str], ...] = ()
    environment: V1Environment = field(default_factory=V1Environment)


def read_inference(document: Document | None, arguments: Arguments, notes: Notes) -> Inference:
    found = _from_file(document, notes) if document else Inference()
    texts = arguments.texts
    registry = texts.get("base_image_registry")
    over = {
        name: texts[name]
        for name in (
            *("entry_script", "source_directory", "conda_file", "steps", "base_image", "runtime"),
            "description",
        )
        if name in texts
    }
    found = replace(found, **over)  # type: ignore[arg-type]
    if registry:
        given = Registry(registry.value, registry.place, needs_credentials=False)
        found = replace(found, registry=given)
    if arguments.flags.get("enable_gpu"):
        found = replace(found, cuda=texts.get("cuda_version") or Said("", "--enable-gpu"))
    _tell(found, notes)
    return found


def _from_file(document: Document, notes: Notes) -> Inference:
    fields = Fields(document, notes)
    given = fields.anything("environment")
    environment = V1Environment()
    if given is not None and isinstance(given.value, str):
        environment = V1Environment(place=given.place, name=Said(given.value, given.place))
    elif given is not None:
        environment = read_environment(fields.below("environment"), notes)
    gpu, cuda = fields.flag("enableGpu"), fields.text("cudaVersion")
    schema = fields.text("schemaFile")
    if schema:
        remedy = "Put a swagger.json beside the script, or decorate run() with inference-schema."
        notes.remark(schema.place, "schemaFile has no counterpart here", remedy)
    found = Inference(
        place=document.file,
        entry_script=fields.text("entryScript") or fields.text("executionScript"),
        source_directory=fields.text("sourceDirectory"),
        conda_file=fields.text("condaFile"),
        steps=_steps(fields),
        base_image=fields.text("baseImage"),
        registry=read_registry(fields, notes),
        runtime=fields.text("runtime"),
        cuda=Said(cuda.value if cuda else "", gpu.place) if gpu and gpu.value else None,
        description=fields.text("description"),
        dependencies=tuple(fields.texts("dependencies")),
        environment=environment,
    )
    _tell_excluded(found, notes)
    fields.without_meaning("tags", "properties", "executionScript")
    fields.tell_unknown()
    return found


def _steps(fields: Fields) -> Said[str] | None:
    """Spelled in three ways by pages and versions."""
    names = ("extraDockerfileSteps", "extraDockerFileSteps", "dockerFile")
    found = [fields.text(name) for name in names]
    return next((one for one in found if one), None)


def _tell_excluded(found: Inference, notes: Notes) -> None:
    """v1: an Environment goes with the script, its folder and a description alone."""
    both = [said for said in (found.conda_file, found.steps, found.base_image) if said]
    if found.environment.place and both:
        words = (
            "unable to provide runtime, conda_file, extra_docker_file_steps, enable_gpu, "
            "cuda_version, or base_image along with an environment object"
        )
        notes.problem(both[0].place, words, "Keep the environment, or what stands beside it.")


def _tell(found: Inference, notes: Notes) -> None:
    runtime = found.runtime
    if runtime and runtime.value.lower() not in PYTHON:
        words = f"runtime {quoted(runtime.value)} has no counterpart here: Python alone serves"
        notes.remark(runtime.place, words, "Start what needs Spark elsewhere.")
    if found.cuda:
        version = f" {found.cuda.value}" if found.cuda.value else ""
        notes.remark(found.cuda.place, f"CUDA{version} is not added to an image here", _CUDA)
