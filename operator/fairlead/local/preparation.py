"""From what is wanted to what is made: the operator's own checks, recipe and variables."""

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

from pydantic import ValidationError

from fairlead.api.inferenceimage import ImageModel, InferenceImageSpec
from fairlead.api.meta import MODEL
from fairlead.api.model import ModelSource, ModelSpec, ModelStatus, ModelVersion
from fairlead.api.objects import Model, Resource
from fairlead.api.reasons import Reason
from fairlead.api.webservice import WebserviceSpec
from fairlead.contract import EnvironmentRecipe, IngestRequest
from fairlead.decide.decision import StageResult
from fairlead.decide.image.inputs import Inputs, base_image, inputs_of
from fairlead.evidence import ImageEvidence
from fairlead.finding import Finding, shown
from fairlead.images.assembly import environment_variables
from fairlead.images.hashes import file_digests, ingest_key
from fairlead.images.model_content import Content, content_of
from fairlead.inputs.parse import parse
from fairlead.inputs.source import ParsedSource, read_source
from fairlead.local.asked import Asked
from fairlead.local.deployment import HERE, NEVER, Wanted, WantedModel
from fairlead.local.errors import LocalError, refusal
from fairlead.local.manifests import read_manifests, wanted_of
from fairlead.local.places import Places, make_private
from fairlead.local.plain_files import (
    invalid_options,
    memory_limit,
    model_of,
    wanted_of_files,
)
from fairlead.local.service import NAME
from fairlead.local.source import below
from fairlead.settings import Settings
from fairlead.sources.base import Limits, SourceError

IN_CLUSTER_ONLY = ("build", "debug", "push_secret_ref", "pull_secret_ref", "repository")
"""Fields of an InferenceImage that have no meaning on one machine."""
HASH_BYTES = 1024 * 1024


@dataclass(frozen=True)
class PlacedModel:
    """A model whose files are on this machine."""

    name: str
    version: int
    content: Content


@dataclass(frozen=True)
class Prepared:
    """All that a host needs to run the service, and nothing that it does not.

    ``variables`` are those of the image; ``warnings`` are sentences about what may go wrong.
    ``debugger``: one may attach.
    """

    wanted: Wanted
    recipe: EnvironmentRecipe
    models: tuple[PlacedModel, ...]
    variables: Mapping[str, str]
    warnings: tuple[str, ...] = ()
    debugger: bool = False


def read_asked(asked: Asked) -> Wanted:
    """Read the files. Raises ``LocalError``."""
    if not asked.from_manifests:
        return wanted_of_files(asked)
    wanted = wanted_of(read_manifests(asked), asked)
    if not NAME.fullmatch(wanted.name):
        message = f"'{shown(wanted.name)}' cannot be the name of a service: lowercase letters, "
        message += "digits and dashes, at most 50."
        raise refusal(Reason.INVALID_SPEC, message, "Correct metadata.name.")
    own = {model.resource: model for model in map(model_of, asked.models)}
    models = tuple(_own(model, own) for model in wanted.models)
    known = {name for model in wanted.models for name in (model.resource, model.name)}
    unknown = sorted(own.keys() - known)
    if unknown:
        names = ", ".join(sorted(known)) or "none"
        message = f"--model names {', '.join(unknown)}; the models of the manifests: {names}."
        raise refusal(Reason.MODEL_NOT_FOUND, message, "Correct the name before the '='.")
    return replace(wanted, models=models, service=_overridden(wanted.service, asked))


def _overridden(service: WebserviceSpec, asked: Asked) -> WebserviceSpec:
    """What the command says beside the manifests, which it wins over."""
    fields = service.to_wire()
    if asked.variables:
        fields["environmentVariables"] = {
            **fields.get("environmentVariables", {}),
            **asked.variables,
        }
    if asked.memory:
        fields["resources"] = {**fields.get("resources", {}), **memory_limit(asked.memory)}
    try:
        return WebserviceSpec.model_validate(fields)
    except ValidationError as error:
        raise invalid_options(error) from error


def _own(model: WantedModel, own: Mapping[str, WantedModel]) -> WantedModel:
    """The model of the manifests, or the file that the command gives in its place."""
    mine = own.get(model.resource) or own.get(model.name)
    return replace(model, path=mine.path, files=None, spec=None) if mine else model


def prepare(wanted: Wanted, places: Places, settings: Settings) -> Prepared:
    """Check the files, fetch the models, and make the recipe. Raises ``LocalError``."""
    left = {"models": tuple(ImageModel(name=f"m{at}") for at, _ in enumerate(wanted.models))}
    fields = {**dict.fromkeys(IN_CLUSTER_ONLY), **left}
    image = replace(wanted.image_object, spec=wanted.image.model_copy(update=fields))
    parsed = parsed_here(wanted.files, image.spec, base_image(image.spec, settings))
    _raise_findings(parsed.findings)  # before anything is fetched
    models = tuple(_placed(model, places, settings) for model in wanted.models)
    evidence = ImageEvidence(
        image=image,
        models={f"m{at}": _known(one) for at, one in enumerate(models)},
        files=wanted.files,
        digests=file_digests(wanted.files),
        parsed=parsed,
        tasks={},
        settings=settings,
    )
    inputs = inputs_of(evidence, datetime.now(UTC))
    if isinstance(inputs, StageResult):
        raise _refused(inputs)
    variables = _variables(wanted, models, inputs)
    return Prepared(wanted, inputs.recipe, models, variables, _told(inputs))


def check_source(wanted: Wanted, settings: Settings) -> None:
    """Raise ``LocalError`` where the files alone are wrong."""
    image = wanted.image
    _raise_findings(parsed_here(wanted.files, image, base_image(image, settings)).findings)


def parsed_here(files: Mapping[str, bytes], spec: InferenceImageSpec, base: str) -> ParsedSource:
    """Read the files in this process: they are the user's own, and so is the process."""
    reading = read_source(files, spec, base)
    try:
        job = next(reading)
        while True:
            job = reading.send(parse(job))
    except StopIteration as end:
        return cast("ParsedSource", end.value)


def _raise_findings(findings: tuple[Finding, ...]) -> None:
    if not findings:
        return
    remedies = dict.fromkeys(one.remedy for one in findings if one.remedy)
    message = " Also: ".join(one.message for one in findings)
    raise LocalError(replace(findings[0], message=message, remedy=" ".join(remedies) or None))


def _refused(stage: StageResult) -> LocalError:
    failure = stage.failure
    if failure is None:
        return refusal(Reason(stage.condition.reason), stage.condition.message, "")
    told = (failure.class_, failure.message, failure.remedy, failure.location)
    return LocalError(Finding(Reason(failure.reason), *told))


def _told(inputs: Inputs) -> tuple[str, ...]:
    return tuple(stage.condition.message for stage in inputs.warnings)


def _variables(
    wanted: Wanted, models: tuple[PlacedModel, ...], inputs: Inputs
) -> Mapping[str, str]:
    names = sorted((model.name, model.version) for model in models)
    return environment_variables(wanted.image.entry_script, names, inputs.variables)


def _known(model: PlacedModel) -> Model:
    """The model as the operator would see it once it is stored."""
    content = model.content
    version = ModelVersion(
        version=model.version,
        model_name=model.name,
        digest=content.digest,
        size_bytes=content.size,
        files=len(content.files),
        source="this machine",
        artifact=f"{HERE}/models/x:{model.version}",
        layer=content.digest,
        path=content.entry,
        registered_at=NEVER,
    )
    status = ModelStatus(latest_version=model.version, versions=(version,))
    spec = ModelSpec(source=ModelSource(uri="https://localhost/"))
    return Resource(MODEL, HERE, model.name.lower(), "", 1, NEVER, spec, status)


def _placed(model: WantedModel, places: Places, settings: Settings) -> PlacedModel:
    """Raises ``LocalError``."""
    try:
        if model.path is not None:
            content = _on_disk(model.path, model.name)
        else:
            content = fetched_content(model, places, settings)
    except SourceError as error:
        found = Finding(error.reason, error.class_, str(error), error.remedy)
        raise LocalError(found) from error
    return PlacedModel(model.name, model.version, content)


def _on_disk(path: Path, name: str) -> Content:
    """A file stays that file, and a folder that folder, whatever it is called."""
    folder = path.parent
    files = [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]
    digests = {one.relative_to(folder).as_posix(): _digest(one) for one in sorted(files)}
    return content_of(folder, digests, name)


def _digest(path: Path) -> str:
    sha256 = hashlib.sha256()
    try:
        with path.open("rb") as file:
            for piece in iter(lambda: file.read(HASH_BYTES), b""):
                sha256.update(piece)
    except OSError as error:
        message = f"The model's file {path} cannot be read: {error.strerror}."
        remedy = "Let whoever runs this command read it."
        raise refusal(Reason.FILE_UNREADABLE, message, remedy) from error
    return f"sha256:{sha256.hexdigest()}"


def fetched_content(model: WantedModel, places: Places, settings: Settings) -> Content:
    """Fetched once: the same source is not asked again."""
    files, spec = model.files or {}, model.spec
    if spec is None or spec.source.persistent_volume_claim:
        message = f"The model '{model.name}' lies in a volume of a cluster."
        remedy = f"Give a file of this machine in its place: --model {model.resource}=PATH."
        raise refusal(Reason.NOT_WITHOUT_CONTAINER, message, remedy)
    key = ingest_key(spec, model.name, file_digests(files))
    folder = places.models / key
    if not folder.is_dir():
        _fetch(model, spec, folder, settings)
    found = [path for path in folder.rglob("*") if path.is_file()]
    digests = {one.relative_to(folder).as_posix(): _digest(one) for one in found}
    return content_of(folder, digests, model.name)


def _fetch(model: WantedModel, spec: ModelSpec, folder: Path, settings: Settings) -> None:
    """Into ``folder``, which is there only if all of it came."""
    from fairlead.sources.archive import unpack
    from fairlead.sources.kinds import open_source  # it brings HTTP with it

    make_private(folder.parent)
    deadline = time.monotonic() + settings.ingest_timeout_seconds
    limits = Limits(settings.model_max_bytes, settings.model_max_files, deadline)
    with TemporaryDirectory(dir=folder.parent, prefix="fetching-") as work:
        given, fetched, inside = (Path(work, name) for name in ("given", "fetched", "inside"))
        for name, content in (model.files or {}).items():
            given.mkdir(exist_ok=True)
            below(given, name).write_bytes(content)
        fetched.mkdir()
        request = IngestRequest(
            repository="", model_name=model.name, source=spec.source, identity=True
        )
        digests = open_source(request, given, settings).fetch(fetched, limits)
        if spec.unpack and len(digests) == 1:
            inside.mkdir()
            digests = unpack(fetched / next(iter(digests)), inside, limits)
            fetched = inside
        fetched.rename(folder)
