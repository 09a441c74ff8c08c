"""What a decision about a Model looks at."""

from fairlead.api.meta import MODEL
from fairlead.api.model import ModelSpec, ModelStatus
from fairlead.api.objects import Manifest, read
from fairlead.decide.model import Model, ModelEvidence
from fairlead.controller.context import World


def read_model(body: Manifest) -> Model:
    return read(MODEL, body, ModelSpec, ModelStatus)


async def observe_model(model: Model, world: World) -> ModelEvidence:
    source = model.spec.source.config_map
    files = None
    if source is not None:
        files = await world.config_maps.files(world.cluster, model.namespace, source.name)
    return ModelEvidence(model, files, world.runner.states(), world.settings)
