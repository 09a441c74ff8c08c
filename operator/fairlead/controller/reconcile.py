"""One reconcile of one object: observe, decide, apply, write the status."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import structlog

from fairlead.api.conditions import transitions
from fairlead.api.meta import API_VERSION, FINALIZER, INFERENCE_IMAGE, MODEL, WEBSERVICE, Kind
from fairlead.api.objects import read_image, read_model, read_webservice
from fairlead.api.refs import Manifest, Ref
from fairlead.api.status import CommonStatus
from fairlead.controller.actions import act
from fairlead.controller.owner import makes_children, refuse_if_gone, refuse_if_known_gone
from fairlead.decide.decision import Action, Apply, Decision, Delete
from fairlead.decide.image.stages import decide_image
from fairlead.decide.model import decide_model
from fairlead.decide.status_update import (
    StatusUpdate,
    blocked,
    failed_internally,
    last_common_status,
    last_status_update,
    status_update,
    tried_again,
)
from fairlead.decide.webservice.stages import decide_webservice
from fairlead.desired.event import event
from fairlead.errors import OperatorError, ReplacedError
from fairlead.observe.context import ReconcileContext
from fairlead.observe.inferenceimage import observe_image
from fairlead.observe.model import observe_model
from fairlead.observe.references import Key
from fairlead.observe.webservice import observe_webservice

logger = structlog.get_logger("fairlead")
APPLIED_REQUEUE_S = 0.3  # after something was written: what the API server made of it counts
REPLACED_RETRY_S = 0.5  # after an object was not the one that was observed


@dataclass(frozen=True)
class Steps:
    """How one kind is read, observed and decided about."""

    read: Callable[[Manifest], Any]
    observe: Callable[[Any, ReconcileContext], Awaitable[Any]]
    decide: Callable[[Any, datetime], Decision[Any]]


STEPS = {
    MODEL: Steps(read_model, observe_model, decide_model),
    INFERENCE_IMAGE: Steps(read_image, observe_image, decide_image),
    WEBSERVICE: Steps(read_webservice, observe_webservice, decide_webservice),
}


async def reconcile(
    key: Key, context: ReconcileContext, attempt: int, *, may_defer: bool = False
) -> StatusUpdate | None:
    """Make one object so, write its whole status, announce what changed.

    ``attempt`` counts the reconciles in a row that the API kept from being finished. Returns the
    status update, or None where the object is gone or going. Raises ``OperatorError`` only where
    the status could not be written. With ``may_defer`` the first status of an object whose children
    have just been made is left to the reconcile that sees what came of them, so that the children
    of others come first.
    """
    body = context.cache.object(key)
    if body is None:
        return None
    await _remove_finalizer(key, body, context)
    if "deletionTimestamp" in body["metadata"]:
        context.runner.want(body["metadata"]["uid"], ())
        return None
    now = datetime.now(UTC)
    try:
        update = await _reconcile(key, body, context, attempt, now)
    except ReplacedError:
        return replace(last_status_update(body), requeue_after=REPLACED_RETRY_S)
    if may_defer and update.deferred and _never_reported(body):
        _log_changes(key.kind, body["metadata"], update)
        return update
    update = replace(update, deferred=False)
    await _publish(key.kind, body, update, context, now)
    context.runner.forget(update.taken)  # not before: whoever comes after a crash needs them
    return update


def _never_reported(body: Manifest) -> bool:
    return last_common_status(body.get("status") or {}).observed_generation is None


async def report_internal_error(
    key: Key, error: Exception, context: ReconcileContext, attempt: int
) -> StatusUpdate | None:
    """Say in the object's status that a reconcile ended in a bug; what runs for it goes on."""
    body = context.cache.object(key)
    if body is None or "deletionTimestamp" in body["metadata"]:
        return None
    now = datetime.now(UTC)
    update = failed_internally(last_status_update(body), error, attempt, now)
    await _publish(key.kind, body, update, context, now)
    return update


async def _reconcile(
    key: Key, body: Manifest, context: ReconcileContext, attempt: int, now: datetime
) -> StatusUpdate:
    steps, update = STEPS[key.kind], last_status_update(body)
    try:
        context.cache.rights.refuse(key.namespace)
        decision = steps.decide(await steps.observe(steps.read(body), context), now)
        update = status_update(decision)
        await refuse_if_gone(key, body, decision.actions, context)
        for action in decision.actions:
            refuse_if_known_gone(key, body, context)
            update = await _act(action, update, context, attempt)
        context.runner.want(body["metadata"]["uid"], decision.tasks)
    except ReplacedError:
        raise
    except OperatorError as error:
        if error.terminating:
            context.namespaces.note_terminating(body["metadata"]["namespace"])
        return blocked(update, error, attempt, now)
    if update.blocked:
        return update
    if any(isinstance(action, Apply | Delete) for action in decision.actions):
        # what came of it is not in this status yet
        wait = min(update.requeue_after, APPLIED_REQUEUE_S)
        return replace(update, requeue_after=wait, deferred=makes_children(decision.actions))
    return update


async def _act(
    action: Action, update: StatusUpdate, context: ReconcileContext, attempt: int
) -> StatusUpdate:
    """Carry out one action; an optional one that is refused keeps no other from being done."""
    try:
        return update.with_news(await act(action, context))
    except ReplacedError:
        raise
    except OperatorError as error:
        if error.terminating or not (isinstance(action, Apply) and action.optional):
            raise
        logger.warning("done without", kind=action.manifest["kind"], why=str(error))
        return tried_again(update, error, attempt)


async def _remove_finalizer(key: Key, body: Manifest, context: ReconcileContext) -> None:
    """Objects of an earlier Fairlead carry a finalizer that nothing would ever take off."""
    meta = body["metadata"]
    finalizers = meta.get("finalizers") or []
    if FINALIZER not in finalizers:
        return
    rest = [finalizer for finalizer in finalizers if finalizer != FINALIZER]
    precondition = {"resourceVersion": meta["resourceVersion"], "uid": meta["uid"]}
    patch = {"metadata": {"finalizers": rest, **precondition}}
    ref = Ref(API_VERSION, key.kind.plural, key.namespace, key.name)
    patched = await context.cluster.merge(ref, patch)
    if patched is not None:
        context.cache.put_own(key.kind, patched)


async def _publish(
    kind: Kind, body: Manifest, update: StatusUpdate, context: ReconcileContext, now: datetime
) -> None:
    """Write the status if it is new, then an Event for each transition, then the log."""
    old, meta = body.get("status") or {}, body["metadata"]
    known = last_common_status(old)
    common = update.status(known, meta["generation"], now)
    status = {**update.fields, **common.to_wire()}
    changed = transitions(known.conditions, common.conditions)
    if status == old and not changed:
        _log(kind, meta, update, known)  # what was put right, with nothing new to say
        return
    if await context.namespaces.terminating(meta["namespace"]):
        return
    identity = {field: meta[field] for field in ("name", "namespace", "uid")}
    head = {"apiVersion": API_VERSION, "kind": kind.kind, "metadata": identity}
    written = await context.cluster.apply_status({**head, "status": status})
    if written is not None:
        context.cache.put_own(kind, written)
    for condition in changed:
        context.metrics.transition(kind.kind, condition.reason)
        note = update.note(condition.reason, condition.message)
        await _announce(event(kind.kind, meta, condition, note, now, context.instance), context)
    _log(kind, meta, update, known)


async def _announce(manifest: Manifest, context: ReconcileContext) -> None:
    """Post one Event; where that fails, the conditions have said it already."""
    try:
        await context.cluster.create(manifest)
    except OperatorError as error:
        logger.warning("event not posted", reason=manifest["reason"], why=str(error))


def _log(kind: Kind, meta: Manifest, update: StatusUpdate, known: CommonStatus) -> None:
    """One line for each decision; nothing where nothing was decided."""
    _log_changes(kind, meta, update)
    before = {c.type: (c.status, c.reason) for c in known.conditions}.get("Ready")
    ready = update.ready
    if before != (ready.truth, ready.reason):
        location = update.failure.location if update.failure else None
        where = {"location": location} if location else {}
        status, reason = str(ready.truth), str(ready.reason)
        _logger_of(kind, meta).info("Ready", status=status, reason=reason, **where)


def _log_changes(kind: Kind, meta: Manifest, update: StatusUpdate) -> None:
    for change in update.changes:
        _logger_of(kind, meta).info(change)


def _logger_of(kind: Kind, meta: Manifest) -> structlog.stdlib.BoundLogger:
    bound: structlog.stdlib.BoundLogger = logger.bind(
        kind=kind.kind.lower(),
        object=f"{meta['namespace']}/{meta['name']}",
        generation=meta["generation"],
    )
    return bound
