"""Which engine builds an environment, and why: one rule of the spec, the settings and the steps."""

from dataclasses import dataclass

from fairlead.api.build_options import BuildEngine
from fairlead.api.inferenceimage import InferenceImageSpec
from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.evidence import ImageEvidence
from fairlead.finding import Finding
from fairlead.settings import Settings

OWN_ENGINE = {"local": BuildEngine.DOCKER, "job": BuildEngine.POD}
"""What each runner has: Docker Engine is beside the operator, where no Job is."""
WHERE = {"local": "tasks run beside the operator", "job": "tasks run as Jobs"}


@dataclass(frozen=True)
class EngineChoice:
    engine: BuildEngine
    why: str


def chosen_engine(
    spec: InferenceImageSpec, settings: Settings, run_line: int | None
) -> EngineChoice | Finding:
    """Return the engine for an environment, or why there is none.

    ``run_line``: where the first RUN among its steps stands; None where there is none.
    """
    location = f"{spec.docker_file}:{run_line}" if run_line else ""
    choice = _asked(spec, settings) or _automatic(settings, location)
    if choice.engine not in _engines(settings):
        return _not_here(choice, settings)
    if choice.engine is BuildEngine.POD and run_line is not None:
        return _runs_steps(location, choice, settings)
    secret = spec.build is not None and spec.build.package_secret_ref is not None
    return _NO_SECRET_APART if secret and choice.engine is BuildEngine.BUILDKIT else choice


def unbuildable(evidence: ImageEvidence) -> Finding | None:
    """Why no engine here builds the environment; None where one does."""
    run_line = evidence.parsed.run_line if evidence.parsed else None
    found = chosen_engine(evidence.image.spec, evidence.settings, run_line)
    return found if isinstance(found, Finding) else None


def _asked(spec: InferenceImageSpec, settings: Settings) -> EngineChoice | None:
    asked = spec.build.engine if spec.build else None
    if asked and asked is not BuildEngine.AUTO:
        return EngineChoice(asked, "spec.build.engine asks for it")
    if settings.engine != "Auto":
        return EngineChoice(BuildEngine(settings.engine), "FAIRLEAD_ENGINE asks for it")
    return None


def _automatic(settings: Settings, runs_at: str) -> EngineChoice:
    """``runs_at``: where the first RUN stands; empty where there is none."""
    if runs_at and BuildEngine.BUILDKIT in _engines(settings):
        return EngineChoice(BuildEngine.BUILDKIT, f"{runs_at} has RUN")
    return EngineChoice(OWN_ENGINE[settings.runner], WHERE[settings.runner])


def _engines(settings: Settings) -> list[BuildEngine]:
    """Those that work here, the runner's own first."""
    apart = settings.runner == "job" and settings.buildkit_namespace
    return [OWN_ENGINE[settings.runner], *([BuildEngine.BUILDKIT] if apart else [])]


def _not_here(choice: EngineChoice, settings: Settings) -> Finding:
    mine = choice.why.startswith("spec")
    where = "spec.build.engine" if mine else "FAIRLEAD_ENGINE of the operator"
    what, others = WHERE[settings.runner], " or ".join((*_engines(settings), "Auto"))
    turn_on = ""
    if choice.engine is BuildEngine.BUILDKIT and settings.runner == "job":
        what, turn_on = "it is not turned on", f" {_TURN_ON}"
    return Finding(
        Reason.ENGINE_UNSUPPORTED,
        FailureClass.USER if mine else FailureClass.INFRASTRUCTURE,
        f"The {choice.engine} engine does not work here ({choice.why}): {what}.",
        f"Set {where} to {others}, or leave it out.{turn_on}",
    )


def _runs_steps(location: str, choice: EngineChoice, settings: Settings) -> Finding:
    there = BuildEngine.BUILDKIT in _engines(settings)
    other = "Set spec.build.engine to buildkit, which runs them." if there else _TURN_ON
    return Finding(
        Reason.ENGINE_UNSUPPORTED,
        FailureClass.USER,
        f"{location}: RUN does not work here: environments are built by the {choice.engine} engine "
        f"({choice.why}), which runs no steps.",
        "Put what it installs into a base image of your own (spec.baseImage), or ask for packages "
        f"that bring it along; ENV, ARG, LABEL, WORKDIR and COPY work. {other}",
        location,
    )


_NO_SECRET_APART = Finding(
    Reason.SECRET_UNSUPPORTED,
    FailureClass.USER,
    "spec.build.packageSecretRef cannot be used with the buildkit engine: it builds in a namespace "
    "of its own, and a Secret is mounted in its own namespace alone.",
    "Put what RUN installs into a base image of your own (spec.baseImage), so that the pod engine "
    "builds; or have whoever runs Fairlead name a mirror in FAIRLEAD_CONDA_MIRRORS or "
    "FAIRLEAD_PACKAGE_INDEX.",
)
_TURN_ON = (
    "Whoever runs Fairlead can turn on the buildkit engine, which runs such steps: "
    "engines.buildkit of the chart (FAIRLEAD_BUILDKIT_NAMESPACE)."
)
