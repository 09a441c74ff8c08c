"""A child that changed, by whomever, wakes the Webservice it belongs to. Watches are filtered by
label on the server, so that nobody else's objects reach this process."""

from typing import Any

import kopf

from fairlead.api.meta import MANAGED_BY_US, OWNED_BY_WEBSERVICE, WEBSERVICE
from fairlead.desired.child_kinds import CHILD_KINDS, ChildKind
from fairlead.handlers.wakes import Key


def _resource(kind: ChildKind) -> tuple[str, str, str]:
    group, _, version = kind.api_version.rpartition("/")
    return group, version, kind.plural


PODS = ("", "v1", "pods")
WATCHED = (*(_resource(kind) for kind in CHILD_KINDS), PODS)


@kopf.on.event("apps", "v1", "deployments")
@kopf.on.event("", "v1", "services")
@kopf.on.event("", "v1", "pods")
@kopf.on.event("policy", "v1", "poddisruptionbudgets")
async def child_changed(*, namespace: Any, labels: Any, memo: Any, **_: Any) -> None:
    _wake(namespace, labels, memo)


@kopf.on.event("autoscaling", "v2", "horizontalpodautoscalers")
async def autoscaler_changed(
    *, namespace: Any, labels: Any, body: Any, memo: Any, **_: Any
) -> None:
    """Its metrics change every few seconds, which is no news; its conditions and spec are."""
    conditions = (body.get("status") or {}).get("conditions") or []
    news = (
        repr(body.get("spec")),
        tuple((c.get("type"), c.get("status"), c.get("reason")) for c in conditions),
    )
    if memo.get("news") != news:
        memo["news"] = news
        _wake(namespace, labels, memo)


def _wake(namespace: str, labels: Any, memo: Any) -> None:
    name = labels.get(OWNED_BY_WEBSERVICE)
    if name:
        memo.wakes.wake(Key(WEBSERVICE, namespace, name))


def watch_only_ours(selectors: Any) -> None:
    """Have the API server send children that carry our label, and no others."""
    for group, version, plural in WATCHED:
        selectors[group, version, plural] = MANAGED_BY_US
