"""One reconcile of one object: observe, decide, apply, write the status."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import structlog

from fairlead.api.conditions import transitions
from fairlead.api.meta import API_VERSION, INFERENCE_IMAGE, MODEL, WEBSERVICE, Kind
from fairlead.api.objects import read_image, read_model, read_webservice
from fairlead.api.refs import Manifest, Ref
from fairlead.api.status import CommonStatus
from fairlead.decide.decision import Apply, Create, Decision
from fairlead.decide.image.stages import decide_image
from fairlead.decide.model import decide_model
from fairlead.decide.status_update import StatusUpdate, blocked, last_status_update, status_update
from fairlead.decide.webservice.stages import decide_webservice
from fairlead.desired.event import event
from fairlead.errors import OperatorError
from fairlead.observe.context import ReconcileContext
from fairlead.observe.inferenceimage import observe_image
from fairlead.observe.model import observe_model
from fairlead.observe.webservice import observe_webservice

logger = structlog.get_logger("fairlead")


@dataclass(frozen=True)
class Controller:
    """How one kind is read, looked at and decided about."""

    read: Callable[[Manifest], Any]
    observe: Callable[[Any, ReconcileContext], Awaitable[Any]]
    decide: Callable[[Any, datetime], Decision[Any]]


CONTROLLERS = {
    MODEL: Controller(read_model, observe_model, decide_model),
    INFERENCE_IMAGE: Controller(read_image, observe_image, decide_image),
    WEBSERVICE: Controller(read_webservice, observe_webservice, decide_webservice),
}


async def reconcile(
    kind: Kind, namespace: str, name: str, context: ReconcileContext, attempt: int
) -> StatusUpdate | None:
    """One look at one object: make it so, write its whole status, tell what changed.

    ``attempt`` counts the looks in a row that the API kept from being finished. Returns what was
    said, or None where the object is gone or going. Raises ``OperatorError`` only where not even
    the object itself could be read, or its status not be written.
    """
    body = await context.cluster.get(Ref(API_VERSION, kind.plural, namespace, name))
    if body is None or "deletionTimestamp" in body["metadata"]:
        return None
    now = datetime.now(UTC)
    update = await _reconcile(CONTROLLERS[kind], body, context, attempt, now)
    await _publish(kind, body, update, context, now)
    return update


async def _reconcile(
    controller: Controller, body: Manifest, context: ReconcileContext, attempt: int, now: datetime
) -> StatusUpdate:
    update = last_status_update(body)
    try:
        decision = controller.decide(await controller.observe(controller.read(body), context), now)
        update = status_update(decision)
        await _act(decision, body["metadata"]["uid"], context)
    except OperatorError as error:
        return blocked(update, error, attempt, now)
    return update


async def _act(decision: Decision[Any], owner: str, context: ReconcileContext) -> None:
    for action in decision.actions:
        if isinstance(action, Apply):
            await context.cluster.apply(
                action.manifest, existing=action.existing, manager=action.manager
            )
        elif isinstance(action, Create):
            await context.cluster.create(action.manifest)
        else:
            await context.cluster.delete(action.ref, action.uid)
    context.runner.want(owner, decision.tasks)
    context.runner.forget(decision.taken)


async def _publish(
    kind: Kind, body: Manifest, update: StatusUpdate, context: ReconcileContext, now: datetime
) -> None:
    """Write the status if it is new, then an Event for each transition, then the log."""
    old, meta = body.get("status") or {}, body["metadata"]
    known = CommonStatus.model_validate(old)
    common = update.status(known, meta["generation"], now)
    status = {**update.fields, **common.to_wire()}
    if status != old:
        identity = {key: meta[key] for key in ("name", "namespace", "uid")}
        head = {"apiVersion": API_VERSION, "kind": kind.kind, "metadata": identity}
        await context.cluster.apply_status({**head, "status": status})
    changed = transitions(known.conditions, common.conditions)
    for condition in changed:
        note = update.note(condition.reason, condition.message)
        await _announce(event(kind.kind, meta, condition, note, now, context.instance), context)
    _log(kind, meta, update, known)


async def _announce(told: Manifest, context: ReconcileContext) -> None:
    """Post one Event; where that fails, the conditions have said it already."""
    try:
        await context.cluster.create(told)
    except OperatorError as error:
        logger.warning("event not posted", reason=told["reason"], why=str(error))


def _log(kind: Kind, meta: Manifest, update: StatusUpdate, known: CommonStatus) -> None:
    """One line per decision; nothing where nothing was decided."""
    before = {c.type: (c.status, c.reason) for c in known.conditions}.get("Ready")
    ready = update.ready
    line = logger.bind(
        kind=kind.kind.lower(),
        object=f"{meta['namespace']}/{meta['name']}",
        generation=meta["generation"],
    )
    for change in update.changes:
        line.info(change)
    if before != (ready.truth, ready.reason):
        location = update.failure.location if update.failure else None
        where = {"location": location} if location else {}
        line.info("Ready", status=str(ready.truth), reason=str(ready.reason), **where)
