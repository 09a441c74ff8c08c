"""What the API server refuses, as findings: what happened, to whom, and what to do about it."""

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fairlead.api.failure_class import FailureClass
from fairlead.api.meta import GROUP
from fairlead.api.reasons import Reason
from fairlead.finding import shown
from fairlead.local.errors import LocalError, refusal

MAX_SAID_CHARS = 1000
DOCTOR = "`fairlead doctor` tells what is wrong."
INSTALL = "Install Fairlead's chart in this cluster, or choose another one (--context)."


def unreachable(server: str, source: str, why: str) -> LocalError:
    return refusal(
        Reason.API_UNREACHABLE,
        f"The API server at {shown(server)} ({source}) does not answer: {shown(why, 300)}.",
        "See whether the cluster runs and this machine reaches it (VPN, proxy), or choose another "
        "one: --context, KUBECONFIG.",
        FailureClass.NETWORK,
    )


def definitions_missing(source: str) -> LocalError:
    message = f"The cluster of {source} does not know Fairlead's kinds ({GROUP})."
    return refusal(Reason.DEFINITIONS_MISSING, message, INSTALL, FailureClass.INFRASTRUCTURE)


def not_found(what: str) -> LocalError:
    remedy = "`fairlead get` shows what there is; --namespace names another namespace."
    return refusal(Reason.NOT_FOUND, f"{what} is not there.", remedy)


@dataclass(frozen=True)
class Rule:
    """What a status of HTTP means to whoever asked."""

    reason: Reason
    remedy: str
    class_: FailureClass = FailureClass.USER


WRONG_FIELDS = Rule(
    Reason.INVALID,
    "Correct these fields. A field that is right is unknown to definitions older than this "
    f"program: {DOCTOR}",
)
UNDECLARED = "field not declared in schema"  # by server-side apply, of a client's mistake: with 500
LATER = Rule(Reason.API_UNAVAILABLE, "Try again a little later.", FailureClass.INFRASTRUCTURE)
OTHER = Rule(Reason.REJECTED, DOCTOR, FailureClass.INFRASTRUCTURE)
RULES = {
    HTTPStatus.UNAUTHORIZED: Rule(
        Reason.UNAUTHORIZED,
        "Log in again, as `kubectl get pods` would need it, too.",
        FailureClass.AUTH,
    ),
    HTTPStatus.FORBIDDEN: Rule(
        Reason.FORBIDDEN,
        "Ask who runs the cluster for this right (docs/security.md has a role for people), or name "
        "a namespace where you have it: --namespace.",
        FailureClass.AUTH,
    ),
    HTTPStatus.CONFLICT: Rule(
        Reason.FIELD_CONFLICT,
        "Change it where it was applied before; or take these fields over: --force-conflicts.",
    ),
    HTTPStatus.UNPROCESSABLE_ENTITY: WRONG_FIELDS,
    HTTPStatus.BAD_REQUEST: WRONG_FIELDS,
    HTTPStatus.NOT_FOUND: Rule(Reason.NOT_FOUND, "Correct the name, or --namespace."),
    HTTPStatus.TOO_MANY_REQUESTS: LATER,
}


def refused(status: int, body: bytes, what: str, source: str) -> LocalError:
    """``what`` was being done, as a phrase such as `Reading webservices credit`."""
    rule = RULES.get(HTTPStatus(status), OTHER) if status in set(HTTPStatus) else OTHER
    said = said_of(body) or f"the answer is {status}"
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        rule = WRONG_FIELDS if UNDECLARED in said else LATER
    if status == HTTPStatus.UNAUTHORIZED:
        said = f"the API server does not accept the credentials of {source}"
    message = f"{what}: {shown(said, MAX_SAID_CHARS)}"
    return refusal(rule.reason, message, rule.remedy, rule.class_)


def said_of(body: bytes) -> str:
    """The message of a Status; of anything else the text as it came."""
    status = status_of(body)
    return str(status.get("message") or "") or body[:MAX_SAID_CHARS].decode(errors="replace")


def status_of(body: bytes) -> dict[str, Any]:
    """A ``Status`` of the API server; empty where it sent something else."""
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) and found.get("kind") == "Status" else {}


def names_object(body: bytes) -> bool:
    """Whether a 404 is about an object, and not about a path that nothing serves."""
    details = status_of(body).get("details")
    return isinstance(details, dict) and bool(details.get("name"))
