"""Azure ML v1's packages of the environment file that are not installed, and that this is told."""

from fairlead.api.conditions import Condition
from fairlead.api.reasons import Reason
from fairlead.api.status import Truth
from fairlead.decide.decision import StageResult
from fairlead.evidence import ImageEvidence
from fairlead.finding import MAX_MESSAGE_CHARS, listed, shown
from fairlead.inputs.azureml_packages import AzureMLPackages

PACKAGES_LEFT_OUT = "PackagesLeftOut"
MAX_NAMED = 10


def left_out(packages: AzureMLPackages, evidence: ImageEvidence) -> tuple[StageResult, ...]:
    """The one condition that names what is left out, with its lines; or nothing."""
    if not packages.left_out:
        return ()
    spec = evidence.image.spec
    file = spec.conda_file or spec.requirements_file
    named = [f"{shown(one.text, 60)} ({one.file or file}:{one.line})" for one in packages.left_out]
    message = (
        f"Not installed: {listed(named, MAX_NAMED)}. The server, Model.get_model_path and what "
        "else scripts import of it are part of every image; FAIRLEAD_AZUREML_PACKAGES=asked keeps "
        "such packages as they are asked for."
    )
    told = Condition(
        PACKAGES_LEFT_OUT, Truth.TRUE, Reason.PROVIDED_BY_RUNTIME, message[:MAX_MESSAGE_CHARS]
    )
    return (StageResult(told, informs=True),)
