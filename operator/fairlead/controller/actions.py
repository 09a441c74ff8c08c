"""What a decision wants of the cluster, carried out; answers go into the cache at once."""

from collections.abc import Sequence
from datetime import UTC, datetime

import structlog

from fairlead.api.conditions import Condition
from fairlead.api.meta import APPLIED, FIELD_MANAGER
from fairlead.api.reasons import Reason
from fairlead.api.refs import Ref, ref_of
from fairlead.decide.decision import Action, Apply, Create, Delete
from fairlead.desired.alterations import alterations
from fairlead.desired.child_kinds import ALL_KINDS
from fairlead.errors import ReplacedError
from fairlead.evidence import PutBack
from fairlead.observe.context import ReconcileContext

logger = structlog.get_logger("fairlead")


async def act(action: Action, context: ReconcileContext) -> Condition | None:
    """Carry out one action, and return what is to be said of it if it is news.

    Raises ``ReplacedError`` where the object is not the one that was observed (the cache then has
    what there is), or another ``OperatorError``.
    """
    match action:
        case Apply():
            await _apply(action, context)
        case Create():
            return await _create(action, context)
        case Delete():
            await _delete(action, context)
    return None


async def _create(action: Create, context: ReconcileContext) -> Condition | None:
    """Create what is not readable: once between two resyncs, unless it is said to be missing."""
    owner = action.manifest["metadata"]["ownerReferences"][0]["uid"]
    lately = context.cache.asked_for(owner, within_s=context.settings.resync_seconds / 2)
    if lately and not action.missing:
        return action.found
    created = await context.cluster.create(action.manifest)
    context.cache.note_asked_for(owner)
    return action.news if created else action.found


async def _apply(action: Apply, context: ReconcileContext) -> None:
    manifest = action.manifest
    taken = await _taken(action, context)
    try:
        answer = await context.cluster.apply(
            manifest, existing=action.existing, manager=action.manager
        )
    except ReplacedError:
        await _refresh(manifest["kind"], ref_of(manifest), context)
        raise
    if action.manager != FIELD_MANAGER:
        context.cache.put_child(answer)
        return
    applied = manifest["metadata"]["annotations"][APPLIED]
    context.cache.accept(answer, applied, alterations(manifest, answer))
    if action.puts_back:
        put_back = PutBack(datetime.now(UTC), taken)
        context.cache.writes.note_put_back(answer["metadata"]["uid"], put_back)


async def _taken(action: Apply, context: ReconcileContext) -> Sequence[str]:
    """What others have changed of what is put back now; nothing where nothing is put back."""
    if not action.puts_back:
        return ()
    manifest = action.manifest
    ref = ref_of(manifest)
    live = await context.cluster.get(ref)
    taken = alterations(manifest, live) if live else ()
    where = f"{ref.namespace}/{ref.name}"
    logger.info("putting back what others changed", kind=manifest["kind"], object=where, what=taken)
    return taken


async def _delete(action: Delete, context: ReconcileContext) -> None:
    """Delete what was observed: the cache may be behind, so it is looked at live before."""
    live = await context.cluster.get(action.ref)
    if live is None:
        context.cache.forget_child(_kind(action.ref), action.ref.namespace, action.ref.name)
        return
    if live["metadata"]["uid"] != action.uid:
        context.cache.put_child(live)
        raise ReplacedError(
            Reason.API_UNAVAILABLE, f"{action.ref.plural} {action.ref.name} was replaced."
        )
    if "deletionTimestamp" not in live["metadata"]:
        await context.cluster.delete(action.ref, action.uid)


def _kind(ref: Ref) -> str:
    return next(kind.kind for kind in ALL_KINDS if kind.plural == ref.plural)


async def _refresh(kind: str, ref: Ref, context: ReconcileContext) -> None:
    live = await context.cluster.get(ref)
    if live is None:
        context.cache.forget_child(kind, ref.namespace, ref.name)
    else:
        context.cache.put_child(live)
