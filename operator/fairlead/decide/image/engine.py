"""Which engine builds an environment, and why: one rule of the spec, the settings and the steps."""

from dataclasses import dataclass

from fairlead.api.build_options import BuildEngine
from fairlead.api.inferenceimage import InferenceImageSpec
from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.evidence import ImageEvidence
from fairlead.finding import Finding
from fairlead.inputs.dockerfile_steps import instructions
from fairlead.settings import Settings

OWN_ENGINE = {"local": BuildEngine.DOCKER, "job": BuildEngine.POD}
"""What each runner has: Docker Engine is beside the operator, where no Job is."""
WHERE = {"local": "tasks run beside the operator", "job": "tasks run as Jobs"}


@dataclass(frozen=True)
class EngineChoice:
    engine: BuildEngine
    why: str


def chosen_engine(
    spec: InferenceImageSpec, settings: Settings, steps: str
) -> EngineChoice | Finding:
    """Return the engine for an environment with these ``steps``, or why there is none."""
    asked = spec.build.engine if spec.build else None
    own = OWN_ENGINE[settings.runner]
    if asked and asked is not BuildEngine.AUTO:
        choice = EngineChoice(asked, "spec.build.engine asks for it")
    elif settings.engine != "Auto":
        choice = EngineChoice(BuildEngine(settings.engine), "FAIRLEAD_ENGINE asks for it")
    else:
        choice = EngineChoice(own, WHERE[settings.runner])
    if choice.engine is not own:
        return _not_here(choice, own, settings)
    run = next((one for one in instructions(steps) if one.keyword == "RUN"), None)
    if choice.engine is BuildEngine.POD and run is not None:
        return _runs_steps(f"{spec.docker_file}:{run.line}", choice)
    return choice


def unbuildable(evidence: ImageEvidence) -> Finding | None:
    """Why no engine here builds the environment; None where one does."""
    steps = evidence.parsed.steps if evidence.parsed else ""
    found = chosen_engine(evidence.image.spec, evidence.settings, steps)
    return found if isinstance(found, Finding) else None


def _not_here(choice: EngineChoice, own: BuildEngine, settings: Settings) -> Finding:
    mine = choice.why.startswith("spec")
    where = "spec.build.engine" if mine else "FAIRLEAD_ENGINE of the operator"
    return Finding(
        Reason.ENGINE_UNSUPPORTED,
        FailureClass.USER if mine else FailureClass.INFRASTRUCTURE,
        f"The {choice.engine} engine does not work here ({choice.why}): {WHERE[settings.runner]}.",
        f"Set {where} to {own} or Auto, or leave it out.",
    )


def _runs_steps(location: str, choice: EngineChoice) -> Finding:
    return Finding(
        Reason.ENGINE_UNSUPPORTED,
        FailureClass.USER,
        f"{location}: RUN does not work here: environments are built by the {choice.engine} engine "
        f"({choice.why}), which runs no steps.",
        "Put what it installs into a base image of your own (spec.baseImage), or ask for packages "
        "that bring it along; ENV, ARG, LABEL, WORKDIR and COPY work.",
        location,
    )
