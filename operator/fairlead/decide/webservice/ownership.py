"""Whose are the objects under a Webservice's name? Asked before anything else is read of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto

from fairlead.api.conditions import false, unknown
from fairlead.api.meta import GROUP, MANAGED_BY, OWNED_BY_WEBSERVICE, WEBSERVICE
from fairlead.api.objects import Webservice
from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass, FailureStatus
from fairlead.decide.decision import StageResult
from fairlead.desired.child_kinds import ALL_KINDS, ChildKind
from fairlead.evidence import ChildEvidence


class Standing(Enum):
    OURS = auto()
    """Controlled by this Webservice, or made by us for one of its name and controlled by nobody."""
    LEAVING = auto()
    """Being deleted, or controlled by an earlier Webservice of this name: soon it is gone."""
    TAKEN = auto()
    """Somebody else's: never touched."""


@dataclass(frozen=True)
class Ownership:
    """The live children by ``ChildKind.key``, parted by whose they are; only those that are wanted
    can be in the way.

    ``taken`` and ``leaving`` name them as in ``Service 'credit'``.
    """

    ours: Mapping[str, ChildEvidence]
    taken: Mapping[str, str]
    leaving: Mapping[str, str]


def ownership(
    webservice: Webservice, children: Mapping[str, ChildEvidence], wanted: Iterable[ChildKind]
) -> Ownership:
    """Return whose ``children`` (by key, whoever made them) are; ``wanted`` are those we need."""
    standings = {key: standing(child, webservice) for key, child in children.items()}
    names = {
        kind.key: f"{kind.kind} '{kind.name(webservice.name)}'"
        for kind in wanted
        if kind.key in standings
    }
    return Ownership(
        ours={k: c for k, c in children.items() if standings[k] is Standing.OURS},
        taken={
            key: f"{name}{_controlled(children[key])}"
            for key, name in names.items()
            if standings[key] is Standing.TAKEN
        },
        leaving={key: n for key, n in names.items() if standings[key] is Standing.LEAVING},
    )


def name_taken(webservice: Webservice, owned: Ownership, now: datetime) -> StageResult:
    """``Deployed`` where somebody else's objects are in the way."""
    known, reason = webservice.status.failure, Reason.NAME_TAKEN
    one = len(owned.taken) == 1
    message = (
        f"{' and '.join(owned.taken.values())} {'exists' if one else 'exist'} already and "
        f"{'belongs' if one else 'belong'} to somebody else, so {'it was' if one else 'they were'} "
        "left alone, and nothing was made or changed."
    )
    remedy = (
        f"Give the Webservice another name; or, if nobody needs {'it' if one else 'them'}, delete "
        f"{'it' if one else 'them'} (`kubectl delete {_named(webservice, owned.taken)} --namespace "
        f"{webservice.namespace}`): what the Webservice needs is made within seconds."
    )
    failure = FailureStatus(
        reason=reason,
        class_=FailureClass.USER,
        message=message,
        remedy=remedy,
        since=known.since if known and known.reason == reason else now,
    )
    return StageResult(false("Deployed", reason, message), failure, stalled=True)


def _named(webservice: Webservice, keys: Iterable[str]) -> str:
    """The children as kubectl takes them: ``service/credit deployment/credit``."""
    kinds = [kind for kind in ALL_KINDS if kind.key in keys]
    return " ".join(f"{kind.kind.lower()}/{kind.name(webservice.name)}" for kind in kinds)


def waiting_for_deletion(owned: Ownership) -> StageResult:
    """``Deployed`` while objects of an earlier time are being deleted."""
    names, one = " and ".join(owned.leaving.values()), len(owned.leaving) == 1
    message = (
        f"{names} of an earlier time {'is' if one else 'are'} still being deleted; "
        f"{'it is' if one else 'they are'} made anew as soon as {'it is' if one else 'they are'} "
        "gone. Where that takes long, a finalizer holds it: see `kubectl get -o yaml`."
    )
    return StageResult(unknown("Deployed", Reason.WAITING_FOR_DELETION, message))


def standing(child: ChildEvidence, webservice: Webservice) -> Standing:
    controller = child.controller
    if "deletionTimestamp" in child.metadata:
        return Standing.LEAVING
    if controller is None:
        return Standing.OURS if _orphan(child, webservice) else Standing.TAKEN
    if controller.get("uid") == webservice.uid:
        return Standing.OURS
    group = str(controller.get("apiVersion", "")).partition("/")[0]
    same = (group, controller.get("kind"), controller.get("name"))
    predecessor = same == (GROUP, WEBSERVICE.kind, webservice.name)
    return Standing.LEAVING if predecessor else Standing.TAKEN


def _orphan(child: ChildEvidence, webservice: Webservice) -> bool:
    """We made it, for a Webservice of this name that was deleted without its children."""
    labels = child.metadata.get("labels", {})
    for_it = labels.get(OWNED_BY_WEBSERVICE) == webservice.name
    return bool(for_it and labels.get(MANAGED_BY) == "fairlead" and child.managed)


def _controlled(child: ChildEvidence) -> str:
    controller = child.controller
    if controller is None:
        return ""
    return f" (controlled by {controller.get('kind', '?')} '{controller.get('name', '?')}')"
