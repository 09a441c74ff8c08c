"""What ``spec.platform`` of an image means for who builds it and who serves it. Pure."""

from dataclasses import replace

from fairlead.api.inferenceimage import InferenceImageSpec
from fairlead.api.objects import InferenceImage, Webservice
from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.desired.metadata import ARCHITECTURE
from fairlead.finding import Finding
from fairlead.registry.oci import PLATFORM
from fairlead.settings import Settings


def architecture_of(spec: InferenceImageSpec) -> str:
    """What a node must have for the tasks that build; empty where any does."""
    return spec.platform.architecture if spec.platform else ""


def not_this_platform(spec: InferenceImageSpec, settings: Settings) -> Finding | None:
    """Why nothing here builds for the platform: tasks beside the operator are on its machine."""
    if settings.runner != "local" or not spec.platform or spec.platform == str(PLATFORM):
        return None
    return Finding(
        Reason.PLATFORM_UNSUPPORTED,
        FailureClass.INFRASTRUCTURE,
        f"spec.platform asks for {spec.platform}, and this operator runs tasks as child processes "
        f"(FAIRLEAD_RUNNER=local) on {PLATFORM}: what is installed has to run where it is built.",
        "Whoever runs Fairlead: use the job runner, in a cluster with nodes of that platform. Or "
        f"leave spec.platform out: the image is then built for {PLATFORM}.",
    )


def on_platform(webservice: Webservice, image: InferenceImage | None) -> Webservice:
    """The same, on nodes that the image is made for; what the Webservice itself says of it wins."""
    platform = image.status.platform if image else None
    if platform is None:
        return webservice
    selector = {ARCHITECTURE: platform.architecture, **(webservice.spec.node_selector or {})}
    spec = webservice.spec.model_copy(update={"node_selector": selector})
    return replace(webservice, spec=spec)
