"""Why the cluster does not let a ReplicaSet make pods: quota, limit range, Pod Security, policy."""

from collections.abc import Sequence

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.finding import Finding

RETRY = "It is tried again by itself."
CAUSES: Sequence[tuple[Sequence[str], FailureClass, str]] = (  # words of the message; first wins
    (
        ("must specify ",),  # a quota counts what the pod does not ask for
        FailureClass.USER,
        "Set in spec.resources what the message names (limits in spec.resources.limits).",
    ),
    (
        ("exceeded quota",),
        FailureClass.RESOURCE,
        "Ask whoever runs the namespace for room, or ask for less in spec.resources.",
    ),
    (
        ("maximum ", "minimum ", "limit to request ratio"),  # a LimitRange
        FailureClass.USER,
        "Ask in spec.resources for what the namespace's limit range allows.",
    ),
    (
        ("violates PodSecurity",),
        FailureClass.INFRASTRUCTURE,
        "Pods of a Webservice meet the profile `restricted`: see what was added to the pod, by "
        "an injector for one.",
    ),
    (
        ("admission webhook ", "ValidatingAdmissionPolicy "),
        FailureClass.USER,
        "Change in the spec what the policy names, or ask whoever set it up.",
    ),
)
OTHER = (FailureClass.RESOURCE, "Ask whoever runs the namespace.")


def pods_refused(said: str) -> Finding:
    """Return what the condition ``ReplicaFailure`` says, and who can act."""
    fitting = (
        (class_, remedy) for words, class_, remedy in CAUSES if any(word in said for word in words)
    )
    class_, remedy = next(fitting, OTHER)
    message = f"The cluster refuses to make the pods: {said or 'no reason given'}"
    return Finding(Reason.POD_REFUSED, class_, message, f"{remedy} {RETRY}")
