"""kopf's watch streams of our three kinds, on their way into the cache.

Event handlers alone: kopf then writes nothing into users' objects, not even a finalizer, so that
no object and no namespace ever hangs on an operator that is not there.
"""

from typing import Any

import kopf

from fairlead.api.meta import GROUP, INFERENCE_IMAGE, MODEL, VERSION, WEBSERVICE


@kopf.on.event(GROUP, VERSION, MODEL.plural, param=MODEL)
@kopf.on.event(GROUP, VERSION, INFERENCE_IMAGE.plural, param=INFERENCE_IMAGE)
@kopf.on.event(GROUP, VERSION, WEBSERVICE.plural, param=WEBSERVICE)
async def resource_changed(*, event: Any, memo: Any, param: Any = None, **_: Any) -> None:
    memo.cache.own_event(param, event["type"], dict(event["object"]))
