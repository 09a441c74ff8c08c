"""The corridor: observe, decide, apply. The only room that both thinks and touches."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import structlog

from fairlead.api.meta import API_VERSION, INFERENCE_IMAGE, MODEL, WEBSERVICE, Kind
from fairlead.api.objects import Manifest
from fairlead.api.refs import Ref
from fairlead.api.status import CommonStatus
from fairlead.api.conditions import transitions
from fairlead.decide.decision import Apply, Create, Decision
from fairlead.decide.image.stages import decide_image
from fairlead.decide.model import decide_model
from fairlead.decide.webservice.stages import decide_webservice
from fairlead.decide.status_update import Word, blocked, last_word, word
from fairlead.desired.event import event
from fairlead.errors import OperatorError
from fairlead.observe.inferenceimage import observe_image, read_image
from fairlead.observe.model import observe_model, read_model
from fairlead.observe.webservice import observe_webservice, read_webservice
from fairlead.controller.context import World

logger = structlog.get_logger("fairlead")


@dataclass(frozen=True)
class Desk:
    """How one kind is read, looked at and decided about."""

    read: Callable[[Manifest], Any]
    observe: Callable[[Any, World], Awaitable[Any]]
    decide: Callable[[Any, datetime], Decision[Any]]


DESKS = {
    MODEL: Desk(read_model, observe_model, decide_model),
    INFERENCE_IMAGE: Desk(read_image, observe_image, decide_image),
    WEBSERVICE: Desk(read_webservice, observe_webservice, decide_webservice),
}


async def reconcile(
    kind: Kind, namespace: str, name: str, world: World, attempt: int
) -> Word | None:
    """One look at one object: make it so, write its whole status, tell what changed.

    ``attempt`` counts the looks in a row that the API kept from being finished. Returns what was
    said, or None where the object is gone or going. Raises ``OperatorError`` only where not even
    the object itself could be read, or its status not be written.
    """
    body = await world.cluster.get(Ref(API_VERSION, kind.plural, namespace, name))
    if body is None or "deletionTimestamp" in body["metadata"]:
        return None
    now = datetime.now(UTC)
    said = await _look(DESKS[kind], body, world, attempt, now)
    await _publish(kind, body, said, world, now)
    return said


async def _look(desk: Desk, body: Manifest, world: World, attempt: int, now: datetime) -> Word:
    said = last_word(body)
    try:
        decision = desk.decide(await desk.observe(desk.read(body), world), now)
        said = word(decision)
        await _act(decision, body["metadata"]["uid"], world)
    except OperatorError as error:
        return blocked(said, error, attempt, now)
    return said


async def _act(decision: Decision[Any], owner: str, world: World) -> None:
    for action in decision.actions:
        if isinstance(action, Apply):
            await world.cluster.apply(
                action.manifest, existing=action.existing, manager=action.manager
            )
        elif isinstance(action, Create):
            await world.cluster.create(action.manifest)
        else:
            await world.cluster.delete(action.ref, action.uid)
    world.runner.want(owner, decision.tasks)
    world.runner.forget(decision.taken)


async def _publish(kind: Kind, body: Manifest, said: Word, world: World, now: datetime) -> None:
    """Write the status if it is new, then an Event for each transition, then the log."""
    old, meta = body.get("status") or {}, body["metadata"]
    known = CommonStatus.model_validate(old)
    common = said.status(known, meta["generation"], now)
    status = {**said.fields, **common.to_wire()}
    if status != old:
        identity = {key: meta[key] for key in ("name", "namespace", "uid")}
        head = {"apiVersion": API_VERSION, "kind": kind.kind, "metadata": identity}
        await world.cluster.apply_status({**head, "status": status})
    changed = transitions(known.conditions, common.conditions)
    for condition in changed:
        note = said.note(condition.reason, condition.message)
        await _announce(event(kind.kind, meta, condition, note, now, world.instance), world)
    _log(kind, meta, said, known)


async def _announce(told: Manifest, world: World) -> None:
    """Post one Event; where that fails, the conditions have said it already."""
    try:
        await world.cluster.create(told)
    except OperatorError as error:
        logger.warning("event not posted", reason=told["reason"], why=str(error))


def _log(kind: Kind, meta: Manifest, said: Word, known: CommonStatus) -> None:
    """One line per decision; nothing where nothing was decided."""
    before = {c.type: (c.status, c.reason) for c in known.conditions}.get("Ready")
    ready = said.ready
    line = logger.bind(
        kind=kind.kind.lower(),
        object=f"{meta['namespace']}/{meta['name']}",
        generation=meta["generation"],
    )
    for change in said.changes:
        line.info(change)
    if before != (ready.truth, ready.reason):
        location = said.failure.location if said.failure else None
        where = {"location": location} if location else {}
        line.info("Ready", status=str(ready.truth), reason=str(ready.reason), **where)
