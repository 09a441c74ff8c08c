"""The Lease that one operator at a time holds: what it says, and what is written into it. Pure.

The rules are those of client-go's leaderelection
(https://pkg.go.dev/k8s.io/client-go/tools/leaderelection): nobody's wall clock is trusted, for a
lease has run out when it was not seen to change for its duration, by the observer's own clock.
"""

from dataclasses import dataclass
from datetime import datetime

from fairlead.api.refs import Manifest, Ref

API_VERSION = "coordination.k8s.io/v1"
PLURAL = "leases"
DURATION_S = 15  # without a renewal, until another may take the lease
MAX_DURATION_S = 60  # that another's lease is respected for, whatever it says


@dataclass(frozen=True)
class Lease:
    """A Lease as it was read. ``holder`` is empty where nobody holds it."""

    holder: str
    duration_s: int
    acquired: str
    transitions: int
    version: str


@dataclass(frozen=True)
class SeenLease:
    """``since_s``: when this state of it was seen first, by the observer's monotonic clock."""

    lease: Lease
    since_s: float

    def expired(self, now_s: float) -> bool:
        return now_s - self.since_s > self.lease.duration_s


def lease_ref(namespace: str, name: str) -> Ref:
    return Ref(API_VERSION, PLURAL, namespace, name)


def read_lease(manifest: Manifest) -> Lease:
    """Total: whoever may edit leases may write anything into one."""
    spec = manifest.get("spec") or {}
    duration, transitions = spec.get("leaseDurationSeconds"), spec.get("leaseTransitions")
    return Lease(
        holder=str(spec.get("holderIdentity") or ""),
        duration_s=min(duration, MAX_DURATION_S) if isinstance(duration, int) else DURATION_S,
        acquired=str(spec.get("acquireTime") or ""),
        transitions=transitions if isinstance(transitions, int) else 0,
        version=str(manifest["metadata"].get("resourceVersion", "")),
    )


def seen_lease(known: SeenLease | None, lease: Lease, now_s: float) -> SeenLease:
    """What is known of the lease now: a renewal is any change."""
    if known is not None and known.lease.version == lease.version:
        return known
    return SeenLease(lease, now_s)


def may_take(seen: SeenLease, identity: str, now_s: float) -> bool:
    """Whether the lease is ours to hold: it is ours, or nobody's, or nobody renews it."""
    return seen.lease.holder in ("", identity) or seen.expired(now_s)


def held_spec(identity: str, before: Lease | None, now: datetime) -> Manifest:
    """The spec of a lease that ``identity`` takes or renews at ``now`` (UTC)."""
    at = now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    renewed = before is not None and before.holder == identity
    taken = 0 if before is None else before.transitions + (0 if renewed else 1)
    return {
        "holderIdentity": identity,
        "leaseDurationSeconds": DURATION_S,
        "acquireTime": (before.acquired if before and renewed else "") or at,
        "renewTime": at,
        "leaseTransitions": taken,
    }


def released_spec(before: Lease, now: datetime) -> Manifest:
    """The spec of a lease that its holder gives back: the next one need not wait."""
    return {
        **held_spec(before.holder, before, now),
        "holderIdentity": "",
        "leaseDurationSeconds": 1,
    }
