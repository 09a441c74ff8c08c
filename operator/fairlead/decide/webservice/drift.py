"""Does an object still hold what we want of it? Fields that others own are none of our business."""

from fairlead.api.meta import APPLIED
from fairlead.api.refs import Manifest
from fairlead.desired.owned_fields import expected_hash
from fairlead.evidence import ChildEvidence


def needs_apply(manifest: Manifest, existing: ChildEvidence | None) -> bool:
    """True where the object is missing, where we want something new, or where somebody changed it.

    What we set and still own is compared with what we want. Where admission changes what we set,
    the two never agree: then it is compared with what was there right after our own apply.
    """
    if existing is None:
        return True
    if existing.applied != manifest["metadata"]["annotations"][APPLIED]:
        return True
    return existing.owned_hash not in (expected_hash(manifest), existing.accepted_hash)
