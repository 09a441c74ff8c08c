"""Does an object still hold what we want of it? Fields that others own are none of our business."""

from datetime import datetime, timedelta
from enum import Enum, auto

from fairlead.api.meta import APPLIED
from fairlead.api.refs import Manifest
from fairlead.desired.owned_fields import expected_hash
from fairlead.evidence import Accepted, ChildEvidence

MAX_PUT_BACKS = 3  # within the window: whoever changes it again insists
PUT_BACK_WINDOW = timedelta(minutes=10)


class Drift(Enum):
    NONE = auto()
    NEW = auto()
    """It is missing, or we want something new."""
    TAKEN = auto()
    """Somebody has changed what we set."""


def drift(manifest: Manifest, existing: ChildEvidence | None) -> Drift:
    """What we set and still own is compared with what we want.

    Where admission changes what we set, the two never agree: then it is compared with what was
    there right after our own apply.
    """
    if existing is None:
        return Drift.NEW
    accepted, fingerprint = accepted_for(manifest, existing), fingerprint_of(manifest)
    if accepted is not None and accepted.owned_hash == existing.owned_hash:
        return Drift.NONE
    if existing.applied != fingerprint and accepted is None:
        return Drift.NEW
    same = existing.applied == fingerprint and existing.owned_hash == expected_hash(manifest)
    return Drift.NONE if same else Drift.TAKEN


def accepted_for(manifest: Manifest, existing: ChildEvidence) -> Accepted | None:
    """What came of our own apply of this very manifest, if this process has made it."""
    accepted = existing.accepted
    return accepted if accepted and accepted.applied == fingerprint_of(manifest) else None


def fingerprint_of(manifest: Manifest) -> str:
    """The fingerprint that a manifest carries."""
    return str(manifest["metadata"]["annotations"][APPLIED])


def left_alone_until(existing: ChildEvidence, now: datetime) -> datetime | None:
    """When it is put right next where others insist; None: at once.

    Two that both insist would write for ever.
    """
    lately = [one.at for one in existing.put_backs if now - one.at < PUT_BACK_WINDOW]
    return None if len(lately) < MAX_PUT_BACKS else lately[-MAX_PUT_BACKS] + PUT_BACK_WINDOW
