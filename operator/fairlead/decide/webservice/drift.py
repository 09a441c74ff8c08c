"""Does an object still hold what we want of it? Fields that others own are none of our business."""

from fairlead.api.quantity import same_quantity
from fairlead.api.refs import Manifest
from fairlead.desired.metadata import APPLIED


def needs_apply(manifest: Manifest, existing: Manifest | None) -> bool:
    """True where the object is missing, where we want something new, or where somebody changed it.

    What we no longer want cannot be seen from the fields alone: the fingerprint of what was applied
    last tells.
    """
    if existing is None:
        return True
    annotations = existing["metadata"].get("annotations") or {}
    if annotations.get(APPLIED) != manifest["metadata"]["annotations"][APPLIED]:
        return True
    return not holds(existing, manifest)


def holds(live: object, wanted: object) -> bool:
    """True where every field of ``wanted`` has its value in ``live``; ``live`` may have more."""
    if isinstance(wanted, dict) and isinstance(live, dict):
        return all(key in live and holds(live[key], value) for key, value in wanted.items())
    if isinstance(wanted, list) and isinstance(live, list):
        pairs = zip(live, wanted, strict=False)
        return len(live) == len(wanted) and all(holds(have, want) for have, want in pairs)
    if isinstance(wanted, str) and isinstance(live, str):
        return live == wanted or same_quantity(live, wanted)
    return live == wanted
