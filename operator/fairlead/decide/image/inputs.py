"""What an InferenceImage is made from: checked whole, before anything expensive begins."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from fairlead.api.code_source import FetchedCode
from fairlead.api.conditions import unknown
from fairlead.api.inferenceimage import ImageModel, InferenceImageSpec
from fairlead.api.objects import InferenceImage, Model
from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass, FailureStatus, Truth
from fairlead.contract import EnvironmentRecipe, ModelLayer
from fairlead.decide.access import unmountable
from fairlead.decide.decision import StageResult
from fairlead.decide.image.azureml_packages import left_out
from fairlead.decide.image.engine import unbuildable
from fairlead.decide.image.preflight import preflight
from fairlead.decide.image.sample import sample_finding
from fairlead.decide.missing import missing, missing_config_map, not_found
from fairlead.decide.platform import not_this_platform
from fairlead.decide.refused import refused
from fairlead.evidence import ImageEvidence
from fairlead.finding import Finding
from fairlead.images.hashes import code_hash
from fairlead.inputs.pins import unpinned
from fairlead.inputs.recipe import RecipeSettings, installed_packages, recipe_of
from fairlead.settings import Settings

INPUTS_READY = "InputsReady"
AS_ASKED = "asked"  # of FAIRLEAD_AZUREML_PACKAGES


@dataclass(frozen=True)
class Inputs:
    """All that the build needs, and nothing that it does not."""

    files: Mapping[str, bytes]
    """Empty where the source is ``fetched``."""
    models: tuple[ModelLayer, ...]
    recipe: EnvironmentRecipe
    """Where the source is ``fetched`` only the base image of it counts."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Of the image: those of the conda file, and those of the spec, which win. Where the source is
    ``fetched``, those of the spec."""
    warnings: tuple[StageResult, ...] = ()
    """What may go wrong later or is done otherwise than asked, and keeps nothing from going on."""
    fetched: FetchedCode | None = None
    """What a task found that fetched the source; ``artifact`` is where it then is."""
    artifact: str = ""
    run_line: int | None = None
    """The line of the first RUN among the steps."""

    @property
    def file_count(self) -> int:
        return self.fetched.files if self.fetched else len(self.files)

    @property
    def requirement_count(self) -> int:
        return self.fetched.requirements if self.fetched else len(self.recipe.requirements)

    @property
    def unpinned(self) -> tuple[str, ...]:
        """What the environment file leaves a choice of versions of."""
        return self.fetched.unpinned if self.fetched else unpinned(self.recipe)

    def code_hash(self, digests: Mapping[str, str], entry_script: str) -> str:
        """Stands for the source; ``digests`` are those of its files, where we have them."""
        return self.fetched.hash if self.fetched else code_hash(digests, entry_script)


def inputs_of(evidence: ImageEvidence, now: datetime) -> Inputs | StageResult:
    """Return the inputs, or what is to be said because they are not complete.

    What only the user can mend is said first, all of it at once; what will come by itself after.
    """
    image, files, parsed = evidence.image, evidence.files, evidence.parsed
    if files is None or parsed is None:
        source = image.spec.source.config_map
        return missing_config_map(INPUTS_READY, source.name if source else "", image, now)
    unmounted = unmountable(image.spec, evidence.settings)
    unbuilt = None if _built_before(image) else unbuildable(evidence)
    unfit = sample_finding(image.spec, files)
    unplaced = not_this_platform(image.spec, evidence.settings)
    others = (unfit, unmounted, unplaced, unbuilt)
    found = [*parsed.findings, *(finding for finding in others if finding)]
    if found:
        return refused(INPUTS_READY, found, image.status.failure, now)
    models = [_layer(wanted, evidence, now) for wanted in image.spec.models]
    absent = [layer for layer in models if isinstance(layer, StageResult)]
    if absent:
        return absent[0]
    layers = tuple(layer for layer in models if isinstance(layer, ModelLayer))
    twice = _same_folder(layers)
    if twice:
        return refused(INPUTS_READY, [twice], image.status.failure, now)
    variables = {**parsed.environment.variables, **(image.spec.environment_variables or {})}
    settings = recipe_settings(image.spec, evidence.settings)
    packages = installed_packages(parsed, provided=settings.provides_azureml)
    told = (
        *preflight(evidence, parsed, layers, packages.requirements),
        *left_out(packages, evidence),
    )
    fetched = image.status.source if image.spec.source.is_fetched else None
    requirements, digests = packages.requirements, evidence.digests
    return Inputs(
        files,
        layers,
        recipe_of(image.spec, parsed, requirements, digests, settings),
        variables,
        told,
        fetched=fetched.code if fetched else None,
        artifact=fetched.artifact if fetched else "",
        run_line=parsed.run_line,
    )


def _built_before(image: InferenceImage) -> bool:
    """Its environment may be there already, built in another way: that is good as it is."""
    return image.status.environment is not None and image.status.environment.image is not None


def asked_base_image(spec: InferenceImageSpec, settings: Settings) -> str:
    """As the user, or the setting, names it."""
    return spec.base_image or settings.default_base_image


def base_image(spec: InferenceImageSpec, settings: Settings) -> str:
    """Where that is read."""
    return settings.mirrored(asked_base_image(spec, settings))


def recipe_settings(spec: InferenceImageSpec, settings: Settings) -> RecipeSettings:
    """What the settings say of an environment."""
    return RecipeSettings(
        base_image=base_image(spec, settings),
        channels=settings.conda_channels,
        cuda=settings.conda_cuda,
        provides_azureml=settings.azureml_packages != AS_ASKED,
    )


def _layer(wanted: ImageModel, evidence: ImageEvidence, now: datetime) -> ModelLayer | StageResult:
    """The version of one model that goes into the image, or what is waited for."""
    image, known = evidence.image, evidence.image.status.failure
    model = evidence.models.get(wanted.name)
    if model is None:
        message = f"Model '{wanted.name}' does not exist in namespace '{image.namespace}'."
        remedy = "Create it, or correct spec.models. It is noticed as soon as it exists."
        return not_found(INPUTS_READY, Reason.MODEL_NOT_FOUND, message, remedy, image, now)
    number = wanted.version or model.status.latest_version
    version = next((v for v in model.status.versions if v.version == number), None)
    if number is None or version is None:
        if number is None or not _settled(model):
            return _not_stored_yet(model, number, known, now)
        return _no_such_version(model, number, known, now)
    return ModelLayer(  # not from where its status says: others may write that
        repository=evidence.settings.model_repository(model.namespace, model.name),
        layer=version.layer,
        size=version.size_bytes,
        model_name=version.model_name,
        version=number,
        path=version.path,
    )


def _settled(model: Model) -> bool:
    """The Model has nothing more to do: a version that it does not have will not come by itself."""
    ready = (c for c in model.status.conditions if c.type == "Ready" and c.status is Truth.TRUE)
    return model.status.observed_generation == model.generation and any(ready)


def _not_stored_yet(
    model: Model, number: int | None, known: FailureStatus | None, now: datetime
) -> StageResult:
    observed = model.status.observed_generation == model.generation
    failure = model.status.failure if observed else None  # else it is that of an earlier spec
    version = "version" if number is None else f"version {number}"
    if failure is None:
        words = f"Model '{model.name}' has no {version} yet; it is on its way."
        if number is not None:
            words = f"Model '{model.name}' has no {version} yet; it is still at work."
        return StageResult(unknown(INPUTS_READY, Reason.WAITING_FOR_MODEL, words))
    message = f"Model '{model.name}' has no {version}: {failure.message}"
    remedy = failure.remedy or f"See `kubectl describe model {model.name}`."
    return missing(INPUTS_READY, Reason.WAITING_FOR_MODEL, message, remedy, known, now)


def _no_such_version(
    model: Model, number: int, known: FailureStatus | None, now: datetime
) -> StageResult:
    versions = [str(version.version) for version in model.status.versions]
    has = f"it has {', '.join(versions)}" if versions else "it has none yet"
    message = f"Model '{model.name}' has no version {number}; {has}."
    remedy = "Correct the version in spec.models, or leave it out to follow the latest."
    return missing(INPUTS_READY, Reason.MODEL_VERSION_NOT_FOUND, message, remedy, known, now)


def _same_folder(layers: tuple[ModelLayer, ...]) -> Finding | None:
    names = [layer.model_name for layer in layers]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is None:
        return None
    return Finding(
        Reason.MODEL_NAME_TWICE,
        FailureClass.USER,
        f"Two models of spec.models have the same modelName '{twice}': get_model_path could not "
        "tell them apart.",
        "Give one of the two Model objects another spec.modelName.",
    )
