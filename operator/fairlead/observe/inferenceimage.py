"""What a decision about an InferenceImage looks at."""

import asyncio
from collections.abc import Mapping

from fairlead.api.inferenceimage import InferenceImageSpec, InferenceImageStatus
from fairlead.api.meta import API_VERSION, INFERENCE_IMAGE, MODEL
from fairlead.api.objects import Manifest, read
from fairlead.api.refs import Ref
from fairlead.decide.image.inputs import ImageEvidence, InferenceImage
from fairlead.decide.model import Model
from fairlead.observe.model import read_model
from fairlead.controller.context import World


def read_image(body: Manifest) -> InferenceImage:
    return read(INFERENCE_IMAGE, body, InferenceImageSpec, InferenceImageStatus)


async def observe_image(image: InferenceImage, world: World) -> ImageEvidence:
    names = [model.name for model in image.spec.models]
    models = await asyncio.gather(*(_model(image.namespace, name, world) for name in names))
    return ImageEvidence(
        image=image,
        models=dict(zip(names, models, strict=True)),
        files=await _files(image, world),
        tasks=world.runner.states(),
        settings=world.settings,
    )


async def _model(namespace: str, name: str, world: World) -> Model | None:
    body = await world.cluster.get(Ref(API_VERSION, MODEL.plural, namespace, name))
    return None if body is None else read_model(body)


async def _files(image: InferenceImage, world: World) -> Mapping[str, bytes] | None:
    source = image.spec.source
    if source.inline is not None:
        return {path: text.encode() for path, text in source.inline.files.items()}
    name = source.config_map.name if source.config_map else ""
    return await world.config_maps.files(world.cluster, image.namespace, name)
