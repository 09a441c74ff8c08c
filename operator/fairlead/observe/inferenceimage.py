"""What a decision about an InferenceImage looks at."""

import asyncio
from collections.abc import Mapping

from fairlead.api.meta import API_VERSION, MODEL
from fairlead.api.objects import InferenceImage, Model, read_model
from fairlead.api.refs import Ref
from fairlead.evidence import ImageEvidence
from fairlead.observe.context import ReconcileContext


async def observe_image(image: InferenceImage, context: ReconcileContext) -> ImageEvidence:
    names = [model.name for model in image.spec.models]
    models = await asyncio.gather(*(_model(image.namespace, name, context) for name in names))
    return ImageEvidence(
        image=image,
        models=dict(zip(names, models, strict=True)),
        files=await _files(image, context),
        tasks=context.runner.states(),
        settings=context.settings,
        new_tasks=context.runner.positions_of_new(image.namespace),
    )


async def _model(namespace: str, name: str, context: ReconcileContext) -> Model | None:
    body = await context.cluster.get(Ref(API_VERSION, MODEL.plural, namespace, name))
    return None if body is None else read_model(body)


async def _files(image: InferenceImage, context: ReconcileContext) -> Mapping[str, bytes] | None:
    source = image.spec.source
    if source.inline is not None:
        return {path: text.encode() for path, text in source.inline.files.items()}
    name = source.config_map.name if source.config_map else ""
    return await context.config_maps.files(context.cluster, image.namespace, name)
