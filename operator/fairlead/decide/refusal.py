"""What the API server's refusal of an object we made means to whoever wrote the spec behind it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.errors import OperatorError
from fairlead.finding import listed

FAILURE_CLASSES = {
    Reason.INVALID_SPEC: FailureClass.USER,
    Reason.SOURCE_TOO_LARGE: FailureClass.USER,
    Reason.FORBIDDEN: FailureClass.AUTH,
    Reason.UNAUTHORIZED: FailureClass.AUTH,
    Reason.OUT_OF_DISK: FailureClass.RESOURCE,
}
REMEDIES = {
    Reason.SOURCE_TOO_LARGE: "Put fewer files into the ConfigMap; for a model, use one archive.",
    Reason.INVALID_SPEC: "Correct the fields that the message names and apply the object again.",
    Reason.INTERNAL_ERROR: "It is tried again. Please report it with the traceback; "
    "a change of the object may avoid it.",
    Reason.FORBIDDEN: "The operator's role lacks this right: ask whoever runs the cluster to "
    "apply the role that belongs to this release, in this namespace too (the chart's "
    "watchNamespaces).",
}
RETRY_REMEDY = "It is tried again by itself."
CONTAINER = r"spec\.template\.spec\.containers\[\d{1,3}\]"
SPEC_FIELDS = (  # of what we make, and of the Webservice that it is made from
    (re.compile(r"spec\.ports\[\d{1,3}\]\.nodePort"), "spec.expose.nodePort"),
    (re.compile(r"spec\.type"), "spec.expose.type"),
    (re.compile(r"spec\.[lL]oadBalancerSourceRanges"), "spec.expose.loadBalancer.sourceRanges"),
    (re.compile(r"spec\.(rules|hostnames)"), "spec.expose.host"),
    (re.compile(r"spec\.tls"), "spec.expose.tls"),
    (re.compile(rf"{CONTAINER}\.resources\.limits"), "spec.resources.limits"),
    (re.compile(rf"{CONTAINER}\.resources"), "spec.resources"),
    (re.compile(rf"{CONTAINER}\.env"), "spec.environmentVariables"),
    (re.compile(rf"{CONTAINER}\.image"), "spec.image"),
    (re.compile(rf"{CONTAINER}\.(startup|liveness|readiness)Probe"), "spec.probes"),
    (
        re.compile(r"spec\.template\.spec\.terminationGracePeriodSeconds"),
        "spec.scoringTimeoutMilliseconds",
    ),
    (re.compile(r"spec\.progressDeadlineSeconds"), "spec.probes.initialDelaySeconds"),
    (re.compile(r"spec\.replicas"), "spec.replicas"),
    (re.compile(r"spec\.minReplicas"), "spec.autoscale.minReplicas"),
    (re.compile(r"spec\.maxReplicas"), "spec.autoscale.maxReplicas"),
    (re.compile(r"spec\.metrics"), "spec.autoscale.targetUtilization"),
)
QUOTA = "exceeded quota: "
EXPOSED = ("services.nodeports", "services.loadbalancers")  # what a quota may count
POLICIES = ("admission webhook ", "ValidatingAdmissionPolicy ")


@dataclass(frozen=True)
class Refusal:
    """``reason``, class, message and remedy, as status shows them."""

    reason: Reason
    class_: FailureClass
    message: str
    remedy: str


def refusal(error: OperatorError) -> Refusal:
    """Return what ``error`` means: the user's to correct where it is the spec that is refused."""
    message, reason = str(error), Reason(error.reason)
    fields = list(dict.fromkeys(_spec_fields(error)))
    if fields:
        names = listed(fields)
        return Refusal(
            Reason.INVALID_SPEC,
            FailureClass.USER,
            f"The cluster refuses {names}: {message}",
            f"Correct {names} and apply the object again.",
        )
    if QUOTA in message:
        field = "spec.expose.type" if any(kind in message for kind in EXPOSED) else "the spec"
        remedy = f"Ask for less in {field}, or ask whoever runs the namespace for a larger quota."
        return Refusal(reason, FailureClass.USER, message, f"{remedy} {RETRY_REMEDY}")
    if any(policy in message for policy in POLICIES):
        remedy = "Change in the spec what the policy names, or ask whoever set it up."
        return Refusal(reason, FailureClass.USER, message, f"{remedy} {RETRY_REMEDY}")
    class_ = FAILURE_CLASSES.get(reason, FailureClass.INFRASTRUCTURE)
    return Refusal(reason, class_, message, REMEDIES.get(reason, RETRY_REMEDY))


def _spec_fields(error: OperatorError) -> Iterator[str]:
    for path in error.fields:
        found = (field for pattern, field in SPEC_FIELDS if pattern.match(path))
        yield from list(found)[:1]
