"""One watchman for each Model, InferenceImage and Webservice: it looks, waits, and looks again."""

import asyncio
import random
from contextlib import suppress
from typing import Any

import kopf
import structlog

from fairlead.api.meta import GROUP, INFERENCE_IMAGE, MODEL, VERSION, WEBSERVICE
from fairlead.controller.reconcile import reconcile
from fairlead.decide.status_update import backoff
from fairlead.errors import OperatorError
from fairlead.handlers.wakes import Key, Wakes
from fairlead.observe.context import ReconcileContext

logger = structlog.get_logger("fairlead")
EVENT_BATCH_DELAY_S = 0.3  # seconds; events come in bursts, one look answers them all
RESYNC_JITTER = 0.2  # share; so that a thousand objects are not looked at in one moment
CANCELLATION_TIMEOUT_S = 20.0  # seconds that a watchman has to leave


RECONCILE: dict[str, Any] = {"id": "reconcile", "cancellation_timeout": CANCELLATION_TIMEOUT_S}


@kopf.daemon(GROUP, VERSION, MODEL.plural, param=MODEL, **RECONCILE)
@kopf.daemon(GROUP, VERSION, INFERENCE_IMAGE.plural, param=INFERENCE_IMAGE, **RECONCILE)
@kopf.daemon(GROUP, VERSION, WEBSERVICE.plural, param=WEBSERVICE, **RECONCILE)
async def watchman(
    *, namespace: Any, name: str, uid: str, memo: Any, param: Any = None, **_: Any
) -> None:
    with suppress(asyncio.CancelledError):  # kopf's way to say that it is over
        await watch_over(Key(param, namespace, name), uid, memo.context, memo.wakes)


async def watch_over(key: Key, uid: str, context: ReconcileContext, wakes: Wakes) -> None:
    """Look after one object until it is gone; undecorated, so that tests can call it.

    Cancelled when the object is deleted or the operator stops: what it had running ends with it.
    """
    alarm, failures = wakes.attend(key, uid), 0
    try:
        while True:
            alarm.clear()
            seconds, failures = await _look(key, context, failures)
            with suppress(TimeoutError):
                async with asyncio.timeout(
                    seconds * random.uniform(1 - RESYNC_JITTER, 1 + RESYNC_JITTER)
                ):
                    await alarm.wait()
                await asyncio.sleep(EVENT_BATCH_DELAY_S)
    finally:
        wakes.leave(key, uid)
        context.runner.want(uid, ())


async def _look(key: Key, context: ReconcileContext, failures: int) -> tuple[float, int]:
    """Look once; return the seconds until the next look, and how many failed in a row."""
    try:
        update = await reconcile(key.kind, key.namespace, key.name, context, failures)
    except OperatorError as error:
        logger.warning("look failed", object=f"{key.namespace}/{key.name}", why=str(error))
        return max(error.retry_after, backoff(failures)), failures + 1
    if update is None:
        return 60.0, 0  # kopf ends us in a moment
    seconds = min(update.requeue_after, context.settings.resync_seconds)
    return seconds, failures + 1 if update.blocked else 0


@kopf.on.event(GROUP, VERSION, MODEL.plural, param=MODEL)
@kopf.on.event(GROUP, VERSION, INFERENCE_IMAGE.plural, param=INFERENCE_IMAGE)
@kopf.on.event(GROUP, VERSION, WEBSERVICE.plural, param=WEBSERVICE)
async def resource_changed(
    *, namespace: Any, name: str, event: Any, memo: Any, param: Any = None, **_: Any
) -> None:
    """A new spec wakes the object itself, anything new wakes those who refer to it."""
    key, body = Key(param, namespace, name), event["object"]
    memo.wakes.refers(key, references(key, body.get("spec") or {}))
    seen = (body.get("status") or {}).get("observedGeneration")
    if body["metadata"].get("generation") != seen:
        memo.wakes.wake(key)
    memo.wakes.wake_referrers(key)


def references(key: Key, spec: Any) -> list[Key]:
    """The objects of ours that a spec refers to; total: a spec of any shape gives a list."""
    if key.kind is WEBSERVICE:
        names = [_name(spec.get("imageRef"))]
        return [Key(INFERENCE_IMAGE, key.namespace, name) for name in names if name]
    if key.kind is INFERENCE_IMAGE:
        models = spec.get("models")
        names = [_name(model) for model in models] if isinstance(models, list) else []
        return [Key(MODEL, key.namespace, name) for name in names if name]
    return []


def _name(reference: Any) -> str:
    name = reference.get("name") if isinstance(reference, dict) else None
    return name if isinstance(name, str) else ""
