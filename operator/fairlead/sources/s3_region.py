"""A bucket that is in another region than the one that it was asked for in. Pure."""

import re

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.sources.base import SourceError
from fairlead.sources.exchange import Answer

REGION = re.compile(r"[a-z0-9-]{1,64}")
_MALFORMED = b"<Code>AuthorizationHeaderMalformed</Code>"
_EXPECTED = re.compile(
    rb"<Region>([a-z0-9-]{1,64})</Region>|expecting (?:'|&apos;|&#39;)([a-z0-9-]{1,64})(?:'|&)"
)


def wrong_region(asked: str, answer: Answer, said: bytes) -> SourceError | None:
    """The error where the server tells that the bucket is elsewhere; None where it does not."""
    region = _told(answer, said)
    if region in ("", asked):
        return None
    return SourceError(
        Reason.MODEL_SOURCE_DENIED,
        f"{answer.what} answers {answer.status}: it is in the region {region}, and was asked for "
        f"in {asked}.",
        f"Give {region} under the key AWS_REGION of the Secret of spec.credentialsSecretRef.",
        FailureClass.AUTH,
        retryable=True,
    )


def _told(answer: Answer, said: bytes) -> str:
    header = answer.headers.get("x-amz-bucket-region", "")
    if REGION.fullmatch(header):
        return header
    found = _EXPECTED.search(said) if _MALFORMED in said else None
    return (found[1] or found[2]).decode() if found else ""
