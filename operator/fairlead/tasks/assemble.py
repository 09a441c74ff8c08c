"""Put models, code and the runtime on an environment, and push it as a version.

No engine: layers that the registry has are mounted, only the code is sent. The tag comes last, and
one that is there is never written again. Where the image is to be tried first it gets none here.
"""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from fairlead.api.model import ModelVersion
from fairlead.contract import FILES_FOLDER, AssembleRequest, AssembleResult, ModelLayer
from fairlead.images.assembly import (
    HASH_ANNOTATION,
    VERSION_ANNOTATION,
    About,
    Base,
    NotAnEnvironmentError,
    Part,
    assembled,
    environment_variables,
)
from fairlead.images.environment_image import pythons_of
from fairlead.images.layers import Entry, compressed_layer
from fairlead.images.layout import APP_ROOT, USER_ID
from fairlead.images.model_artifact import stored_model
from fairlead.registry.errors import NotInRegistryError, RegistryFaultError, TagTakenError
from fairlead.registry.oci import OCI_MANIFEST, Descriptor, digest_of, written
from fairlead.registry.reference import Repository, parse_repository
from fairlead.tasks.layer_limit import check_layers
from fairlead.tasks.program import TaskContext, run
from fairlead.tasks.runtime_layer import runtime_part
from fairlead.tasks.stored_source import stored_source, told_as_lost


@dataclass(frozen=True)
class _Model:
    """``source``: where its layers lie."""

    source: Repository
    version: ModelVersion
    layers: tuple[Descriptor, ...]

    @property
    def name(self) -> str:
        return f"{self.version.model_name}:{self.version.version}"


def assemble(request: AssembleRequest, task: TaskContext) -> AssembleResult:
    """Return the image that was pushed, or the equal one that was there already."""
    target = parse_repository(request.repository)
    task.log.phase("assemble")
    there = _there(request, target, task)
    if there is not None:
        return there
    environments = parse_repository(request.environments)
    base = _base(environments, request.environment_digest, task)
    models = [_model(layer, task) for layer in sorted(request.models, key=_order)]
    check_layers(len(base.manifest.layers), {one.name: len(one.layers) for one in models})
    for layer in base.manifest.layers:
        task.registry.copy_blob(environments, target, layer.digest)
    task.log.write(f"The environment's {len(base.manifest.layers)} layers are in place.")
    runtimes = parse_repository(request.runtimes)
    pythons = pythons_of(request.python, base.config.config.labels)
    runtime, python = runtime_part(runtimes, target, pythons, task, debugger=request.debugger)
    of_models = [part for model in models for part in _parts(model, target, task)]
    code, variables = _code(request, target, task)
    parts = (runtime, *of_models, code)
    names = [(one.version.model_name, one.version.version) for one in models]
    annotations = {HASH_ANNOTATION: request.hash, VERSION_ANNOTATION: str(request.version)}
    about = About(_variables(request, variables, names, task), annotations, python)
    return _push(request, target, base, parts, about, task)


def _there(
    request: AssembleRequest, target: Repository, task: TaskContext
) -> AssembleResult | None:
    """Return what the version's tag holds if it is this very image, None where there is no tag."""
    try:
        manifest, described = task.registry.manifest(target, str(request.version))
    except NotInRegistryError:
        return None
    if manifest.annotations.get(HASH_ANNOTATION) != request.hash:
        said = f"{target}:{request.version} exists and was made from something else."
        raise TagTakenError(target, said)
    task.log.write(f"{target}:{request.version} is there already, made from the same inputs.")
    size = sum(layer.size for layer in manifest.layers)
    seconds = task.log.seconds
    return AssembleResult(digest=described.digest, size_bytes=size, seconds=seconds, tagged=True)


def _base(environments: Repository, digest: str, task: TaskContext) -> Base:
    manifest, _ = task.registry.manifest(environments, digest)
    return Base(manifest, task.registry.config(environments, manifest))


def _model(layer: ModelLayer, task: TaskContext) -> _Model:
    """What a model is and where it lies the registry itself says."""
    source = parse_repository(layer.repository)
    version, layers = stored_model(task.registry, source, layer.version)
    if version.layer != layer.layer:
        raise RegistryFaultError(source, f"{source}:{layer.version} is not what it was.")
    return _Model(source, version, layers)


def _parts(model: _Model, target: Repository, task: TaskContext) -> list[Part]:
    """Put a model's layers there."""
    copy = task.registry.copy_blob
    how = dict.fromkeys(copy(model.source, target, one.digest) for one in model.layers)
    size = f"{model.version.size_bytes:,} bytes"
    task.log.write(f"Model {model.name} ({size}) {' and '.join(how)}.")
    return [Part(one, one.digest, f"model {model.name}") for one in model.layers]


def _code(
    request: AssembleRequest, target: Repository, task: TaskContext
) -> tuple[Part, Mapping[str, str]]:
    """The layer with the source, and the variables that come with it."""
    if request.code:
        stored = stored_source(request.code, task)
        with told_as_lost(request.code):
            how = task.registry.copy_blob(stored.repository, target, stored.layer.digest)
        task.log.write(f"Code ({stored.layer.size:,} bytes) {how}.")
        return Part(stored.layer, stored.layer.digest, "code"), stored.config.variables
    layer = compressed_layer(_files(task.folder / FILES_FOLDER), APP_ROOT, USER_ID)
    task.registry.upload_bytes(target, layer.content)
    task.log.write(f"Code ({layer.descriptor.size:,} bytes) pushed.")
    return Part(layer.descriptor, layer.diff_id, "code"), {}


def _files(folder: Path) -> Iterator[Entry]:
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            yield Entry(f"{APP_ROOT}/{path.relative_to(folder).as_posix()}", path)


def _variables(
    request: AssembleRequest,
    of_code: Mapping[str, str],
    models: list[tuple[str, int]],
    task: TaskContext,
) -> dict[str, str]:
    asked = {**of_code, **request.environment_variables}
    variables = environment_variables(request.entry_script, models, asked)
    for name in sorted(name for name in asked if variables[name] != asked[name]):
        task.log.write(f"{name} is set by Fairlead; spec.environmentVariables does not change it.")
    return variables


def _push(
    request: AssembleRequest,
    target: Repository,
    base: Base,
    parts: tuple[Part, ...],
    about: About,
    task: TaskContext,
) -> AssembleResult:
    try:
        image = assembled(base, parts, about)
    except NotAnEnvironmentError as error:
        said = f"{request.environments}@{request.environment_digest} is no environment: {error}."
        raise RegistryFaultError(target, said) from error
    task.registry.upload_bytes(target, image.config)
    digest, name = _stored(request, target, written(image.manifest), task)
    task.log.write(f"{target}{name} is {digest}, {image.size:,} bytes.")
    return AssembleResult(
        digest=digest, size_bytes=image.size, seconds=task.log.seconds, tagged=request.tag
    )


def _stored(
    request: AssembleRequest, target: Repository, body: bytes, task: TaskContext
) -> tuple[str, str]:
    """Store the manifest; return its digest, and how it is named for the log."""
    if request.tag:
        return task.registry.put_version(target, request.version, body), f":{request.version}"
    digest = task.registry.put_manifest(target, digest_of(body), body, OCI_MANIFEST)
    return digest, f", version {request.version} without its tag,"


def _order(layer: ModelLayer) -> tuple[str, int]:
    """Models lie in one order, whatever the order they are listed in: it changes no digest."""
    return layer.model_name, layer.version


if __name__ == "__main__":
    sys.exit(run(AssembleRequest, assemble))
