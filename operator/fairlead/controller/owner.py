"""Whether an object for which children are to be made is still there."""

from fairlead.api.meta import API_VERSION
from fairlead.api.reasons import Reason
from fairlead.api.refs import Manifest, Ref
from fairlead.decide.decision import Action, Apply
from fairlead.errors import ReplacedError
from fairlead.observe.context import ReconcileContext
from fairlead.observe.namespaces import SUSPECT_S
from fairlead.observe.references import Key


def makes_children(actions: tuple[Action, ...]) -> bool:
    """Whether any of the actions applies an object that does not exist yet."""
    return any(isinstance(action, Apply) and not action.existing for action in actions)


def _adopts_children(actions: tuple[Action, ...]) -> bool:
    return any(isinstance(action, Apply) and action.adopts for action in actions)


async def refuse_if_gone(
    key: Key, body: Manifest, actions: tuple[Action, ...], context: ReconcileContext
) -> None:
    """Raise ``ReplacedError`` where the object is gone or going and the cache does not know it.

    When an object is deleted its children are deleted at once, and their watch may be ahead of
    that of the object: they would be made again for nobody. With ``--cascade=orphan`` they lose
    their owner instead: given it back, they would be deleted after it. Asked live, but only where
    something was deleted a moment ago, or has no owner: whoever took it had marked the owner first.
    """
    meta = body["metadata"]
    makes = makes_children(actions) and context.cache.deleted_lately(meta["namespace"], SUSPECT_S)
    if not (makes or _adopts_children(actions)):
        return
    live = await context.cluster.get_metadata(
        Ref(API_VERSION, key.kind.plural, key.namespace, key.name)
    )
    if live is not None and live["metadata"]["uid"] == meta["uid"]:
        if "deletionTimestamp" not in live["metadata"]:
            return
    else:
        context.cache.own_event(key.kind, "DELETED", body)
    raise ReplacedError(Reason.API_UNAVAILABLE, f"{key} is gone.")


def refuse_if_known_gone(key: Key, body: Manifest, context: ReconcileContext) -> None:
    """The same by what the cache has learned since ``body`` was read: looking at logs takes time,
    and so does each write, after which the next would take back what was let go meanwhile."""
    known = (context.cache.object(key) or {}).get("metadata", {})
    if known.get("uid") != body["metadata"]["uid"] or "deletionTimestamp" in known:
        raise ReplacedError(Reason.API_UNAVAILABLE, f"{key} is gone.")
