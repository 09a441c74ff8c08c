"""A setting that the scoring runtime refuses, as it says in the last lines of its log."""

import re

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.evidence import PodContext
from fairlead.finding import Finding
from fairlead.pod_evidence import PodEvidence

REFUSED_EXIT_CODES = (2, 3)  # of the runtime: a setting or a config file that it cannot use
MAX_LINES = 12  # from the end
MAX_LINE_CHARS = 1000
NAME = r"(?:^|- )([A-Z][A-Z0-9_]{2,63})"  # behind the log's own prefix, if there is one
SENTENCES = (
    re.compile(rf"{NAME} is .{{1,300}}?, but must be "),
    re.compile(rf"{NAME} cannot be used: "),
    re.compile(rf"{NAME}: .{{1,300}}? \(environment variable: "),
)
CONFIG_FILE = "Invalid config file!: "


def setting_refused(pod: PodEvidence, about: PodContext) -> Finding | None:
    if pod.scoring.exit_code not in REFUSED_EXIT_CODES or pod.scoring.record is not None:
        return None
    text = pod.log or pod.scoring.termination_message
    lines = [line[:MAX_LINE_CHARS] for line in text.splitlines()[-MAX_LINES:]]
    for line in reversed(lines):
        if CONFIG_FILE in line:
            remedy = f"Correct config.json in the source of {_image(about)}."
            return _finding(line.partition(CONFIG_FILE)[2], remedy)
        match = next((found for one in SENTENCES if (found := one.search(line))), None)
        if match:
            return _finding(line[match.start(1) :], _remedy(match[1], about))
    return None


def _remedy(name: str, about: PodContext) -> str:
    where = f"spec.environmentVariables of Webservice '{about.webservice}'"
    return (
        f"Correct {name} in {where}, or where else it is set: in {_image(about)}, or config.json."
    )


def _image(about: PodContext) -> str:
    name = about.inference_image
    return f"InferenceImage '{name}'" if name else f"the image {about.image}"


def _finding(said: str, remedy: str) -> Finding:
    message = f"The scoring runtime refuses a setting: {said.strip()}"
    return Finding(Reason.SETTING_INVALID, FailureClass.USER, message, remedy)
