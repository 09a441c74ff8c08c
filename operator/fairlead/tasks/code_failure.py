"""What a source says of a model, said of code: the same sources serve both. Pure."""

from collections.abc import Mapping

from fairlead.api.reasons import Reason
from fairlead.sources.base import SourceError

REASONS: Mapping[Reason, Reason] = {
    Reason.MODEL_SOURCE_NOT_FOUND: Reason.SOURCE_NOT_FOUND,
    Reason.MODEL_SOURCE_DENIED: Reason.SOURCE_DENIED,
    Reason.MODEL_SOURCE_UNREACHABLE: Reason.SOURCE_UNREACHABLE,
    Reason.MODEL_SOURCE_REFUSED: Reason.SOURCE_REFUSED,
    Reason.MODEL_SOURCE_CHANGED: Reason.SOURCE_CHANGED,
    Reason.MODEL_TOO_LARGE: Reason.SOURCE_TOO_LARGE,
}
WORDS: Mapping[str, str] = {
    "spec.credentialsSecretRef": "spec.source.credentialsSecretRef",
    "FAIRLEAD_MODEL_MAX_BYTES": "FAIRLEAD_CODE_MAX_BYTES",
    "FAIRLEAD_MODEL_MAX_FILES": "FAIRLEAD_CODE_MAX_FILES",
    "FAIRLEAD_INGEST_TIMEOUT_SECONDS": "FAIRLEAD_CODE_TIMEOUT_SECONDS",
    "Make the model smaller": "Leave out of it what the script does not need",
    "; of a model, leave spec.unpack out to keep the file as it is": "",
}


def as_code(error: SourceError) -> SourceError:
    """The same error, with the reasons, fields and settings of an image's source."""
    return SourceError(
        REASONS.get(error.reason, error.reason),
        _reworded(str(error)),
        _reworded(error.remedy),
        error.class_,
        retryable=error.retryable,
    )


def _reworded(text: str) -> str:
    for words, ours in WORDS.items():
        text = text.replace(words, ours)
    return text
