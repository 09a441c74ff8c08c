"""``Settled``: said only where children are not what we set, and are left so."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from fairlead.api.conditions import false
from fairlead.api.objects import Webservice
from fairlead.api.reasons import Reason
from fairlead.decide.decision import SETTLED, StageResult
from fairlead.decide.webservice.children import Plan
from fairlead.decide.webservice.drift import (
    MAX_PUT_BACKS,
    PUT_BACK_WINDOW,
    Drift,
    accepted_for,
    drift,
    left_alone_until,
)
from fairlead.decide.webservice.ownership import Ownership


def settled_stage(
    webservice: Webservice, planned: Plan, owned: Ownership, now: datetime
) -> tuple[StageResult, ...]:
    """What others change, in words; what was said last, while something is being applied."""
    if planned.applies:
        return _known(webservice)
    insisting = list(_insisting(planned, owned, now))
    admitted = list(_admitted(planned, owned))
    words = " ".join((*(words for words, _ in insisting), *admitted))
    if insisting:
        least = min(until for _, until in insisting) - now
        condition = false(SETTLED, Reason.CHANGED_BY_OTHERS, words)
        return (StageResult(condition, informs=True, changes_in_s=least.total_seconds()),)
    if admitted:
        return (StageResult(false(SETTLED, Reason.CHANGED_BY_ADMISSION, words), informs=True),)
    return ()


def _insisting(planned: Plan, owned: Ownership, now: datetime) -> Iterator[tuple[str, datetime]]:
    """Who changes a child again and again, and until when it is left alone."""
    minutes = PUT_BACK_WINDOW // timedelta(minutes=1)
    for key, manifest in planned.wanted.items():
        live = owned.ours.get(key)
        if live is None or drift(manifest, live) is not Drift.TAKEN:
            continue
        until = left_alone_until(live, now)
        if until is not None:
            yield (
                f"{manifest['kind']} '{manifest['metadata']['name']}' was put right "
                f"{MAX_PUT_BACKS} times within {minutes} minutes and is changed again: "
                f"{'; '.join(live.put_backs[-1].altered) or 'nothing says what'}. It is left so "
                f"until {until:%Y-%m-%dT%H:%M:%SZ}: have the other side leave these fields, or "
                "say in spec what they should be.",
                until,
            )


def _admitted(planned: Plan, owned: Ownership) -> Iterator[str]:
    """What admission has made of the children that are as we applied them last."""
    for key, manifest in planned.wanted.items():
        live = owned.ours.get(key)
        accepted = accepted_for(manifest, live) if live else None
        if live and accepted and accepted.altered and drift(manifest, live) is Drift.NONE:
            yield (
                f"The cluster's admission (a webhook or a policy) changes what Fairlead sets in "
                f"{manifest['kind']} '{manifest['metadata']['name']}', and it is left so: "
                f"{'; '.join(accepted.altered)}."
            )


def _known(webservice: Webservice) -> tuple[StageResult, ...]:
    for known in webservice.status.conditions:
        if known.type == SETTLED and known.reason in set(Reason):
            return (StageResult(false(SETTLED, known.reason, known.message), informs=True),)
    return ()
